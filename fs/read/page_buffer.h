// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace weft::fs {

/// `size` bytes at a page boundary that belong to the calling thread until its next call. Reused:
/// a thread that answers reads allocates once. Content is unspecified.
[[nodiscard]] std::span<std::byte> page_buffer(std::size_t size);

}  // namespace weft::fs
