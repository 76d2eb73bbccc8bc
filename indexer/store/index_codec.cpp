// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/index_codec.h"

#include "indexer/store/bytes.h"

#include <algorithm>

namespace weft {
namespace {

constexpr std::uint64_t magic = 0x3158'4449'5446'4557;  // "WEFTIDX1", little-endian
constexpr std::uint32_t version = 2;
constexpr std::uint64_t flag_whole = 1;

std::unexpected<Error> damaged(const char* what) {
  return fail(Errc::damaged_state, Operation::decode, what);
}

}  // namespace

std::array<std::byte, IndexHeader::size> IndexHeader::encode() const {
  std::array<std::byte, size> out{};
  layout::put<std::uint64_t>(out, 0, magic);
  layout::put<std::uint32_t>(out, 8, version);
  std::ranges::copy(image.view(), out.begin() + 16);
  layout::put(out, 48, entries);
  layout::put(out, 56, fences_sum);
  layout::put<std::uint64_t>(out, 64, whole ? flag_whole : 0);
  layout::put(out, 72, distinct);
  layout::put(out, 80, covered.value());
  layout::seal(out);
  return out;
}

Result<IndexHeader> IndexHeader::decode(std::span<const std::byte> bytes) {
  if (bytes.size() < size || layout::get<std::uint64_t>(bytes, 0) != magic) {
    return damaged("index: no header");
  }
  bytes = bytes.first(size);
  const auto written = layout::get<std::uint32_t>(bytes, 8);
  if (written > version) {
    return fail(Errc::newer_state, Operation::decode, "index of a newer weft");
  }
  if (written < version || !layout::is_sealed(bytes)) {
    return damaged("index: of an older version, or fails its sum");
  }
  IndexHeader header;
  header.image = ImageId::from(bytes.subspan<16, 32>());
  header.entries = layout::get<std::uint64_t>(bytes, 48);
  header.fences_sum = layout::get<std::uint64_t>(bytes, 56);
  header.whole = (layout::get<std::uint64_t>(bytes, 64) & flag_whole) != 0;
  header.distinct = layout::get<std::uint64_t>(bytes, 72);
  header.covered = BlockCount(layout::get<std::uint64_t>(bytes, 80));
  if (header.distinct > header.entries || header.entries > header.covered.value() ||
      header.covered > blocks_for(max_image_size)) {
    return damaged("index: impossible numbers");
  }
  return header;
}

}  // namespace weft
