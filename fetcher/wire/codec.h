// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/frame.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/error.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Messages to bytes and back (WIRE.md §4). Pure. Each message has exactly one encoding.
namespace weft::fetcher::wire {

[[nodiscard]] MessageType type_of(const Message& message) noexcept;

/// Within the bounds of the protocol: what `decode` would accept. Errc::bad_request, with what is
/// out of bounds. To be asked of requests made from a caller's values.
[[nodiscard]] Result<void> check(const Message& message);

/// A whole frame. `message` is within bounds.
[[nodiscard]] std::vector<std::byte> encode(const Message& message, std::uint32_t request,
                                            Priority priority);

/// The payload of a frame of a known type. Errc::peer_misbehaved: malformed, out of bounds, or with
/// bytes left over. No memory is taken for what the payload cannot hold.
[[nodiscard]] Result<Message> decode(std::span<const std::byte> payload, MessageType type);

}  // namespace weft::fetcher::wire
