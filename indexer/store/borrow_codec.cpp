// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/borrow_codec.h"

#include "indexer/store/bytes.h"

#include <algorithm>

namespace weft {
namespace {

constexpr std::uint64_t magic = 0x3152'5242'5446'4557;  // "WEFTBRR1", little-endian

}  // namespace

std::array<std::byte, BorrowHeader::size> BorrowHeader::encode() const {
  std::array<std::byte, size> out{};
  layout::put<std::uint64_t>(out, 0, magic);
  layout::put<std::uint32_t>(out, 8, version);
  std::ranges::copy(image.view(), out.begin() + 16);
  layout::seal(out);
  return out;
}

Result<BorrowHeader> BorrowHeader::decode(std::span<const std::byte> bytes) {
  if (bytes.size() < size || layout::get<std::uint64_t>(bytes, 0) != magic) {
    return fail(Errc::damaged_state, Operation::decode, "borrow file: no header");
  }
  if (layout::get<std::uint32_t>(bytes, 8) > version) {
    return fail(Errc::newer_state, Operation::decode, "borrow file of a newer weft");
  }
  if (!layout::is_sealed(bytes.first(size))) {
    return fail(Errc::damaged_state, Operation::decode, "borrow file: header fails its sum");
  }
  return BorrowHeader{ImageId::from(bytes.subspan<16, 32>())};
}

std::array<std::byte, BorrowRecord::size> BorrowRecord::encode() const {
  std::array<std::byte, size> out{};
  layout::put(out, 0, blocks.first.value());
  layout::put(out, 8, blocks.count.value());
  std::ranges::copy(lender.view(), out.begin() + 16);
  layout::put(out, 48, source.value());
  layout::seal(out);
  return out;
}

std::optional<BorrowRecord> BorrowRecord::decode(std::span<const std::byte> bytes,
                                                 BlockCount image_blocks) {
  if (bytes.size() < size || !layout::is_sealed(bytes.first(size))) return std::nullopt;
  const auto first = layout::get<std::uint64_t>(bytes, 0);
  const auto count = layout::get<std::uint64_t>(bytes, 8);
  const auto source = layout::get<std::uint64_t>(bytes, 48);
  constexpr std::uint64_t most = max_image_size.value() / block_size;
  const std::uint64_t total = image_blocks.value();
  if (count == 0 || first >= total || count > total - first) return std::nullopt;
  if (source >= most || count > most - source) return std::nullopt;
  return BorrowRecord{{BlockIndex(first), BlockCount(count)},
                      ImageId::from(bytes.subspan<16, 32>()),
                      BlockIndex(source)};
}

}  // namespace weft
