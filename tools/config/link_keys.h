// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <string>
#include <string_view>

/// The keys that say what links cost and share: prices, sites, uplinks, ingress.
namespace weft::tools {

struct Config;

[[nodiscard]] Result<void> set_peer_prices(Config& config, std::string_view text);
[[nodiscard]] Result<void> set_peer_sites(Config& config, std::string_view text);
[[nodiscard]] Result<void> set_site(Config& config, std::string_view text);
[[nodiscard]] Result<void> set_site_uplinks(Config& config, std::string_view text);
[[nodiscard]] Result<void> set_ingress(Config& config, std::string_view text);

[[nodiscard]] std::string get_peer_prices(const Config& config);
[[nodiscard]] std::string get_peer_sites(const Config& config);
[[nodiscard]] std::string get_site_uplinks(const Config& config);
[[nodiscard]] std::string get_ingress(const Config& config);

}  // namespace weft::tools
