// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/messages.h"
#include "indexer/core/error.h"

#include <cstdint>
#include <string>

/// The numbers by which Failure frames name errors. They are part of the protocol (WIRE.md §7) and
/// never change, whatever happens to Errc.
namespace weft::fetcher::wire {

inline constexpr std::uint16_t internal_failure = 12;

/// What cannot be told to a peer (errors of the disk) becomes internal_failure.
[[nodiscard]] std::uint16_t to_failure_code(const Error& error) noexcept;

/// A number no version known here defines becomes Errc::peer_misbehaved.
[[nodiscard]] Errc from_failure_code(std::uint16_t code) noexcept;

/// Made clean and cut to the protocol's bound; an internal failure says no more than that.
[[nodiscard]] Failure make_failure(const Error& error);

/// As an error of this node: `peer` says whose failure it is.
[[nodiscard]] Error to_error(const Failure& failure, Operation operation, const std::string& peer);

}  // namespace weft::fetcher::wire
