// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/awaitable.h"
#include "fetcher/net/stream.h"
#include "fetcher/wire/frame_reader.h"
#include "indexer/core/error.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace weft::fetcher {

/// The frames that arrive on a stream. I/O thread only; `stream` outlives it.
class FrameSource {
 public:
  /// Called with the size of every read, before its frames are handed out.
  using OnBytes = std::move_only_function<void(std::size_t)>;

  FrameSource(Stream& stream, OnBytes on_bytes);

  /// nullopt: the peer has ended the stream between two frames. Errors of Stream::read_some;
  /// Errc::peer_misbehaved; peer_unreachable if it ended within a frame.
  [[nodiscard]] Awaitable<Result<std::optional<wire::Frame>>> next();

 private:
  Stream& stream_;
  OnBytes on_bytes_;
  wire::FrameReader reader_;
  std::vector<std::byte> buffer_;
  std::span<const std::byte> unread_;  // in buffer_
};

}  // namespace weft::fetcher
