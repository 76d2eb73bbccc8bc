// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

/// Little-endian integers and byte strings, for the codec.
namespace weft::fetcher::wire {

class ByteWriter {
 public:
  template <std::unsigned_integral T>
  void put(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
  }
  void put(std::span<const std::byte> raw) { bytes_.insert(bytes_.end(), raw.begin(), raw.end()); }
  template <class Tag, std::size_t N>
  void put(const ByteId<Tag, N>& id) {
    put(std::span<const std::byte>(id.view()));
  }
  void put_text(std::string_view text) { put(std::as_bytes(std::span(text))); }
  void reserve(std::size_t size) { bytes_.reserve(size); }
  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads from the front. Once something was not there, `ok` is false for good and every read
/// returns zeros: check once at the end, but check counts before taking memory for them.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  [[nodiscard]] T get() {
    const auto raw = take(sizeof(T));
    T value = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      value = static_cast<T>(value | static_cast<T>(static_cast<T>(raw[i]) << (8 * i)));
    }
    return value;
  }
  template <class Id>
  [[nodiscard]] Id get_id() {
    const auto raw = take(Id::size);
    return raw.empty() ? Id{} : Id::from(raw.template first<Id::size>());
  }
  /// `size` bytes, or none if there are not that many.
  [[nodiscard]] std::span<const std::byte> take(std::size_t size) {
    if (size > rest_.size()) fail();
    if (!ok_) return {};
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }
  void fail() {
    ok_ = false;
    rest_ = {};
  }
  void require(bool condition) {
    if (!condition) fail();
  }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

}  // namespace weft::fetcher::wire
