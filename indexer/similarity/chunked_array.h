// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace weft {

/// A growing array in chunks: it grows and shrinks without ever copying its elements or holding
/// them twice, which a vector of half the memory bound would. A power of two of elements up to
/// `chunk_size` that starts at a multiple of itself is contiguous. Single-threaded.
template <class T>
class ChunkedArray {
 public:
  static constexpr std::size_t chunk_size = std::size_t{1} << 16;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T& operator[](std::size_t i) noexcept {
    return chunks_[i / chunk_size][i % chunk_size];
  }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept {
    return chunks_[i / chunk_size][i % chunk_size];
  }
  /// New elements have any value.
  void resize(std::size_t size) {
    const std::size_t chunks = (size + chunk_size - 1) / chunk_size;
    while (chunks_.size() < chunks) {
      chunks_.push_back(std::make_unique_for_overwrite<T[]>(chunk_size));
    }
    chunks_.resize(chunks);
    size_ = size;
  }

 private:
  std::vector<std::unique_ptr<T[]>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace weft
