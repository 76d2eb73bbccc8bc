// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/error.h"
#include "indexer/core/units.h"
#include "tools/config/endpoint.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft::tools {

/// What a read does when its block is missing and no peer can give it.
enum class ReadPolicy : std::uint8_t {
  hold,   ///< waits until its deadline, then EIO: a guest sees a slow disk, not an error
  eio,    ///< EIO at once
  eagain  ///< EAGAIN at once
};
enum class LogLevel : std::uint8_t { error, warn, info, debug };

/// Settings of a node. A plain value; validated by `validate`.
struct Config {
  std::filesystem::path state = "/var/lib/weft";
  std::optional<Endpoint> listen = Endpoint{"127.0.0.1", default_port};  ///< nullopt: "off"
  bool insecure = false;
  std::vector<Endpoint> peers;
  std::string node_name;  ///< empty: the host's name
  ByteCount free_space_floor{256u << 20};
  unsigned workers = 0;  ///< 0: one per processor, at least two
  ReadPolicy read_policy = ReadPolicy::hold;
  Duration read_hold = std::chrono::minutes(10);
  LogLevel log_level = LogLevel::info;
  std::filesystem::path log_file;  ///< empty: stderr
};

/// One setting. The same `name` is the key of the file, `--flag` (with - for _) and WEFT_VARIABLE.
struct ConfigKey {
  std::string_view name;
  std::string_view value;  ///< what stands for the value in help: "SIZE"
  std::string_view help;
  Result<void> (*set)(Config&, std::string_view text);
  std::string (*get)(const Config&);  ///< text that `set` reads back
};
[[nodiscard]] std::span<const ConfigKey> config_keys();
[[nodiscard]] const ConfigKey* find_config_key(std::string_view name);
[[nodiscard]] std::string flag_of(const ConfigKey& key);      ///< "--free-space-floor"
[[nodiscard]] std::string variable_of(const ConfigKey& key);  ///< "WEFT_FREE_SPACE_FLOOR"

/// What holds between settings: a listen address that is not loopback needs `insecure`.
/// Errc::bad_config.
[[nodiscard]] Result<void> validate(const Config& config);

[[nodiscard]] std::string_view to_string(ReadPolicy policy) noexcept;
[[nodiscard]] std::string_view to_string(LogLevel level) noexcept;
[[nodiscard]] Result<ReadPolicy> parse_read_policy(std::string_view text);

}  // namespace weft::tools
