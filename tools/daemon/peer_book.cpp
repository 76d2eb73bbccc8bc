// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/peer_book.h"

#include "fetcher/net/address.h"
#include "tools/config/loopback.h"

#include <fmt/format.h>

namespace weft::tools {
namespace {

constexpr std::string_view kind = "peer";

}  // namespace

std::string_view to_string(PeerOrigin origin) noexcept {
  return origin == PeerOrigin::config ? "config" : "recorded";
}

PeerBook::PeerBook(Store& store, fetcher::Fetcher* fetcher, bool insecure)
    : store_(store), fetcher_(fetcher), insecure_(insecure) {}

Result<void> PeerBook::load() {
  WEFT_TRY(const auto recorded, store_.settings(kind));
  for (const auto& [address, json] : recorded) {
    {
      const Lock lock(mutex_);
      peers_.insert_or_assign(address, PeerOrigin::recorded);
    }
    if (fetcher_ != nullptr) fetcher_->add_peer(address);
  }
  return {};
}

Result<std::string> PeerBook::add(std::string_view address, PeerOrigin origin) {
  WEFT_TRY(const auto parsed, fetcher::parse_address(address));
  auto text = fetcher::to_string(parsed);
  WEFT_CHECK(check_plain_allowed(parsed, insecure_));
  if (origin == PeerOrigin::recorded) WEFT_CHECK(store_.set_setting(kind, text, "{}"));
  {
    const Lock lock(mutex_);
    const auto [entry, added] = peers_.try_emplace(text, origin);
    if (!added && origin == PeerOrigin::recorded) entry->second = origin;
  }
  if (fetcher_ != nullptr) fetcher_->add_peer(text);
  return text;
}

Result<bool> PeerBook::remove(std::string_view address) {
  WEFT_TRY(const auto parsed, fetcher::parse_address(address));
  const auto text = fetcher::to_string(parsed);
  WEFT_CHECK(store_.set_setting(kind, text, std::nullopt));
  bool known = false;
  {
    const Lock lock(mutex_);
    known = peers_.erase(text) > 0;
  }
  if (known && fetcher_ != nullptr) fetcher_->remove_peer(text);
  return known;
}

std::vector<KnownPeer> PeerBook::list() const {
  const Lock lock(mutex_);
  std::vector<KnownPeer> all;
  for (const auto& [address, origin] : peers_)
    all.push_back({address, origin});
  return all;
}

}  // namespace weft::tools
