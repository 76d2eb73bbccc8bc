// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace weft::fetcher {

inline constexpr std::uint16_t default_port = 7440;

/// Where a peer listens, as people write it: HOST, HOST:PORT, 1.2.3.4:PORT, [::1]:PORT, ::1.
struct Address {
  std::string host;  ///< name or numeric address, without brackets
  std::uint16_t port = default_port;
  friend bool operator==(const Address&, const Address&) = default;
  friend auto operator<=>(const Address&, const Address&) = default;
};

/// Errc::bad_config with what is wrong. Port 0 is accepted: a listener picks a free one.
[[nodiscard]] Result<Address> parse_address(std::string_view text);
[[nodiscard]] std::string to_string(const Address& address);

}  // namespace weft::fetcher
