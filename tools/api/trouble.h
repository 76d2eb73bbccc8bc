// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What an error means outside the process: its name in the control API, the HTTP status, the exit
/// code of the command and what to do about it. The one place where that is decided.
namespace weft::tools {

/// Exit codes of `weft`. Stable: scripts depend on them. Documented in tools/README.md.
enum class ExitCode : int {
  ok = 0,
  failure = 1,       ///< anything without a code of its own
  usage = 2,         ///< unknown verb or flag, missing argument
  not_found = 3,     ///< image, file, peer, mount or job does not exist
  exists = 4,        ///< the name is taken, or already mounted
  busy = 5,          ///< in use; or too many requests: try again
  unreachable = 6,   ///< no peer, no source or no daemon answers
  timed_out = 7,     ///< a deadline passed
  verification = 8,  ///< bytes do not match their digest, or a peer broke the protocol
  no_space = 9,      ///< disk full, below the free-space floor, or over quota
  bad_input = 10,    ///< the file to import is not usable
  bad_config = 11,   ///< configuration file, variable or setting
  state = 12,        ///< state directory locked, of a newer weft, or damaged
  not_permitted = 13,
  cancelled = 14,
  over_budget = 15,  ///< what may be spent does not pay for it
};

struct ExitMeaning {
  ExitCode code;
  std::string_view meaning;
};
/// Every exit code, ascending: for help and the test of the README.
[[nodiscard]] std::span<const ExitMeaning> exit_meanings();

struct Trouble {
  std::string name;  ///< "unknown_image"; for errno values the symbol: "ENOSPC"
  unsigned http_status = 500;
  ExitCode exit = ExitCode::failure;
  std::string_view hint;  ///< what to do; may be empty
};

/// Total: every error has a name, a status and an exit code.
[[nodiscard]] Trouble classify(const Error& error);
[[nodiscard]] ExitCode exit_code(const Error& error);
/// The Errc that `classify` names so.
[[nodiscard]] std::optional<Errc> errc_of_name(std::string_view name);

/// "import: the name is taken: web: choose another name": one line, control characters replaced.
[[nodiscard]] std::string one_line(const Error& error);

}  // namespace weft::tools
