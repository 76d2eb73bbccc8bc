// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>

#include <string>

namespace weft::tools {

/// --optimize, --budget and --epsilon as they were typed; empty: not given.
struct GoalFlags {
  std::string optimize;
  std::string budget;
  std::string epsilon;
};

/// `flags` outlives the parsing.
void add_goal_flags(CLI::App& command, GoalFlags& flags);
/// The members of a request that say the same. Errc::bad_request: they make no sense (`goal_of`),
/// known before anything is asked or started.
[[nodiscard]] Result<boost::json::object> goal_members(const GoalFlags& flags);

}  // namespace weft::tools
