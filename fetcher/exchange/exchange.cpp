// SPDX-License-Identifier: Apache-2.0
#include "fetcher/exchange/exchange.h"

#include "fetcher/wire/frame.h"
#include "indexer/similarity/signature_codec.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr Duration answer_time = std::chrono::seconds(60);
/// A signature that is on its way at low priority is waited for so long before it is asked for
/// again, more urgently.
constexpr Duration joined_for = std::chrono::milliseconds(500);
constexpr unsigned lies_borne = 8;        // then a peer's signatures are left alone
constexpr std::uint64_t list_share = 10;  // lists take at most one part of so many
constexpr std::size_t max_holdings = 1024;

constexpr std::uint64_t frame_size = wire::header_size + wire::trailer_size;

/// Request and answer, on the wire.
ByteCount list_cost(const std::vector<wire::ImageSummary>& images) {
  const std::uint64_t frames = 1 + images.size() / wire::max_images_in_frame;
  std::uint64_t bytes = frames * (2 * frame_size + 1 + 3);
  for (const auto& image : images)
    bytes += 1 + image.name.size() + 2 * Digest::size + 2 * sizeof(std::uint64_t) + 1;
  return ByteCount(bytes);
}

ByteCount signature_cost(std::size_t encoded) {
  const std::uint64_t frames = 1 + encoded / wire::max_signature_part;
  return ByteCount(frame_size + ImageId::size + 4 + frames * (frame_size + 5) + encoded);
}

ByteCount question_cost() {
  return ByteCount(2 * frame_size + ImageId::size + 4);
}

bool ends_connection(const Error& error) {
  return error.is(Errc::peer_unreachable) || error.is(Errc::cancelled);
}

}  // namespace

Exchange::Exchange(Executor io, Timers& timers, Offload& workers, Store& store,
                   ExchangeOptions options)
    : timers_(timers),
      workers_(workers),
      store_(store),
      options_(options),
      tasks_(io),
      budget_(options.per_minute, options.burst, timers.now()) {}

// --- Peers.

void Exchange::peer_up(PeerId peer, std::string address, std::shared_ptr<PeerSession> session) {
  auto attended = std::make_shared<Peer>();
  attended->id = peer;
  attended->session = std::move(session);
  attended->address = std::move(address);
  peers_[peer] = attended;
  PeerHoldings& seen = entry(*attended);
  seen.address = attended->address;
  seen.node = attended->session->remote().node;
  seen.name = attended->session->remote().name;
  seen.connected = true;
  tasks_.spawn("exchange with peer " + attended->address, attend(attended));
}

void Exchange::peer_down(PeerId peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  const PeerPtr attended = found->second;
  peers_.erase(found);
  book_.gone(peer);
  attended->gone = true;
  entry(*attended).connected = false;
  attended->changed.notify_all();
}

PeerHoldings& Exchange::entry(const Peer& peer) {
  if (holdings_.size() >= max_holdings && !holdings_.contains(peer.address)) {
    const auto old =
        std::ranges::find_if(holdings_, [](const auto& h) { return !h.second.connected; });
    if (old != holdings_.end()) holdings_.erase(old);
  }
  return holdings_[peer.address];
}

Awaitable<void> Exchange::attend(PeerPtr peer) {
  while (!peer->gone) {
    const Duration pause = co_await take_list(peer);
    if (options_.per_minute.value() > 0) co_await take_signatures(peer);
    co_await rest(peer, pause);
  }
}

Awaitable<void> Exchange::rest(PeerPtr peer, Duration span) {
  const TimePoint until = timers_.now() + span;
  while (!peer->gone && timers_.now() < until) {
    (void)co_await peer->changed.wait_until(timers_, until);
  }
}

/// How long to leave the peer alone then.
Awaitable<Duration> Exchange::take_list(PeerPtr peer) {
  const TimePoint deadline = timers_.now() + answer_time;
  auto images = co_await peer->session->images(deadline);
  if (peer->gone) co_return options_.list_every;
  if (!images) {
    spdlog::debug("peer {}: no list of images: {}", peer->address, images.error().message());
    co_return options_.list_every;
  }
  const ByteCount cost = list_cost(*images);
  budget_.spend(cost, timers_.now());
  PeerHoldings& seen = entry(*peer);
  ++seen.spent.lists;
  seen.spent.list_bytes += cost;
  seen.listed = timers_.now();
  book_.listed(peer->id, *images);
  seen.images = *std::move(images);
  co_await learn_known();
  const ByteCount share(cost.value() * list_share);
  const bool bounded = options_.per_minute.value() > 0;
  co_return bounded ? std::max(options_.list_every, budget_.time_for(share)) : options_.list_every;
}

