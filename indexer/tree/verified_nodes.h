// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/assert.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace weft {

/// Which nodes of a tree file were compared with their digest: one bit per node, in memory only,
/// allocated 4 KiB at a time where bits are set. 16 MiB at most for the largest image, 264 KiB for
/// 1 TiB. Lock-free; a thread that sees a bit sees the node's bytes that the setter wrote before.
class VerifiedNodes {
 public:
  explicit VerifiedNodes(std::uint64_t nodes) : chunks_((nodes + bits - 1) / bits) {}
  ~VerifiedNodes() {
    for (auto& chunk : chunks_)
      delete chunk.load(std::memory_order_relaxed);
  }
  VerifiedNodes(const VerifiedNodes&) = delete;
  VerifiedNodes& operator=(const VerifiedNodes&) = delete;

  [[nodiscard]] bool test(std::uint64_t node) const {
    const Chunk* chunk = chunks_[node / bits].load(std::memory_order_acquire);
    if (chunk == nullptr) return false;
    return ((*chunk)[node % bits / 64].load(std::memory_order_acquire) >> (node % 64) & 1) != 0;
  }

  void set(std::uint64_t node) {
    const std::uint64_t bit = std::uint64_t{1} << (node % 64);
    chunk_of(node)[node % bits / 64].fetch_or(bit, std::memory_order_release);
  }

 private:
  static constexpr std::uint64_t bits = 32768;
  using Chunk = std::array<std::atomic<std::uint64_t>, bits / 64>;

  Chunk& chunk_of(std::uint64_t node) {
    auto& slot = chunks_[node / bits];
    Chunk* present = slot.load(std::memory_order_acquire);
    if (present != nullptr) return *present;
    auto fresh = std::make_unique<Chunk>();
    // The loser of a race drops its chunk and uses the winner's.
    if (slot.compare_exchange_strong(present, fresh.get(), std::memory_order_acq_rel)) {
      return *fresh.release();
    }
    return *present;
  }

  std::vector<std::atomic<Chunk*>> chunks_;
};

}  // namespace weft
