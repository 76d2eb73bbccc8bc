// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/messages.h"

#include <cstdint>
#include <string>
#include <vector>

namespace weft::fetcher::testing {

/// A message as it travels, with the name of its vector: tests/unit/fetcher/wire/vectors/NAME.hex.
struct WireSample {
  std::string name;
  wire::Message message;
  std::uint32_t request = 0;
  wire::Priority priority = wire::Priority::control;
};

/// At least one of every type; the values of WIRE.md §10.
[[nodiscard]] std::vector<WireSample> wire_samples();

}  // namespace weft::fetcher::testing
