// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/frame_source.h"

namespace weft::fetcher {
namespace {

constexpr std::size_t read_size = 128 * 1024;

}  // namespace

FrameSource::FrameSource(Stream& stream, OnBytes on_bytes)
    : stream_(stream), on_bytes_(std::move(on_bytes)), buffer_(read_size) {}

Awaitable<Result<std::optional<wire::Frame>>> FrameSource::next() {
  for (;;) {
    WEFT_CO_TRY(auto frame, reader_.next(unread_));
    if (frame) co_return frame;
    WEFT_CO_TRY(const std::size_t size, co_await stream_.read_some(buffer_));
    if (size == 0 && reader_.in_frame()) {
      co_return fail(Errc::peer_unreachable, Operation::receive,
                     stream_.remote() + " closed the connection within a frame");
    }
    if (size == 0) co_return std::nullopt;
    unread_ = std::span(buffer_).first(size);
    on_bytes_(size);
  }
}

}  // namespace weft::fetcher
