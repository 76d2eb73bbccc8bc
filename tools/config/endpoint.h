// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace weft::tools {

inline constexpr std::uint16_t default_port = 7440;

/// Where a node is reached, as written in the configuration. Not resolved.
struct Endpoint {
  std::string host;  ///< name or address, IPv6 without brackets
  std::uint16_t port = default_port;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// "node-a", "node-a:7440", "10.0.0.1:7440", "[::1]:7440". Errc::bad_config.
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text);
/// Always with port; IPv6 in brackets. parse_endpoint reads it back.
[[nodiscard]] std::string to_string(const Endpoint& endpoint);
/// 127.0.0.0/8, ::1 or "localhost": what is sent there does not leave this host.
[[nodiscard]] bool is_loopback(const Endpoint& endpoint);

}  // namespace weft::tools