Awaitable<void> Exchange::learn_known() {
  const auto known =
      co_await run_on_worker(workers_, [&store = store_] { return store.signatures_known(); });
  if (known) book_.known(*known);
}

// --- Signatures.

ByteCount Exchange::dearest_signature() const {
  return signature_cost(max_encoded_signature(options_.max_keys));
}

Awaitable<void> Exchange::take_signatures(PeerPtr peer) {
  while (!peer->gone && !peer->mute) {
    const auto image = book_.next(peer->id);
    if (!image) co_return;
    const ByteCount most = dearest_signature();
    if (co_await afford(peer, most)) {
      const TimePoint deadline = timers_.now() + answer_time;
      co_await ask(peer, *image, wire::Priority::prefetch, deadline);
      budget_.refund(most, timers_.now());  // `ask` has charged what it was
    }
    release(*image);
  }
}

void Exchange::release(const ImageId& image) {
  book_.released(image);
  released_.notify_all();
}

Awaitable<bool> Exchange::afford(PeerPtr peer, ByteCount bytes) {
  while (!peer->gone) {
    if (budget_.take(bytes, timers_.now())) co_return true;
    const TimePoint ready = budget_.ready_at(bytes, timers_.now());
    (void)co_await peer->changed.wait_until(timers_, ready);
  }
  co_return false;
}

/// True: it is here now.
Awaitable<bool> Exchange::ask(PeerPtr peer, ImageId image, wire::Priority priority,
                              TimePoint deadline) {
  auto signature = co_await peer->session->signature(image, options_.max_keys, priority, deadline);
  const bool sent = signature || !signature.error().is(Errc::unsupported);
  const ByteCount cost = signature ? signature_cost(encode_signature(*signature).size())
                                   : ByteCount(sent ? question_cost() : ByteCount(0));
  budget_.spend(cost, timers_.now());
  entry(*peer).spent.signature_bytes += cost;
  if (signature) co_return co_await keep(peer, *std::move(signature));
  const Error& error = signature.error();
  if (error.is(Errc::unsupported)) {
    peer->mute = true;
  } else if (error.is(Errc::newer_state)) {
    peer->mute = true;
    if (!std::exchange(told_of_versions_, true)) {
      spdlog::info(
          "peer {}: its signatures are of a later version: what its images share with "
          "those here stays unknown until this node is upgraded",
          peer->address);
    }
  } else if (error.is(Errc::peer_misbehaved)) {
    refused(*peer, image, error.message());
  } else {
    const bool absent = error.is(Errc::not_resident) || error.is(Errc::unknown_image);
    book_.failed(peer->id, image,
                 absent ? ExchangeBook::Failure::absent : ExchangeBook::Failure::passing);
    if (!ends_connection(error)) spdlog::debug("peer {}: {}", peer->address, error.message());
  }
  co_return false;
}

Awaitable<bool> Exchange::keep(PeerPtr peer, Signature signature) {
  const ImageId image = signature.image;
  if (!plausible(*peer, signature)) {
    refused(*peer, image, "it has more blocks than the image");
    co_return false;
  }
  auto learn = [&store = store_, s = std::move(signature)] { return store.learn_signature(s); };
  const auto learnt = co_await run_on_worker(workers_, std::move(learn));
  if (learnt) {
    ++entry(*peer).spent.signatures;
    book_.learnt(image);
    co_return true;
  }
  if (learnt.error().is(Errc::bad_request)) {
    refused(*peer, image, learnt.error().message());
  } else {
    book_.failed(peer->id, image, ExchangeBook::Failure::passing);
    if (!std::exchange(told_of_disk_, true)) {
      spdlog::warn("signatures cannot be kept: {}", learnt.error().message());
    }
  }
  co_return false;
}

bool Exchange::plausible(const Peer& peer, const Signature& signature) const {
  const wire::ImageSummary* listed = book_.find(peer.id, signature.image);
  return listed == nullptr || signature.unique_blocks <= blocks_for(listed->info.size);
}

