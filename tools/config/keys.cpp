// SPDX-License-Identifier: Apache-2.0
#include "tools/config/config.h"
#include "tools/config/link_keys.h"
#include "tools/config/loopback.h"
#include "tools/config/quantity.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace weft::tools {
namespace {

std::unexpected<Error> bad(std::string detail) {
  return fail(Errc::bad_config, Operation::configure, std::move(detail));
}

Result<void> set_state(Config& c, std::string_view text) {
  if (text.empty()) return bad("the state directory must not be empty");
  c.state = std::filesystem::path(text);
  return {};
}

Result<void> set_listen(Config& c, std::string_view text) {
  if (text == "off") {
    c.listen.reset();
    return {};
  }
  WEFT_TRY(c.listen, fetcher::parse_address(text));
  return {};
}

Result<void> set_metrics(Config& c, std::string_view text) {
  if (text == "off") {
    c.metrics.reset();
    return {};
  }
  WEFT_TRY(auto address, fetcher::parse_address(text));
  // The default port is that of peers.
  if (to_string(address) != text) return bad(fmt::format("\"{}\": write it as HOST:PORT", text));
  c.metrics = std::move(address);
  return {};
}

Result<void> set_insecure(Config& c, std::string_view text) {
  if (text != "true" && text != "false") {
    return bad(fmt::format("\"{}\" is neither true nor false", text));
  }
  c.insecure = text == "true";
  return {};
}

Result<void> set_peers(Config& c, std::string_view text) {
  std::vector<fetcher::Address> peers;
  while (!text.empty()) {
    const auto comma = text.find(',');
    WEFT_TRY(auto peer, fetcher::parse_address(text.substr(0, comma)));
    peers.push_back(std::move(peer));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  c.peers = std::move(peers);
  return {};
}

Result<void> set_exchange_budget(Config& c, std::string_view text) {
  WEFT_TRY(c.exchange_budget, parse_size(text));
  return {};
}

Result<void> set_node_name(Config& c, std::string_view text) {
  const bool printable =
      std::ranges::all_of(text, [](unsigned char ch) { return ch >= 0x20 && ch != 0x7f; });
  if (!printable || text.size() > 255)
    return bad("a node name is at most 255 printable characters");
  c.node_name = text;
  return {};
}

Result<void> set_floor(Config& c, std::string_view text) {
  WEFT_TRY(c.free_space_floor, parse_size(text));
  return {};
}

Result<void> set_workers(Config& c, std::string_view text) {
  unsigned workers = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), workers);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || workers > 256) {
    return bad(fmt::format("\"{}\" is not a number of threads from 0 to 256", text));
  }
  c.workers = workers;
  return {};
}

Result<void> set_policy(Config& c, std::string_view text) {
  WEFT_TRY(c.read_policy.when_missing, parse_policy(text));
  return {};
}

Result<void> set_hold(Config& c, std::string_view text) {
  WEFT_TRY(c.read_policy.deadline, parse_hold(text));
  return {};
}

Result<void> set_prefetch(Config& c, std::string_view text) {
  WEFT_TRY(c.prefetch, parse_prefetch(text));
  return {};
}

Result<void> set_passthrough(Config& c, std::string_view text) {
  const auto policy = fs::parse_passthrough(text);
  if (!policy) return bad(fmt::format("\"{}\" is neither auto nor off", text));
  c.passthrough = *policy;
  return {};
}

Result<void> set_level(Config& c, std::string_view text) {
  for (const auto level : {LogLevel::error, LogLevel::warn, LogLevel::info, LogLevel::debug}) {
    if (to_string(level) != text) continue;
    c.log_level = level;
    return {};
  }
  return bad(fmt::format("\"{}\" is not a log level: error, warn, info or debug", text));
}

Result<void> set_log_file(Config& c, std::string_view text) {
  c.log_file = std::filesystem::path(text);
  return {};
}

std::string join(const std::vector<fetcher::Address>& peers) {
  std::string text;
  for (const auto& peer : peers)
    text += (text.empty() ? "" : ",") + to_string(peer);
  return text;
}

