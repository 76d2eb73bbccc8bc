// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// Bits in bytes, the lowest bit of a byte first. Private to the signature codec.
namespace weft {

class BitWriter {
 public:
  /// Appends to `out`, which outlives it.
  explicit BitWriter(std::vector<std::byte>& out) : out_(out) {}

  void bits(std::uint64_t value, unsigned count) {
    while (count > 0) {
      const unsigned now = std::min(count, 8 - used_);
      pending_ |= static_cast<unsigned>(value & ((1u << now) - 1)) << used_;
      value >>= now;
      count -= now;
      used_ += now;
      if (used_ == 8) finish();
    }
  }
  /// `zeros` zero bits and a one.
  void unary(std::uint64_t zeros) {
    for (; zeros > 0; --zeros)
      bits(0, 1);
    bits(1, 1);
  }
  /// Fills the last byte with zero bits.
  void finish() {
    if (used_ > 0) out_.push_back(static_cast<std::byte>(pending_));
    pending_ = used_ = 0;
  }

 private:
  std::vector<std::byte>& out_;
  unsigned pending_ = 0;
  unsigned used_ = 0;
};

/// nullopt where the bits end too early.
class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::optional<std::uint64_t> bits(unsigned count) {
    if (count > left()) return std::nullopt;
    std::uint64_t value = 0;
    for (unsigned have = 0; have < count;) {
      const auto offset = static_cast<unsigned>(at_ % 8);
      const unsigned now = std::min(count - have, 8 - offset);
      const unsigned byte = std::to_integer<unsigned>(bytes_[at_ / 8]);
      value |= std::uint64_t{(byte >> offset) & ((1u << now) - 1)} << have;
      have += now;
      at_ += now;
    }
    return value;
  }
  [[nodiscard]] std::optional<std::uint64_t> unary() {
    for (std::uint64_t zeros = 0;; ++zeros) {
      const auto bit = bits(1);
      if (!bit) return std::nullopt;
      if (*bit == 1) return zeros;
    }
  }
  /// Nothing but the filling of the last byte is left.
  [[nodiscard]] bool at_end() {
    const std::size_t rest = left();
    return rest < 8 && bits(static_cast<unsigned>(rest)) == 0;
  }

 private:
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() * 8 - at_; }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

}  // namespace weft
