// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/assert.h"
#include "indexer/core/error.h"
#include "indexer/core/file_io.h"

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

/// A stretch of a header, all of it read. Positions are relative to it and known to the parser:
/// one outside is a bug.
class HeaderBytes {
 public:
  /// Errc::bad_image: the file ends before `offset + length`, which does not overflow either.
  [[nodiscard]] static Result<HeaderBytes> read(File& file, std::uint64_t offset,
                                                std::size_t length);
  /// As many of the `length` bytes as there are.
  [[nodiscard]] static Result<HeaderBytes> read_up_to(File& file, std::uint64_t offset,
                                                      std::size_t length);

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  template <std::unsigned_integral T>
  [[nodiscard]] T big(std::size_t at) const {
    return in_order<T, std::endian::big>(at);
  }
  template <std::unsigned_integral T>
  [[nodiscard]] T little(std::size_t at) const {
    return in_order<T, std::endian::little>(at);
  }
  [[nodiscard]] std::string_view text(std::size_t at, std::size_t length) const {
    WEFT_ASSERT(at <= bytes_.size() && length <= bytes_.size() - at, "inside the header");
    return {reinterpret_cast<const char*>(bytes_.data()) + at, length};
  }

 private:
  explicit HeaderBytes(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

  template <std::unsigned_integral T, std::endian order>
  [[nodiscard]] T in_order(std::size_t at) const {
    T value;
    std::memcpy(&value, text(at, sizeof(T)).data(), sizeof(T));
    if constexpr (std::endian::native != order) value = std::byteswap(value);
    return value;
  }

  std::vector<std::byte> bytes_;
};

/// Errc::bad_image.
[[nodiscard]] inline std::unexpected<Error> bad_header(std::string reason) {
  return fail(Errc::bad_image, Operation::import, std::move(reason));
}

/// A file name from a header: Errc::bad_image if it is empty or has control characters, which no
/// program that makes images writes and no message should show.
[[nodiscard]] Result<std::string> checked_name(std::string_view what, std::string_view name);

/// The name that a header says is at `offset`. Errc::bad_image: as above, it is longer than 1023
/// bytes, or the file ends before it does.
[[nodiscard]] Result<std::string> read_name(File& file, std::string_view what, std::uint64_t offset,
                                            std::size_t length);

}  // namespace weft
