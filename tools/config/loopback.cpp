// SPDX-License-Identifier: Apache-2.0
#include "tools/config/loopback.h"

#include <algorithm>
#include <optional>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace weft::tools {
namespace {

/// nullopt: not a numeric address.
std::optional<bool> numeric_loopback(const std::string& host) {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, host.c_str(), &v6) != 1) return std::nullopt;
  return std::ranges::equal(v6.s6_addr, in6addr_loopback.s6_addr);
}

}  // namespace

bool is_loopback(const fetcher::Address& address) {
  return address.host == "localhost" || numeric_loopback(address.host).value_or(false);
}

Result<void> check_plain_allowed(const fetcher::Address& address, bool insecure) {
  if (insecure || numeric_loopback(address.host).value_or(true)) return {};
  return fail(Errc::not_permitted, Operation::configure,
              fmt::format("{} is not loopback, and connections are neither encrypted nor "
                          "authenticated in this version: set insecure = true (--insecure) if "
                          "this network may carry them",
                          to_string(address)));
}

}  // namespace weft::tools
