// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "tools/config/config.h"

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace weft::tools {

/// Settings given as text, by key name.
using ConfigTexts = std::map<std::string, std::string, std::less<>>;

/// Where settings come from, weakest first: defaults, file, environment, flags.
struct ConfigSources {
  /// Given explicitly: must exist. Otherwise /etc/weft/weft.toml is read if it is there.
  std::optional<std::filesystem::path> file;
  /// nullptr if the variable is not set. Injected, so that tests have an environment of their own.
  std::function<const char*(const char* variable)> environment;
  ConfigTexts flags;
};

struct LoadedConfig {
  Config config;
  /// For each key that was given: by what ("weft.toml:3", "WEFT_STATE", "--state").
  ConfigTexts origins;
};

/// Applies one TOML document to `into`. Unknown keys and wrong values are Errc::bad_config naming
/// `file`:line. `file` is for messages only: nothing is opened.
[[nodiscard]] Result<void> apply_toml(LoadedConfig& into, std::string_view document,
                                      std::string_view file);

/// Reads all sources and validates. Errc::bad_config; the message names the origin of the value.
[[nodiscard]] Result<LoadedConfig> load_config(const ConfigSources& sources);

}  // namespace weft::tools
