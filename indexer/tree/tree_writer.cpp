// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_writer.h"

#include "indexer/core/assert.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace weft {
namespace {

constexpr std::uint64_t nodes_per_step = 256;  // 1 MiB of nodes hashed between two writes

std::span<const std::byte> as_bytes_of(std::span<const Digest> digests) {
  static_assert(sizeof(Digest) == digest_size);
  return std::as_bytes(digests);
}

ByteOffset place_of(const TreeShape& shape, unsigned level, std::uint64_t index) {
  const TreeNode first{static_cast<std::uint8_t>(level), 0};
  return ByteOffset((shape.ordinal(first) + index) * block_size);
}

}  // namespace

TreeWriter::TreeWriter(File& file, ByteCount size) : shape_(size), file_(file) {}

Result<void> TreeWriter::put(BlockIndex first, std::span<const Digest> digests) {
  WEFT_ASSERT(first + BlockCount(digests.size()) <= BlockIndex(shape_.blocks().value()),
              "digests past the image's end");
  return put_entries(1, first.value(), digests);
}

// Writes entries of `level`, leaving out nodes in which all of them are zero.
Result<void> TreeWriter::put_entries(unsigned level, std::uint64_t first,
                                     std::span<const Digest> digests) {
  const auto write = [&](std::size_t begin, std::size_t end) -> Result<void> {
    if (begin == end) return {};
    const ByteCount distance((first + begin) * digest_size);
    return file_.write_at(place_of(shape_, level, 0) + distance,
                          as_bytes_of(digests.subspan(begin, end - begin)));
  };
  std::size_t begin = 0;  // start of what waits to be written
  for (std::size_t at = 0; at < digests.size();) {
    const std::uint64_t to_edge = tree_fanout - (first + at) % tree_fanout;
    const std::size_t end = std::min(digests.size(), at + to_edge);
    if (is_all_zero(as_bytes_of(digests.subspan(at, end - at)))) {
      WEFT_CHECK(write(begin, at));
      begin = end;
    }
    at = end;
  }
  return write(begin, digests.size());
}

Result<void> TreeWriter::hash_level(unsigned level) {
  const ByteOffset start = place_of(shape_, level, 0);
  const ByteOffset stop = place_of(shape_, level, shape_.nodes_at(level));
  std::vector<std::byte> nodes(nodes_per_step * block_size);
  std::vector<Digest> digests(nodes_per_step);
  for (ByteOffset at = start; at < stop;) {
    WEFT_TRY(const auto data, file_.next_data(at));
    if (!data || data->offset >= stop) break;
    const std::uint64_t first = (std::max(at, data->offset) - start).value() / block_size;
    const ByteOffset data_end = std::min(data->offset + data->length, stop);
    const std::uint64_t end = ((data_end - start).value() + block_size - 1) / block_size;
    const std::uint64_t count = std::min(end - first, nodes_per_step);
    const ByteOffset from = start + ByteCount(first * block_size);
    const auto bytes = std::span(nodes).first(count * block_size);
    WEFT_TRY(const std::size_t got, file_.read_at(from, bytes));
    std::ranges::fill(bytes.subspan(got), std::byte{0});  // the file ends with its last data
    const auto names = std::span(digests).first(count);
    digests_of_blocks(bytes, names);
    WEFT_CHECK(put_entries(level + 1, first, names));
    at = from + ByteCount(count * block_size);
  }
  return {};
}

Result<Digest> TreeWriter::finish() {
  for (unsigned level = 1; level < shape_.height(); ++level)
    WEFT_CHECK(hash_level(level));
  NodeBytes root{};
  WEFT_CHECK(file_.read_at(ByteOffset(0), root));
  return digest_of_node(root);
}

}  // namespace weft
