// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

/// Sizes agreed with the kernel. The numbers behind them: fs/README.md.
namespace weft::fs {

/// Bytes of one READ request. The kernel splits larger O_DIRECT reads, and the channel threads
/// serve the pieces in parallel.
inline constexpr unsigned max_request = 128u << 10;

/// Asynchronous requests (AIO, io_uring, readahead) the kernel keeps in flight.
inline constexpr unsigned max_background = 256;

/// What a channel reads at once: a request with `max_request` of payload and its headers.
inline constexpr std::size_t channel_buffer_size = max_request + 8192;

}  // namespace weft::fs
