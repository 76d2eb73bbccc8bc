// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weft::fs {

/// Whether the kernel may serve an image's reads by itself.
enum class PassthroughPolicy : std::uint8_t {
  automatic,  ///< as soon as the image is whole, where the kernel can
  off
};

[[nodiscard]] std::string_view to_string(PassthroughPolicy policy) noexcept;
[[nodiscard]] std::optional<PassthroughPolicy> parse_passthrough(std::string_view text) noexcept;

}  // namespace weft::fs
