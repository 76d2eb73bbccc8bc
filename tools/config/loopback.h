// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/address.h"
#include "indexer/core/error.h"

namespace weft::tools {

/// 127.0.0.0/8, ::1 or "localhost": what is sent there does not leave this host.
[[nodiscard]] bool is_loopback(const fetcher::Address& address);

/// A numeric address that is neither loopback nor allowed by `insecure`: Errc::not_permitted, with
/// what that would mean. Names are judged when they are resolved, by the network.
[[nodiscard]] Result<void> check_plain_allowed(const fetcher::Address& address, bool insecure);

}  // namespace weft::tools
