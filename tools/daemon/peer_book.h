// SPDX-License-Identifier: Apache-2.0
#pragma once

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
  config,   ///< configuration, this run only
  recorded  ///< `weft peers add`: kept in the state directory
};
[[nodiscard]] std::string_view to_string(PeerOrigin origin) noexcept;

struct KnownPeer {
  std::string address;  ///< always HOST:PORT
  PeerOrigin origin = PeerOrigin::config;
  double price_per_gib = 0;  ///< of what comes from there, in whatever unit the operator counts
};

/// The peers of a node: those of the configuration and those recorded in the catalog. Keeps the
/// fetcher connected to all of them. `fetcher` may be null (a node without a network): then only
/// the record is kept. Thread-safe; calls may block on the catalog.
class PeerBook {
 public:
  struct Options {
    bool insecure = false;
    std::map<std::string, double, std::less<>> prices;  ///< of the configuration, by address
  };
  PeerBook(Store& store, fetcher::Fetcher* fetcher, Options options);

  /// Adds what is recorded. Called once, at start.
  [[nodiscard]] Result<void> load();
  /// Adding a known peer again records it. A price goes before that of the configuration; without
  /// one it stays what it was. Errc::bad_config: not an address; not_permitted: not loopback, on a
  /// node that may not speak plain TCP.
  [[nodiscard]] Result<std::string> add(std::string_view address, PeerOrigin origin,
                                        std::optional<double> price_per_gib = std::nullopt);
  /// False: no such peer. A peer of the configuration comes back at the next start.
  [[nodiscard]] Result<bool> remove(std::string_view address);
  [[nodiscard]] std::vector<KnownPeer> list() const;

 private:
  struct Entry {
    PeerOrigin origin = PeerOrigin::config;
    std::optional<double> price;
  };

  Store& store_;
  fetcher::Fetcher* const fetcher_;
  const Options options_;
  mutable Mutex mutex_;
  std::map<std::string, Entry, std::less<>> peers_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace weft::tools
