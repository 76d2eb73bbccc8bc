// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/peer_book.h"

#include "fetcher/net/address.h"
#include "tools/config/loopback.h"

#include <boost/json.hpp>

#include <array>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

namespace weft::tools {
namespace {

namespace json = boost::json;

constexpr std::string_view kind = "peer";

// What is recorded of a peer. A record that cannot be read says nothing.
PeerTerms terms_in(std::string_view text) {
  PeerTerms terms;
  boost::system::error_code problem;
  const auto record = json::parse(text, problem);
  if (problem || !record.is_object()) return terms;
  const auto* price = record.get_object().if_contains("price_per_gib");
  if (price != nullptr && price->is_number()) terms.price_per_gib = price->to_number<double>();
  const auto* site = record.get_object().if_contains("site");
  if (site != nullptr && site->is_string()) terms.site = std::string(site->get_string());
  return terms;
}

std::string record_of(const PeerTerms& terms) {
  json::object record;
  if (terms.price_per_gib) record["price_per_gib"] = *terms.price_per_gib;
  if (terms.site) record["site"] = *terms.site;
  return json::serialize(record);
}

}  // namespace

std::string_view to_string(PeerOrigin origin) noexcept {
  constexpr std::array names{"config", "recorded", "swarm"};
  return names[static_cast<std::size_t>(origin)];
}

PeerBook::PeerBook(Store& store, fetcher::Fetcher* fetcher, Options options)
    : store_(store), fetcher_(fetcher), options_(std::move(options)) {}

Result<void> PeerBook::load() {
  WEFT_TRY(const auto recorded, store_.settings(kind));
  for (const auto& [address, json] : recorded) {
    const PeerTerms terms = terms_in(json);
    {
      const Lock lock(mutex_);
      peers_.insert_or_assign(address, Entry{PeerOrigin::recorded, terms});
    }
    if (fetcher_ != nullptr) fetcher_->add_peer(address, link_of(address, terms));
  }
  return {};
}

Result<std::string> PeerBook::add(std::string_view address, PeerOrigin origin, PeerTerms terms) {
  WEFT_TRY(const auto parsed, fetcher::parse_address(address));
  auto text = fetcher::to_string(parsed);
  WEFT_CHECK(check_plain_allowed(parsed, options_.insecure));
  {
    const Lock lock(mutex_);
    const auto known = peers_.find(text);
    if (known != peers_.end()) {
      const PeerTerms& before = known->second.terms;
      if (!terms.price_per_gib) terms.price_per_gib = before.price_per_gib;
      if (!terms.site) terms.site = before.site;
    }
  }
  const bool recorded = origin == PeerOrigin::recorded;
  if (recorded) WEFT_CHECK(store_.set_setting(kind, text, record_of(terms)));
  {
    const Lock lock(mutex_);
    const auto [entry, added] = peers_.try_emplace(text, Entry{origin, terms});
    if (!added && recorded) entry->second = {origin, terms};
  }
  if (fetcher_ != nullptr) fetcher_->add_peer(text, link_of(text, terms));
  return text;
}

fetcher::PeerLinkInfo PeerBook::link_of(const std::string& address, const PeerTerms& terms) const {
  const auto price = options_.prices.find(address);
  const auto site = options_.sites.find(address);
  return {.price_per_gib =
              terms.price_per_gib.value_or(price == options_.prices.end() ? 0 : price->second),
          .site = terms.site.value_or(site == options_.sites.end() ? "" : site->second)};
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
  for (const auto& [address, entry] : peers_) {
    all.push_back({address, entry.origin, link_of(address, entry.terms)});
  }
  return all;
}

}  // namespace weft::tools
