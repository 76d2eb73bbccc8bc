// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/link/link_info.h"
#include "fetcher/service/fetcher.h"
#include "indexer/core/error.h"
#include "indexer/core/mutex.h"
#include "indexer/store/store.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::tools {

/// Where a peer is known from.
enum class PeerOrigin : std::uint8_t {
  config,    ///< configuration, this run only
  recorded,  ///< `weft peers add`: kept in the state directory
  swarm      ///< fetches the same image as this node, which found it; while that goes on
};
[[nodiscard]] std::string_view to_string(PeerOrigin origin) noexcept;

struct KnownPeer {
  std::string address;  ///< always HOST:PORT
  PeerOrigin origin = PeerOrigin::config;
  fetcher::PeerLinkInfo link = {};
};

/// What an operator says of a peer; what is not said stays as it was.
struct PeerTerms {
  std::optional<double> price_per_gib = {};
  std::optional<std::string> site = {};  ///< "": none
};

/// The peers of a node: those of the configuration and those recorded in the catalog. Keeps the
/// fetcher connected to all of them. `fetcher` may be null (a node without a network): then only
/// the record is kept. Thread-safe; calls may block on the catalog.
class PeerBook {
 public:
  struct Options {
    bool insecure = false;
    // Of the configuration, by address.
    std::map<std::string, double, std::less<>> prices = {};
    std::map<std::string, std::string, std::less<>> sites = {};
  };
  PeerBook(Store& store, fetcher::Fetcher* fetcher, Options options);

  /// Adds what is recorded. Called once, at start.
  [[nodiscard]] Result<void> load();
  /// Adding a known peer again records it. Its terms go before those of the configuration.
  /// Errc::bad_config: not an address; not_permitted: not loopback, on a node that may not speak
  /// plain TCP.
  [[nodiscard]] Result<std::string> add(std::string_view address, PeerOrigin origin,
                                        PeerTerms terms = {});
  /// False: no such peer. A peer of the configuration comes back at the next start.
  [[nodiscard]] Result<bool> remove(std::string_view address);
  [[nodiscard]] std::vector<KnownPeer> list() const;

 private:
  struct Entry {
    PeerOrigin origin = PeerOrigin::config;
    PeerTerms terms;
  };
  [[nodiscard]] fetcher::PeerLinkInfo link_of(const std::string& address,
                                              const PeerTerms& terms) const;

  Store& store_;
  fetcher::Fetcher* const fetcher_;
  const Options options_;
  mutable Mutex mutex_;
  std::map<std::string, Entry, std::less<>> peers_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft::tools
