// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/frame.h"
#include "indexer/core/error.h"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>

struct XXH3_state_s;

namespace weft::fetcher::wire {

/// Cuts a byte stream, fed in pieces of any size, into frames. Pure.
///
/// The header is checked as soon as it is whole: a length above the bound of its type is an error
/// before any memory is taken for it. The payload of an unknown version or type is hashed and
/// dropped as it arrives. After an error the stream has no meaning any more: close it.
class FrameReader {
 public:
  FrameReader();

  /// Takes bytes from the front of `input` until a frame is whole or `input` is empty. nullopt: all
  /// taken, no frame yet. Errc::peer_misbehaved.
  [[nodiscard]] Result<std::optional<Frame>> next(std::span<const std::byte>& input);
  /// Some bytes of a frame have been taken, and it is not whole: an end of stream here is an error.
  [[nodiscard]] bool in_frame() const { return head_filled_ > 0; }

 private:
  struct FreeHash {
    void operator()(XXH3_state_s* state) const;
  };
  [[nodiscard]] Result<void> begin_payload();
  void take_payload(std::span<const std::byte>& input);
  [[nodiscard]] bool hash_is_right();

  std::array<std::byte, header_size> head_{};
  std::array<std::byte, trailer_size> tail_{};
  std::size_t head_filled_ = 0;
  std::size_t payload_filled_ = 0;
  std::size_t tail_filled_ = 0;
  Frame frame_;
  std::unique_ptr<XXH3_state_s, FreeHash> hash_;
};

}  // namespace weft::fetcher::wire
