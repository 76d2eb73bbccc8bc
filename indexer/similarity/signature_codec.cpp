// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/signature_codec.h"

#include "indexer/core/assert.h"
#include "indexer/similarity/bit_stream.h"
#include "indexer/store/bytes.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

namespace weft {
namespace {

constexpr std::uint64_t magic = 0x3147'4953'5446'4557;  // "WEFTSIG1", little-endian
constexpr std::uint32_t version = 1;
constexpr std::size_t header_size = 64;
constexpr std::size_t sum_size = 8;

// Below, a key could take less than 9 bits, and few bytes could ask for much memory.
constexpr unsigned least_rice = 8;
constexpr unsigned most_rice = 63;

struct Header {
  Signature signature;
  unsigned rice;
  std::uint64_t keys;
};

// 2^rice is the expected gap between keys or up to half of it.
unsigned rice_for(unsigned shift, std::uint64_t keys) {
  const std::uint64_t gap = last_key(shift) / std::max<std::uint64_t>(keys, 1);
  return std::clamp(static_cast<unsigned>(std::bit_width(gap | 1)) - 1, least_rice, most_rice);
}

std::unexpected<Error> damaged(const char* what) {
  return fail(Errc::damaged_state, Operation::decode, std::string("signature: ") + what);
}

Result<Header> decode_header(std::span<const std::byte> bytes) {
  if (bytes.size() < header_size + sum_size || layout::get<std::uint64_t>(bytes, 0) != magic) {
    return damaged("no header");
  }
  if (layout::get<std::uint32_t>(bytes, 8) > version) {
    return fail(Errc::newer_state, Operation::decode, "signature of a newer weft");
  }
  if (!layout::is_sealed(bytes)) return damaged("fails its sum");
  const unsigned shift = layout::get<std::uint8_t>(bytes, 12);
  const unsigned rice = layout::get<std::uint8_t>(bytes, 13);
  if (layout::get<std::uint32_t>(bytes, 8) != version || shift > max_signature_shift ||
      rice < least_rice || rice > most_rice || layout::get<std::uint16_t>(bytes, 14) != 0) {
    return damaged("a field of the header is out of range");
  }
  const auto keys = layout::get<std::uint64_t>(bytes, 56);
  const std::uint64_t bits = (bytes.size() - header_size - sum_size) * 8;
  if (keys > bits / (rice + 1)) return damaged("more keys than bits for them");
  return Header{{.image = ImageId::from(bytes.subspan<16, 32>()),
                 .shift = shift,
                 .unique_blocks = BlockCount(layout::get<std::uint64_t>(bytes, 48)),
                 .keys = {}},
                rice,
                keys};
}

// The next number, which must not be above `most`.
std::optional<std::uint64_t> read_rice(BitReader& reader, unsigned rice, std::uint64_t most) {
  const auto high = reader.unary();
  const auto low = reader.bits(rice);
  if (!high || !low || *high > most >> rice) return std::nullopt;
  const std::uint64_t value = *high << rice | *low;
  return value <= most ? std::optional(value) : std::nullopt;
}

}  // namespace

std::vector<std::byte> encode_signature(const Signature& signature) {
  WEFT_ASSERT(is_valid(signature), "only valid signatures leave this node");
  const unsigned rice = rice_for(signature.shift, signature.keys.size());
  std::vector<std::byte> out(header_size);
  layout::put<std::uint64_t>(out, 0, magic);
  layout::put<std::uint32_t>(out, 8, version);
  layout::put<std::uint8_t>(out, 12, static_cast<std::uint8_t>(signature.shift));
  layout::put<std::uint8_t>(out, 13, static_cast<std::uint8_t>(rice));
  std::ranges::copy(signature.image.view(), out.begin() + 16);
  layout::put<std::uint64_t>(out, 48, signature.unique_blocks.value());
  layout::put<std::uint64_t>(out, 56, signature.keys.size());

  BitWriter writer(out);
  std::uint64_t least = 0;  // the next key is not below
  for (const std::uint64_t key : signature.keys) {
    writer.unary((key - least) >> rice);
    writer.bits(key - least, rice);
    least = key + 1;
  }
  writer.finish();
  out.resize(out.size() + sum_size);
  layout::seal(out);
  return out;
}

Result<Signature> decode_signature(std::span<const std::byte> bytes) {
  WEFT_TRY(auto header, decode_header(bytes));
  Signature& signature = header.signature;
  BitReader reader(bytes.subspan(header_size, bytes.size() - header_size - sum_size));
  signature.keys.reserve(header.keys);
  const std::uint64_t last = last_key(signature.shift);
  for (std::uint64_t least = 0; signature.keys.size() < header.keys;) {
    const auto gap = read_rice(reader, header.rice, last - least);
    if (!gap) return damaged("a key is missing or out of range");
    signature.keys.push_back(least + *gap);
    least += *gap + 1;
    if (signature.keys.back() == last && signature.keys.size() < header.keys) {
      return damaged("keys after the last possible one");
    }
  }
  if (!reader.at_end()) return damaged("bytes after the last key");
  if (!is_valid(signature)) return damaged("more keys than blocks");
  return std::move(signature);
}

}  // namespace weft
