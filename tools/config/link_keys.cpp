// SPDX-License-Identifier: Apache-2.0
#include "tools/config/link_keys.h"

#include "tools/config/config.h"
#include "tools/config/quantity.h"

#include <algorithm>
#include <functional>
#include <map>

#include <fmt/format.h>

namespace weft::tools {
namespace {

std::unexpected<Error> bad(std::string detail) {
  return fail(Errc::bad_config, Operation::configure, std::move(detail));
}

template <class Value>
using Table = std::map<std::string, Value, std::less<>>;

/// "KEY=VALUE,KEY=VALUE": each key once. `form` shows how an entry is written.
template <class Value, class ParseKey, class ParseValue>
Result<Table<Value>> parse_table(std::string_view text, std::string_view form, ParseKey parse_key,
                                 ParseValue parse_value) {
  Table<Value> table;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto entry = text.substr(0, comma);
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos) return bad(fmt::format("\"{}\" is not {}", entry, form));
    WEFT_TRY(std::string key, parse_key(entry.substr(0, equals)));
    WEFT_TRY(Value value, parse_value(entry.substr(equals + 1)));
    if (!table.emplace(key, std::move(value)).second) {
      return bad(fmt::format("\"{}\" is given twice", key));
    }
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return table;
}

template <class Value>
std::string text_of(const Table<Value>& table, std::string (*text)(const Value&)) {
  std::string all;
  for (const auto& [key, value] : table)
    all += fmt::format("{}{}={}", all.empty() ? "" : ",", key, text(value));
  return all;
}

Result<std::string> parse_peer(std::string_view text) {
  WEFT_TRY(const auto peer, fetcher::parse_address(text));
  return to_string(peer);
}

Result<double> parse_uplink(std::string_view text) {
  WEFT_TRY(const double rate, parse_rate(text));
  if (rate >= 1) return rate;
  return bad(fmt::format("\"{}\" is no uplink: leave the site out if it has no cap", text));
}

std::string exact_rate(const double& bytes_per_second) {
  return fmt::format("{}bit", bytes_per_second * 8);
}

}  // namespace

Result<std::string> parse_site(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (!text.empty() && text.size() <= 64 && std::ranges::all_of(text, allowed)) {
    return std::string(text);
  }
  return bad(
      fmt::format("\"{}\" is not a site: use 1 to 64 letters, digits, '.', '_' and '-'", text));
}

Result<void> set_peer_prices(Config& config, std::string_view text) {
  WEFT_TRY(config.peer_prices,
           parse_table<double>(text, "HOST:PORT=PRICE", parse_peer, parse_price));
  return {};
}

Result<void> set_peer_sites(Config& config, std::string_view text) {
  WEFT_TRY(config.peer_sites,
           parse_table<std::string>(text, "HOST:PORT=SITE", parse_peer, parse_site));
  return {};
}

Result<void> set_site(Config& config, std::string_view text) {
  if (text.empty()) {
    config.site.clear();
    return {};
  }
  WEFT_TRY(config.site, parse_site(text));
  return {};
}

Result<void> set_site_uplinks(Config& config, std::string_view text) {
  WEFT_TRY(config.site_uplinks,
           parse_table<double>(text, "SITE=RATE, like paris=100Mbit", parse_site, parse_uplink));
  return {};
}

Result<void> set_ingress(Config& config, std::string_view text) {
  WEFT_TRY(const double rate, parse_rate(text));
  if (rate > 0 && rate < 1) return bad(fmt::format("\"{}\" is less than a byte a second", text));
  config.ingress = rate;
  return {};
}

std::string get_peer_prices(const Config& config) {
  return text_of<double>(config.peer_prices, [](const double& price) -> std::string {
    return fmt::format("{}", price);
  });
}

std::string get_peer_sites(const Config& config) {
  return text_of<std::string>(config.peer_sites, [](const std::string& site) { return site; });
}

std::string get_site_uplinks(const Config& config) {
  return text_of<double>(config.site_uplinks, exact_rate);
}

std::string get_ingress(const Config& config) {
  return config.ingress == 0 ? "0" : exact_rate(config.ingress);
}

}  // namespace weft::tools