constexpr std::array keys{
    ConfigKey{"state", "DIR", "state directory of the node", set_state,
              [](const Config& c) { return c.state.string(); }},
    ConfigKey{"listen", "HOST:PORT", "where peers connect; \"off\" serves nobody", set_listen,
              [](const Config& c) { return c.listen ? to_string(*c.listen) : "off"; }},
    ConfigKey{"metrics", "HOST:PORT", "where Prometheus reads /metrics; \"off\": nowhere",
              set_metrics,
              [](const Config& c) { return c.metrics ? to_string(*c.metrics) : "off"; }},
    ConfigKey{"insecure", "BOOL",
              "allow a listen address that is not loopback: traffic is neither encrypted nor "
              "authenticated",
              set_insecure,
              [](const Config& c) { return std::string(c.insecure ? "true" : "false"); }},
    ConfigKey{"peers", "HOST:PORT,…", "nodes to fetch from", set_peers,
              [](const Config& c) { return join(c.peers); }},
    ConfigKey{"peer_prices", "HOST:PORT=PRICE,…", "price per GiB of what comes from a node",
              set_peer_prices, get_peer_prices},
    ConfigKey{"peer_sites", "HOST:PORT=SITE,…", "site of a node: its nodes share an uplink",
              set_peer_sites, get_peer_sites},
    ConfigKey{"site", "SITE", "site of this node: its peers there pass no uplink", set_site,
              [](const Config& c) { return c.site; }},
    ConfigKey{"site_uplinks", "SITE=RATE,…",
              "what all nodes of a site send here together at most, like paris=100Mbit",
              set_site_uplinks, get_site_uplinks},
    ConfigKey{"ingress", "RATE", "what this node takes in at most, like 1Gbit (0: no cap)",
              set_ingress, get_ingress},
    ConfigKey{"exchange_budget", "SIZE",
              "bytes a minute to learn what peers hold (0: only when it is needed)",
              set_exchange_budget,
              [](const Config& c) { return std::to_string(c.exchange_budget.value()); }},
    ConfigKey{"node_name", "NAME", "name shown to peers (default: the host's name)", set_node_name,
              [](const Config& c) { return c.node_name; }},
    ConfigKey{"free_space_floor", "SIZE",
              "free space to leave on the state directory's file system", set_floor,
              [](const Config& c) { return std::to_string(c.free_space_floor.value()); }},
    ConfigKey{"workers", "N", "threads that hash and decompress (0: one per processor)",
              set_workers, [](const Config& c) { return std::to_string(c.workers); }},
    ConfigKey{"read_policy", "hold|eio|eagain", "what reads do while no peer can answer",
              set_policy,
              [](const Config& c) { return std::string(to_string(c.read_policy.when_missing)); }},
    ConfigKey{"read_hold", "TIME", "how long `hold` waits before EIO", set_hold,
              [](const Config& c) { return exact_duration(c.read_policy.deadline); }},
    ConfigKey{"prefetch", "off|boot|all|sequential", "what mounts fetch before it is read",
              set_prefetch, [](const Config& c) { return std::string(to_string(c.prefetch)); }},
    ConfigKey{"passthrough", "auto|off",
              "let the kernel read complete images without weft, where it can", set_passthrough,
              [](const Config& c) { return std::string(to_string(c.passthrough)); }},
    ConfigKey{"log_level", "LEVEL", "error, warn, info or debug", set_level,
              [](const Config& c) { return std::string(to_string(c.log_level)); }},
    ConfigKey{"log_file", "FILE", "log file (default: stderr)", set_log_file,
              [](const Config& c) { return c.log_file.string(); }},
};

}  // namespace

std::span<const ConfigKey> config_keys() {
  return keys;
}

const ConfigKey* find_config_key(std::string_view name) {
  const auto* key = std::ranges::find(keys, name, &ConfigKey::name);
  return key == keys.end() ? nullptr : key;
}

std::string flag_of(const ConfigKey& key) {
  std::string flag = "--" + std::string(key.name);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

std::string variable_of(const ConfigKey& key) {
  std::string variable = "WEFT_" + std::string(key.name);
  std::ranges::transform(variable, variable.begin(),
                         [](unsigned char c) { return std::toupper(c); });
  return variable;
}

Result<void> validate(const Config& config) {
  const auto check = [&](std::string_view key, const fetcher::Address& address) -> Result<void> {
    const auto allowed = check_plain_allowed(address, config.insecure);
    if (!allowed) return bad(fmt::format("{}: {}", key, allowed.error().detail));
    return {};
  };
  // A listen address that is a name is bound to whatever it resolves to: only localhost is sure.
  if (config.listen && !is_loopback(*config.listen)) {
    const fetcher::Address anywhere{"0.0.0.0", config.listen->port};
    WEFT_CHECK(check("listen", anywhere));
  }
  if (config.metrics && !is_loopback(*config.metrics)) {
    const fetcher::Address anywhere{"0.0.0.0", config.metrics->port};
    WEFT_CHECK(check("metrics", anywhere));
  }
  for (const auto& peer : config.peers)
    WEFT_CHECK(check("peers", peer));
  return {};
}

std::string_view to_string(Prefetch prefetch) noexcept {
  constexpr std::array<std::string_view, 4> names{"off", "boot", "all", "sequential"};
  return names[static_cast<std::size_t>(prefetch)];
}

Result<Prefetch> parse_prefetch(std::string_view text) {
  for (const auto prefetch : {Prefetch::off, Prefetch::boot, Prefetch::all, Prefetch::sequential}) {
    if (to_string(prefetch) == text) return prefetch;
  }
  return bad(
      fmt::format("\"{}\" is not what a mount can prefetch: off, boot, all or sequential", text));
}

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::error:
      return "error";
    case LogLevel::warn:
      return "warn";
    case LogLevel::info:
      return "info";
    case LogLevel::debug:
      return "debug";
  }
  return "";
}

Result<fs::WhenMissing> parse_policy(std::string_view text) {
  const auto policy = fs::parse_when_missing(text);
  if (!policy) return bad(fmt::format("\"{}\" is not a read policy: hold, eio or eagain", text));
  return *policy;
}

Result<double> parse_price(std::string_view text) {
  double price = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), price);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  if (whole && std::isfinite(price) && price >= 0) return price;
  return bad(fmt::format("\"{}\" is not a price per GiB such as 0.02", text));
}

Result<Duration> parse_hold(std::string_view text) {
  WEFT_TRY(const auto hold, parse_duration(text));
  if (hold < std::chrono::milliseconds(100) || hold > std::chrono::hours(24 * 30)) {
    return bad(fmt::format("\"{}\" is outside 100ms to 30d", text));
  }
  return hold;
}

}  // namespace weft::tools
