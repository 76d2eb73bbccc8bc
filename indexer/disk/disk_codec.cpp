// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/disk_codec.h"

#include "indexer/store/bytes.h"

#include <algorithm>

namespace weft {
namespace {

constexpr std::uint64_t map_magic = 0x314b'5349'4454'4657;   // "WFTDISK1", little-endian
constexpr std::uint64_t live_magic = 0x3145'5649'4c54'4657;  // "WFTLIVE1"
constexpr std::size_t words_at = 56;

DiskSerial serial_at(std::span<const std::byte> bytes, std::size_t at) {
  DiskSerial serial;
  std::ranges::copy(bytes.subspan(at, serial.size()), serial.begin());
  return serial;
}

}  // namespace

void encode_words(std::span<const std::uint64_t> words, std::span<std::byte> out) {
  for (std::size_t i = 0; i < words.size(); ++i)
    layout::put(out, i * 8, words[i]);
}

void decode_words(std::span<const std::byte> bytes, std::span<std::uint64_t> out) {
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = layout::get<std::uint64_t>(bytes, i * 8);
}

std::array<std::byte, DiskHeader::size> DiskHeader::encode() const {
  std::array<std::byte, size> out{};
  layout::put(out, 0, map_magic);
  layout::put<std::uint32_t>(out, 8, version);
  std::ranges::copy(serial, out.begin() + 16);
  std::ranges::copy(base.view(), out.begin() + 32);
  layout::put(out, 64, bytes.value());
  layout::seal(out);
  return out;
}

Result<DiskHeader> DiskHeader::decode(std::span<const std::byte> bytes) {
  if (bytes.size() < size || layout::get<std::uint64_t>(bytes, 0) != map_magic) {
    return fail(Errc::damaged_state, Operation::decode, "map of a disk: no header");
  }
  bytes = bytes.first(size);
  if (layout::get<std::uint32_t>(bytes, 8) > version) {
    return fail(Errc::newer_state, Operation::decode, "map of a disk of a newer weft");
  }
  if (!layout::is_sealed(bytes)) {
    return fail(Errc::damaged_state, Operation::decode, "map of a disk: header fails its sum");
  }
  DiskHeader header;
  header.serial = serial_at(bytes, 16);
  header.base = ImageId::from(bytes.subspan<32, 32>());
  header.bytes = ByteCount(layout::get<std::uint64_t>(bytes, 64));
  if (header.bytes == ByteCount(0) || header.bytes > max_image_size) {
    return fail(Errc::damaged_state, Operation::decode, "map of a disk: impossible size");
  }
  return header;
}

std::array<std::byte, disk_page> DiskChunkPage::encode(const DiskSerial& serial) const {
  std::array<std::byte, disk_page> out{};
  std::ranges::copy(serial, out.begin());
  layout::put(out, 16, chunk);
  layout::put(out, 24, sequence);
  encode_words(words, std::span(out).subspan(words_at));
  layout::seal(out);
  return out;
}

std::optional<DiskChunkPage> DiskChunkPage::decode(std::span<const std::byte> page,
                                                   const DiskSerial& serial, std::uint64_t chunk) {
  if (page.size() != disk_page || serial_at(page, 0) != serial || !layout::is_sealed(page)) {
    return std::nullopt;
  }
  DiskChunkPage out;
  out.chunk = layout::get<std::uint64_t>(page, 16);
  out.sequence = layout::get<std::uint64_t>(page, 24);
  if (out.chunk != chunk || out.sequence == 0) return std::nullopt;
  decode_words(page.subspan(words_at), out.words);
  return out;
}

std::array<std::byte, LiveHeader::size> LiveHeader::encode() const {
  std::array<std::byte, size> out{};
  layout::put(out, 0, live_magic);
  std::ranges::copy(serial, out.begin() + 16);
  std::ranges::copy(boot.view(), out.begin() + 32);
  layout::put(out, 64, blocks.value());
  layout::seal(out);
  return out;
}

std::optional<LiveHeader> LiveHeader::decode(std::span<const std::byte> bytes) {
  if (bytes.size() < size) return std::nullopt;
  bytes = bytes.first(size);
  if (layout::get<std::uint64_t>(bytes, 0) != live_magic || !layout::is_sealed(bytes)) {
    return std::nullopt;
  }
  LiveHeader header;
  header.serial = serial_at(bytes, 16);
  header.boot = Digest::from(bytes.subspan<32, 32>());
  header.blocks = BlockCount(layout::get<std::uint64_t>(bytes, 64));
  return header;
}

}  // namespace weft
