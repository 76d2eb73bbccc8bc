// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace weft::fetcher {

/// Bytes that answers may take together, apart from what each connection may have. Nobody waits for
/// them: who gets none makes do with less. Thread-safe.
class MemoryBudget : public std::enable_shared_from_this<MemoryBudget> {
 public:
  /// A part of the budget, for as long as it lives.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept
        : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      shrink(0);
      budget_ = std::move(other.budget_);
      bytes_ = std::exchange(other.bytes_, 0);
      return *this;
    }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() { shrink(0); }

    explicit operator bool() const { return bytes_ > 0; }
    /// Gives back all but `bytes`.
    void shrink(std::uint64_t bytes) {
      if (bytes >= bytes_) return;
      budget_->left_ += static_cast<std::int64_t>(bytes_ - bytes);
      bytes_ = bytes;
    }

   private:
    friend class MemoryBudget;
    Share(std::shared_ptr<MemoryBudget> budget, std::uint64_t bytes)
        : budget_(std::move(budget)), bytes_(bytes) {}
    std::shared_ptr<MemoryBudget> budget_;
    std::uint64_t bytes_ = 0;
  };

  explicit MemoryBudget(std::uint64_t bytes) : left_(static_cast<std::int64_t>(bytes)) {}

  /// An empty share if there is not so much left.
  [[nodiscard]] Share take(std::uint64_t bytes) {
    const auto wanted = static_cast<std::int64_t>(bytes);
    if (left_.fetch_sub(wanted) >= wanted) return {shared_from_this(), bytes};
    left_ += wanted;
    return {};
  }

 private:
  std::atomic<std::int64_t> left_;
};

}  // namespace weft::fetcher
