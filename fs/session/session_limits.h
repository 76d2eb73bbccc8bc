// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

/// Sizes agreed with the kernel. The numbers behind them: fs/README.md.
namespace weft::fs {

/// Bytes of one READ request. A synchronous O_DIRECT read of a file opened with FOPEN_DIRECT_IO is
/// split into requests that the kernel sends one after the other: 128 KiB pieces take it from 0.82
/// of the page cache's speed to 0.46. The same value is a mount option: see max_read_bytes.
inline constexpr unsigned max_request = 1u << 20;

/// Asynchronous requests (AIO, io_uring, readahead) the kernel keeps in flight.
inline constexpr unsigned max_background = 256;

/// What a channel reads at once: a request with `max_request` of payload and its headers.
inline constexpr std::size_t channel_buffer_size = max_request + 8192;

}  // namespace weft::fs
