// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/address.h"
#include "fs/read/read_policy.h"
#include "fs/session/passthrough_policy.h"
#include "indexer/core/error.h"
#include "indexer/core/units.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft::tools {

enum class LogLevel : std::uint8_t { error, warn, info, debug };

/// What a mount fetches before it is read.
enum class Prefetch : std::uint8_t {
  off,
  boot,       ///< what a boot will read
  all,        ///< that first, then the rest: a materialize job
  sequential  ///< everything in image order, for comparison: a materialize job
};

/// Settings of a node. A plain value; validated by `validate`.
struct Config {
  std::filesystem::path state = "/var/lib/weft";
  std::optional<fetcher::Address> listen =
      fetcher::Address{"127.0.0.1", fetcher::default_port};  ///< nullopt: "off"
  std::optional<fetcher::Address> metrics;  ///< where Prometheus reads them; nullopt: "off"
  bool insecure = false;
  std::vector<fetcher::Address> peers;
  std::map<std::string, double, std::less<>> peer_prices;      ///< per GiB, by HOST:PORT
  std::map<std::string, std::string, std::less<>> peer_sites;  ///< by HOST:PORT
  std::string site;                                            ///< this node's; empty: none
  std::map<std::string, double, std::less<>> site_uplinks;     ///< bytes per second, by site
  double ingress = 0;                                          ///< bytes per second; 0: no cap
  ByteCount exchange_budget{1u << 20};                         ///< a minute
  std::string node_name;                                       ///< empty: the host's name
  ByteCount free_space_floor{256u << 20};
  unsigned workers = 0;                ///< 0: one per processor, at least two
  fs::ReadPolicy read_policy;          ///< of mounts that do not choose their own
  Prefetch prefetch = Prefetch::boot;  ///< of mounts that do not choose their own
  fs::PassthroughPolicy passthrough = fs::PassthroughPolicy::automatic;
  LogLevel log_level = LogLevel::info;
  std::filesystem::path log_file;  ///< empty: stderr
};

/// Where the node of this state directory listens for control requests.
[[nodiscard]] inline std::filesystem::path control_socket(const Config& config) {
  return config.state / "control.sock";
}

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

[[nodiscard]] std::string_view to_string(LogLevel level) noexcept;
/// hold, eio or eagain. Errc::bad_config.
[[nodiscard]] Result<fs::WhenMissing> parse_policy(std::string_view text);
[[nodiscard]] std::string_view to_string(Prefetch prefetch) noexcept;
/// Everything: by a materialize job.
[[nodiscard]] constexpr bool is_whole(Prefetch prefetch) noexcept {
  return prefetch == Prefetch::all || prefetch == Prefetch::sequential;
}
/// off, boot, all or sequential. Errc::bad_config.
[[nodiscard]] Result<Prefetch> parse_prefetch(std::string_view text);
/// 1–64 characters of [A-Za-z0-9._-]. Errc::bad_config.
[[nodiscard]] Result<std::string> parse_site(std::string_view text);
/// Finite, not negative. Errc::bad_config.
[[nodiscard]] Result<double> parse_price(std::string_view text);
/// 100 ms … 30 days. Errc::bad_config.
[[nodiscard]] Result<Duration> parse_hold(std::string_view text);

}  // namespace weft::tools
