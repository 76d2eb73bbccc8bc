// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/protocol.h"

#include "indexer/core/assert.h"

#include <algorithm>
#include <concepts>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace weft::fs::supervision {
namespace {

constexpr std::uint32_t magic = 0x66'73'77'57;  // "Wwsf"

/// Whose code an error carries. Other categories become EIO: a number means nothing without them.
enum class Category : std::uint8_t { weft = 0, generic = 1 };

class Writer {
 public:
  template <std::unsigned_integral T>
  void number(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes_.push_back(static_cast<std::byte>((value >> (8 * i)) & 0xff));
    }
  }
  void flag(bool value) { number<std::uint8_t>(value ? 1 : 0); }
  void key(MountKey key) { number(std::to_underlying(key)); }
  void text(std::span<const std::byte> value) {
    number(static_cast<std::uint32_t>(value.size()));
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
  void text(std::string_view value) { text(std::as_bytes(std::span(value))); }
  void spec(const MountSpec& spec) {
    text(spec.target);
    // Bit 1 says writable: a supervisor that knows no disks refuses the packet.
    number(static_cast<std::uint8_t>(std::to_underlying(spec.kind) | (spec.writable ? 2 : 0)));
    text(spec.description);
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

/// Remembers that something was wrong instead of saying so at each field.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <std::unsigned_integral T>
  T number() {
    const auto field = take(sizeof(T));
    T value = 0;
    for (std::size_t i = 0; i < field.size(); ++i) {
      value = static_cast<T>(value | (std::to_integer<T>(field[i]) << (8 * i)));
    }
    return value;
  }
  template <std::unsigned_integral T>
  T number_up_to(T limit) {
    const T value = number<T>();
    if (value > limit) good_ = false;
    return good_ ? value : T{0};
  }
  bool flag() { return number_up_to<std::uint8_t>(1) == 1; }
  MountKey key() { return MountKey{number<std::uint64_t>()}; }
  std::span<const std::byte> bytes(std::size_t limit) {
    const std::size_t size = number<std::uint32_t>();
    if (size > limit) good_ = false;
    return take(size);
  }
  std::string text(std::size_t limit) {
    const auto field = bytes(limit);
    return {reinterpret_cast<const char*>(field.data()), field.size()};
  }
  MountSpec spec() {
    MountSpec spec;
    spec.target = text(max_text);
    const auto kind = number_up_to<std::uint8_t>(3);
    spec.kind = TargetKind{static_cast<std::uint8_t>(kind & 1)};
    spec.writable = (kind & 2) != 0;
    spec.description = text(max_description);
    return spec;
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool complete() const { return good_ && bytes_.empty(); }

 private:
  std::span<const std::byte> take(std::size_t size) {
    if (!good_ || size > bytes_.size()) {
      good_ = false;
      return {};
    }
    const auto field = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return field;
  }

  std::span<const std::byte> bytes_;
  bool good_ = true;
};

void write(Writer&, const ReadyCall&) {}
void write(Writer& w, const MountCall& m) {
  w.spec(m.spec);
  w.number(m.channels);
}
void write(Writer& w, const UnmountCall& m) {
  w.key(m.key);
  w.flag(m.force);
}
void write(Writer& w, const InheritedCall& m) {
  w.key(m.after);
}
void write(Writer& w, const ForgetCall& m) {
  w.key(m.key);
}
void write(Writer&, const DoneReply&) {}
void write(Writer& w, const Error& error) {
  const bool own = error.code.category() == weft_category();
  const bool generic = error.code.category() == std::generic_category();
  w.number(std::to_underlying(own ? Category::weft : Category::generic));
  w.number(static_cast<std::uint32_t>(own || generic ? error.code.value() : EIO));
  w.number(static_cast<std::uint8_t>(error.operation));
  w.text(std::string_view(error.detail).substr(0, max_text));
}
void write(Writer& w, const FailedReply& m) {
  write(w, m.error);
}
void write(Writer& w, const MountReply& m) {
  w.key(m.key);
  w.spec(m.spec);
  w.number(m.device.major);
  w.number(m.device.minor);
  w.text(m.init_request);
  w.flag(m.inherited);
  w.number(m.channels);
}
void write(Writer&, const DescriptorsReply&) {}
void write(Writer&, const EndReply&) {}
void write(Writer& w, const OpensCall& m) {
  w.key(m.key);
}
void write(Writer&, const OpensReply&) {}
void write(Writer& w, const UpgradeCall& m) {
  w.text(std::string_view(m.binary).substr(0, max_text));
}
void write(Writer&, const HandOverCall&) {}
void write(Writer& w, const StandByCall& m) {
  w.text(std::string_view(m.build).substr(0, max_text));
}
void write(Writer& w, const RefuseCall& m) {
  write(w, m.error);
}
void write(Writer& w, const StandingByReply& m) {
  w.number(m.process_id);
  w.text(std::string_view(m.build).substr(0, max_text));
}

void read(Reader&, ReadyCall&) {}
void read(Reader& r, MountCall& m) {
  m.spec = r.spec();
  m.channels = r.number_up_to<std::uint32_t>(max_channels);
}
void read(Reader& r, UnmountCall& m) {
  m.key = r.key();
  m.force = r.flag();
}
void read(Reader& r, InheritedCall& m) {
  m.after = r.key();
}
void read(Reader& r, ForgetCall& m) {
  m.key = r.key();
}
void read(Reader&, DoneReply&) {}
void read(Reader& r, Error& error) {
  const bool own = r.number_up_to<std::uint8_t>(std::to_underlying(Category::generic)) ==
                   std::to_underlying(Category::weft);
  // A newer peer may know codes and operations that this build does not.
  const auto value = static_cast<int>(r.number_up_to<std::uint32_t>(4095));
  error.code = {value, own ? weft_category() : std::generic_category()};
  const auto operation = r.number<std::uint8_t>();
  error.operation = operation <= static_cast<std::uint8_t>(Operation::control)
                        ? static_cast<Operation>(operation)
                        : Operation::none;
  error.detail = r.text(max_text);
}
void read(Reader& r, FailedReply& m) {
  read(r, m.error);
}
void read(Reader& r, MountReply& m) {
  m.key = r.key();
  m.spec = r.spec();
  m.device.major = r.number<std::uint32_t>();
  m.device.minor = r.number<std::uint32_t>();
  const auto init = r.bytes(max_text);
  m.init_request.assign(init.begin(), init.end());
  m.inherited = r.flag();
  m.channels = r.number_up_to<std::uint32_t>(max_channels);
}
void read(Reader&, DescriptorsReply&) {}
void read(Reader&, EndReply&) {}
void read(Reader& r, OpensCall& m) {
  m.key = r.key();
}
void read(Reader&, OpensReply&) {}
void read(Reader& r, UpgradeCall& m) {
  m.binary = r.text(max_text);
}
void read(Reader&, HandOverCall&) {}
void read(Reader& r, StandByCall& m) {
  m.build = r.text(max_text);
}
void read(Reader& r, RefuseCall& m) {
  read(r, m.error);
}
void read(Reader& r, StandingByReply& m) {
  m.process_id = r.number<std::uint32_t>();
  m.build = r.text(max_text);
}

/// The message with the type number `type`, which is its place in the variant.
template <std::size_t I = 0>
bool read_body(std::uint16_t type, Reader& reader, Message& out) {
  if constexpr (I < std::variant_size_v<Message>) {
    if (type != I) return read_body<I + 1>(type, reader, out);
    read(reader, out.emplace<I>());
    return true;
  } else {
    return false;
  }
}

}  // namespace

std::vector<std::byte> encode(const Packet& packet) {
  Writer writer;
  writer.number(magic);
  writer.number(protocol_version);
  writer.number(static_cast<std::uint16_t>(packet.message.index()));
  writer.number(packet.request);
  std::visit([&](const auto& message) { write(writer, message); }, packet.message);
  std::vector<std::byte> bytes = writer.take();
  WEFT_ASSERT(bytes.size() <= max_packet, "limits are checked before encoding");
  return bytes;
}

Result<Packet> decode(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  const auto first = reader.number<std::uint32_t>();
  const auto version = reader.number<std::uint16_t>();
  if (reader.good() && first == magic && version != protocol_version) {
    return fail(Errc::unsupported, Operation::decode,
                "supervisor protocol version " + std::to_string(version) +
                    "; restart the daemon to have supervisor and worker of one build");
  }
  const auto type = reader.number<std::uint16_t>();
  Packet packet;
  packet.request = reader.number<std::uint64_t>();
  if (!reader.good() || first != magic || !read_body(type, reader, packet.message) ||
      !reader.complete()) {
    return fail(Errc::bad_request, Operation::decode, "supervisor protocol");
  }
  return packet;
}

Result<void> check_limits(const MountSpec& spec) {
  if (spec.target.empty() || spec.target.size() > max_text) {
    return fail(Errc::bad_request, Operation::mount, "the target's path is empty or too long");
  }
  if (spec.description.size() > max_description) {
    return fail(Errc::bad_request, Operation::mount, "the description is longer than 64 KiB");
  }
  return {};
}

}  // namespace weft::fs::supervision