void Exchange::refused(Peer& peer, const ImageId& image, const std::string& why) {
  ++entry(peer).spent.refused;
  book_.failed(peer.id, image, ExchangeBook::Failure::wrong);
  if (++peer.lies == 1) {
    spdlog::warn("peer {}: signature of {} refused: {}", peer.address, to_hex(image), why);
  }
  if (peer.lies >= lies_borne) peer.mute = true;
}

// --- Wanted at once.

Awaitable<bool> Exchange::want(ImageId image, TimePoint deadline, std::vector<PeerId> holders) {
  std::shared_ptr<Want> wanted;
  if (const auto found = wants_.find(image); found != wants_.end()) {
    wanted = found->second;
  } else {
    wanted = std::make_shared<Want>();
    wants_.emplace(image, wanted);
    if (!tasks_.spawn("signature wanted", pursue(image, deadline, std::move(holders), wanted))) {
      wants_.erase(image);
      co_return false;
    }
  }
  bool in_time = true;
  while (!wanted->done && in_time)
    in_time = co_await wanted->changed.wait_until(timers_, deadline);
  co_return wanted->found;
}

Awaitable<void> Exchange::pursue(ImageId image, TimePoint deadline, std::vector<PeerId> holders,
                                 std::shared_ptr<Want> want) {
  want->found = co_await find(image, deadline, std::move(holders));
  want->done = true;
  wants_.erase(image);
  want->changed.notify_all();
}

Awaitable<bool> Exchange::is_here(ImageId image) {
  const auto here = co_await run_on_worker(
      workers_, [&store = store_, image] { return store.signature(image, 1); });
  co_return here.has_value();
}

Awaitable<bool> Exchange::find(ImageId image, TimePoint deadline, std::vector<PeerId> holders) {
  const TimePoint joined_until = std::min(deadline, timers_.now() + joined_for);
  bool here = co_await is_here(image);
  while (!here && book_.is_asked(image) && timers_.now() < joined_until) {
    (void)co_await released_.wait_until(timers_, joined_until);
    here = co_await is_here(image);
  }
  if (here) co_return true;
  book_.asking(image);
  const bool found = co_await ask_one_of(candidates(image, holders), image, deadline);
  release(image);
  co_return found;
}

Awaitable<bool> Exchange::ask_one_of(std::vector<PeerPtr> peers, ImageId image,
                                     TimePoint deadline) {
  for (const PeerPtr& peer : peers) {
    if (timers_.now() >= deadline) break;
    if (peer->gone) continue;
    const bool found = co_await ask(peer, image, wire::Priority::readahead, deadline);
    if (!found) continue;
    ++entry(*peer).spent.wanted;
    co_return true;
  }
  co_return false;
}

/// Those that have it first, then those that are near.
std::vector<Exchange::PeerPtr> Exchange::candidates(const ImageId& image,
                                                    const std::vector<PeerId>& holders) const {
  const auto has = [&](PeerId peer) {
    return std::ranges::count(holders, peer) > 0 || book_.lists(peer, image);
  };
  std::vector<PeerPtr> all;
  for (const auto& [id, peer] : peers_) {
    if (peer->mute || !book_.worth_asking(id, image)) continue;
    if (holders.empty() || has(id)) all.push_back(peer);
  }
  std::ranges::sort(all, {}, [&](const PeerPtr& peer) {
    return std::tuple(!has(peer->id), peer->session->link().round_trip, peer->id);
  });
  return all;
}

// --- What is shown.

std::vector<PeerHoldings> Exchange::holdings() const {
  std::vector<PeerHoldings> all;
  for (const auto& [address, seen] : holdings_)
    all.push_back(seen);
  return all;
}

ExchangeStatistics Exchange::statistics() const {
  ExchangeStatistics sum;
  for (const auto& [address, seen] : holdings_) {
    sum.lists += seen.spent.lists;
    sum.list_bytes += seen.spent.list_bytes;
    sum.signatures += seen.spent.signatures;
    sum.signature_bytes += seen.spent.signature_bytes;
    sum.wanted += seen.spent.wanted;
    sum.refused += seen.spent.refused;
  }
  return sum;
}

Awaitable<void> Exchange::stop() {
  while (!peers_.empty()) {
    const PeerId first = peers_.begin()->first;
    peer_down(first);
  }
  co_await tasks_.stop();
}

}  // namespace weft::fetcher
