// SPDX-License-Identifier: Apache-2.0
#include "fetcher/net/address.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace weft::fetcher {
namespace {

constexpr std::size_t max_host = 253;

std::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(Errc::bad_config, Operation::configure,
              "address '" + std::string(text.substr(0, max_host)) + "': " + std::string(why) +
                  "; write HOST:PORT, or [ADDRESS]:PORT for IPv6");
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_' || c == ':' || c == '%';
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  std::string_view host = text;
  std::string_view port;
  const auto colons = std::ranges::count(text, ':');
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return bad(text, "']' is missing");
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) return bad(text, "':' expected after ']'");
  } else if (colons == 1) {
    host = text.substr(0, text.find(':'));
    port = text.substr(text.find(':'));
  }
  if (host.empty()) return bad(text, "the host is missing");
  if (host.size() > max_host || !std::ranges::all_of(host, is_host_character)) {
    return bad(text, "not a host name or address");
  }
  Address address{.host = std::string(host)};
  if (!port.empty()) {
    const auto number = parse_port(port.substr(1));
    if (!number) return bad(text, "the port must be a number up to 65535");
    address.port = *number;
  }
  return address;
}

std::string to_string(const Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace weft::fetcher
