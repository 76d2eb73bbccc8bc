// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/profile_codec.h"

#include "indexer/core/assert.h"
#include "indexer/store/bytes.h"

#include <algorithm>
#include <optional>
#include <string>

namespace weft::fetcher {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t magic = 0x3146'5042'5446'4557;  // "WEFTBPF1", little-endian
constexpr std::uint32_t version = 1;
constexpr std::size_t header_size = 56;
constexpr std::size_t sum_size = 8;
constexpr std::size_t min_entry_size = 11;

std::unexpected<Error> damaged(const char* what) {
  return fail(Errc::damaged_state, Operation::decode, std::string("boot profile: ") + what);
}

// --- Numbers of seven bits a byte, the lowest first.

void put_number(std::vector<std::byte>& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::byte>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::byte>(value));
}

/// Small for small numbers of either sign.
constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

  /// Not above `most`, in its shortest form.
  [[nodiscard]] std::optional<std::uint64_t> number(std::uint64_t most) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
      if (rest_.empty()) return std::nullopt;
      const auto byte = static_cast<std::uint64_t>(rest_.front());
      rest_ = rest_.subspan(1);
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) != 0) continue;
      const bool shortest = byte != 0 || shift == 0;
      return shortest && value <= most ? std::optional(value) : std::nullopt;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::uint64_t> key() {
    if (rest_.size() < 8) return std::nullopt;
    const auto key = layout::get<std::uint64_t>(rest_, 0);
    rest_ = rest_.subspan(8);
    return key;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
};

/// The entry after `last`.
std::optional<ProfileEntry> read_entry(Reader& in, const BootProfile& profile, milliseconds last_at,
                                       std::int64_t next_block) {
  constexpr std::uint64_t blocks = max_image_size.value() / block_size;
  const auto later = in.number(static_cast<std::uint64_t>((longest_boot - last_at).count()));
  const auto distance = in.number(2 * blocks + 1);
  const auto missed = in.number(profile.boots - 1);
  const auto key = in.key();
  if (!later || !distance || !missed || !key) return std::nullopt;
  const std::int64_t block = next_block + unzigzag(*distance);
  if (block < 0) return std::nullopt;
  return ProfileEntry{.key = *key,
                      .block = BlockIndex(static_cast<std::uint64_t>(block)),
                      .at = last_at + milliseconds(*later),
                      .boots = static_cast<std::uint16_t>(profile.boots - *missed)};
}

Result<std::uint32_t> read_header(std::span<const std::byte> bytes, BootProfile& profile) {
  if (bytes.size() < header_size + sum_size || layout::get<std::uint64_t>(bytes, 0) != magic) {
    return damaged("no header; is this a file of `weft profile export`?");
  }
  if (layout::get<std::uint32_t>(bytes, 8) > version) {
    return fail(Errc::newer_state, Operation::decode,
                "boot profile of a newer weft; use that to read it");
  }
  if (!layout::is_sealed(bytes)) return damaged("fails its sum");
  profile.boots = layout::get<std::uint32_t>(bytes, 12);
  profile.image = ImageId::from(bytes.subspan<16, 32>());
  const auto entries = layout::get<std::uint32_t>(bytes, 48);
  if (layout::get<std::uint32_t>(bytes, 8) != version || profile.boots < 1 ||
      profile.boots > max_profile_boots || layout::get<std::uint32_t>(bytes, 52) != 0) {
    return damaged("a field of the header is out of range");
  }
  if (entries < 1 || entries > max_profile_entries ||
      entries > (bytes.size() - header_size - sum_size) / min_entry_size) {
    return damaged("the number of its entries is out of range");
  }
  return entries;
}

}  // namespace

std::vector<std::byte> encode_profile(const BootProfile& profile) {
  WEFT_ASSERT(is_valid(profile), "only valid profiles leave this node");
  std::vector<std::byte> out(header_size);
  layout::put<std::uint64_t>(out, 0, magic);
  layout::put<std::uint32_t>(out, 8, version);
  layout::put<std::uint32_t>(out, 12, profile.boots);
  std::ranges::copy(profile.image.view(), out.begin() + 16);
  layout::put<std::uint32_t>(out, 48, static_cast<std::uint32_t>(profile.entries.size()));

  milliseconds last_at{0};
  std::int64_t next_block = 0;
  for (const ProfileEntry& entry : profile.entries) {
    const auto block = static_cast<std::int64_t>(entry.block.value());
    put_number(out, static_cast<std::uint64_t>((entry.at - last_at).count()));
    put_number(out, zigzag(block - next_block));
    put_number(out, profile.boots - entry.boots);
    out.resize(out.size() + 8);
    layout::put<std::uint64_t>(out, out.size() - 8, entry.key);
    last_at = entry.at;
    next_block = block + 1;
  }
  out.resize(out.size() + sum_size);
  layout::seal(out);
  return out;
}

Result<BootProfile> decode_profile(std::span<const std::byte> bytes) {
  BootProfile profile;
  WEFT_TRY(const std::uint32_t entries, read_header(bytes, profile));
  Reader in(bytes.subspan(header_size, bytes.size() - header_size - sum_size));
  profile.entries.reserve(entries);
  milliseconds last_at{0};
  std::int64_t next_block = 0;
  while (profile.entries.size() < entries) {
    const auto entry = read_entry(in, profile, last_at, next_block);
    if (!entry) return damaged("an entry is missing or out of range");
    profile.entries.push_back(*entry);
    last_at = entry->at;
    next_block = static_cast<std::int64_t>(entry->block.value()) + 1;
  }
  if (!in.at_end()) return damaged("bytes after the last entry");
  if (!is_valid(profile)) return damaged("a block is there twice, or beyond the largest image");
  return profile;
}

}  // namespace weft::fetcher
