// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/file_io.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <vector>

namespace weft::test {

/// A file that is a vector: for decoders that read files, fed with bytes. Not thread-safe.
class MemoryFile final : public File {
 public:
  explicit MemoryFile(std::span<const std::byte> bytes) : bytes_(bytes.begin(), bytes.end()) {}

  Result<std::size_t> read_at(ByteOffset offset, std::span<std::byte> out) override {
    if (offset.value() >= bytes_.size()) return std::size_t{0};
    const std::size_t size = std::min<std::size_t>(out.size(), bytes_.size() - offset.value());
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset.value()), size, out.begin());
    return size;
  }
  Result<void> write_at(ByteOffset offset, std::span<const std::byte> bytes) override {
    bytes_.resize(std::max<std::size_t>(bytes_.size(), offset.value() + bytes.size()));
    std::ranges::copy(bytes, bytes_.begin() + static_cast<std::ptrdiff_t>(offset.value()));
    return {};
  }
  Result<void> sync() override { return {}; }
  Result<void> truncate(ByteCount size) override {
    bytes_.resize(size.value());
    return {};
  }
  Result<void> punch(Extent) override { return fail_errno(EOPNOTSUPP, Operation::punch); }
  Result<FileStat> stat() override {
    FileStat stat;
    stat.size = stat.allocated = ByteCount(bytes_.size());
    stat.is_regular = true;
    return stat;
  }
  Result<std::optional<Extent>> next_data(ByteOffset from) override {
    if (from.value() >= bytes_.size()) return std::nullopt;
    return Extent{from, ByteCount(bytes_.size() - from.value())};
  }
  Result<void> clone_from(File&, Extent) override {
    return fail(Errc::unsupported, Operation::write);
  }
  int descriptor() const noexcept override { return -1; }

  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace weft::test
