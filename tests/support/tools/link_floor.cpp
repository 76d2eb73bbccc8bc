// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/link_floor.h"

#include "indexer/core/unique_fd.h"
#include "tests/support/tools/reference_transfer.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace weft::testing {
namespace {

constexpr std::uint64_t block_bytes = 4096;

/// Calls `use(block)` for each block of the read.
template <class Use>
void each_block(const TracedRead& read, Use use) {
  if (read.size == 0) return;
  for (std::uint64_t block = read.offset / block_bytes;
       block <= (read.offset + read.size - 1) / block_bytes; ++block)
    use(block);
}

/// What lies behind the end of the file is zero.
void read_block(int file, std::uint64_t block, std::span<char> out) {
  std::ranges::fill(out, '\0');
  if (::pread(file, out.data(), out.size(), static_cast<off_t>(block * block_bytes)) < 0)
    throw std::runtime_error("block " + std::to_string(block) + " cannot be read");
}

std::uint64_t packed_size(std::span<const char> content) {
  std::vector<char> packed(ZSTD_compressBound(content.size()));
  const std::size_t size = ZSTD_compress(packed.data(), packed.size(), content.data(),
                                         content.size(), ReferenceTransfer::level);
  if (ZSTD_isError(size) != 0) throw std::runtime_error(ZSTD_getErrorName(size));
  return std::min(size, content.size());
}

}  // namespace

EarliestArrivals::EarliestArrivals(const ReadTrace& trace, const std::filesystem::path& disk) {
  const UniqueFd file(::open(disk.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw std::runtime_error(disk.string() + " cannot be opened");
  std::vector<std::uint64_t> frame;  // its blocks
  std::vector<char> content;
  const auto flush = [&] {
    if (frame.empty()) return;
    const std::uint64_t size = packed_size(content);
    for (std::size_t i = 0; i < frame.size(); ++i)
      behind_[frame[i]] = bytes_ + size * (i + 1) / frame.size();
    bytes_ += size;
    frame.clear();
    content.clear();
  };
  std::array<char, block_bytes> block{};
  for (const TracedRead& read : trace.reads) {
    each_block(read, [&](std::uint64_t at) {
      if (!behind_.emplace(at, 0).second) return;
      read_block(file.get(), at, block);
      if (std::ranges::all_of(block, [](char c) { return c == '\0'; })) return;
      frame.push_back(at);
      content.insert(content.end(), block.begin(), block.end());
      if (frame.size() == ReferenceTransfer::blocks_per_frame) flush();
    });
  }
  flush();
}

std::uint64_t EarliestArrivals::before(const TracedRead& read) const {
  std::uint64_t bytes = 0;
  each_block(read, [&](std::uint64_t block) { bytes = std::max(bytes, behind_.at(block)); });
  return bytes;
}

Seconds earliest_ready(const ReadTrace& trace, double scale, const EarliestArrivals& arrivals,
                       double bytes_per_second, Seconds round_trip) {
  std::vector<Seconds> complete;
  Seconds last{0};
  for (const TracedRead& read : trace.reads) {
    const Seconds before = read.after ? complete.at(*read.after) : Seconds(0);
    const std::uint64_t bytes = arrivals.before(read);
    const Seconds here = bytes == 0
                             ? Seconds(0)
                             : round_trip + Seconds(static_cast<double>(bytes) / bytes_per_second);
    complete.push_back(std::max(before + Seconds(read.think) * scale, here));
    last = std::max(last, complete.back());
  }
  return last + Seconds(trace.rest) * scale;
}

}  // namespace weft::testing
