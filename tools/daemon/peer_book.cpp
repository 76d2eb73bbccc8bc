// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/peer_book.h"

#include "fetcher/net/address.h"
#include "tools/config/loopback.h"

#include <boost/json.hpp>

#include <utility>

#include <fmt/format.h>

namespace weft::tools {
namespace {

namespace json = boost::json;

constexpr std::string_view kind = "peer";

// What is recorded of a peer. A record that cannot be read says nothing.
std::optional<double> price_in(std::string_view text) {
  boost::system::error_code problem;
  const auto record = json::parse(text, problem);
  if (problem || !record.is_object()) return std::nullopt;
  const auto* price = record.get_object().if_contains("price_per_gib");
  if (price == nullptr || !price->is_number()) return std::nullopt;
  return price->to_number<double>();
}

std::string record_of(std::optional<double> price) {
  json::object record;
  if (price) record["price_per_gib"] = *price;
  return json::serialize(record);
}

}  // namespace

std::string_view to_string(PeerOrigin origin) noexcept {
  return origin == PeerOrigin::config ? "config" : "recorded";
}

PeerBook::PeerBook(Store& store, fetcher::Fetcher* fetcher, Options options)
    : store_(store), fetcher_(fetcher), options_(std::move(options)) {}

Result<void> PeerBook::load() {
  WEFT_TRY(const auto recorded, store_.settings(kind));
  for (const auto& [address, json] : recorded) {
    {
      const Lock lock(mutex_);
      peers_.insert_or_assign(address, Entry{PeerOrigin::recorded, price_in(json)});
    }
    if (fetcher_ != nullptr) fetcher_->add_peer(address);
  }
  return {};
}

Result<std::string> PeerBook::add(std::string_view address, PeerOrigin origin,
                                  std::optional<double> price_per_gib) {
  WEFT_TRY(const auto parsed, fetcher::parse_address(address));
  auto text = fetcher::to_string(parsed);
  WEFT_CHECK(check_plain_allowed(parsed, options_.insecure));
  std::optional<double> price = price_per_gib;
  {
    const Lock lock(mutex_);
    const auto known = peers_.find(text);
    if (!price && known != peers_.end()) price = known->second.price;
  }
  const bool recorded = origin == PeerOrigin::recorded;
  if (recorded) WEFT_CHECK(store_.set_setting(kind, text, record_of(price)));
  {
    const Lock lock(mutex_);
    const auto [entry, added] = peers_.try_emplace(text, Entry{origin, price});
    if (!added && recorded) entry->second = {origin, price};
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
  for (const auto& [address, entry] : peers_) {
    const auto configured = options_.prices.find(address);
    const double otherwise = configured == options_.prices.end() ? 0 : configured->second;
    all.push_back({address, entry.origin, entry.price.value_or(otherwise)});
  }
  return all;
}

}  // namespace weft::tools
