// SPDX-License-Identifier: Apache-2.0
// FetchEngine: the hash tree by way of trees that are here.
#include "fetcher/exchange/exchange.h"
#include "fetcher/service/engine.h"
#include "fetcher/service/graft.h"
#include "fetcher/service/relative_trees.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr Duration nodes_timeout = std::chrono::seconds(10);
/// How long a tree is not asked for in bulk because a peer may tell what it is like.
constexpr Duration relatives_timeout = std::chrono::seconds(2);
/// What a bulk request may take to arrive if nothing of it is known here.
constexpr double bulk_seconds = 2;
/// Above it a cold read gets its path sooner plain than packed: making a pack takes about 1 ms.
constexpr double packs_for_demand_below = 25e6;  // bytes per second

bool packs_nodes(const PeerSession& session) {
  return (session.remote().features & wire::feature_tree_pack) != 0;
}

}  // namespace

std::vector<PeerId> FetchEngine::may_know_relatives(const State& state) const {
  const Relations& relations = state->relations;
  if (options_.exchange == nullptr || relations.known) return {};
  std::vector<PeerId> peers = scheduler_.image(state->id())->holders.with_image();
  std::erase_if(peers, [&](PeerId peer) { return relations.asked.contains(peer); });
  return peers;
}

bool FetchEngine::awaits_relatives(const State& state) const {
  const Relations& relations = state->relations;
  if (!options_.relatives || relations.known) return false;
  if (relations.before && timers_.now() >= *relations.before) return false;
  return relations.looking || !may_know_relatives(state).empty() ||
         scheduler_.image(state->id())->holders.with_image().empty();
}

/// As soon as somebody may know something new.
void FetchEngine::look_for_relatives(const State& state) {
  if (!options_.relatives || state->relations.looking || may_know_relatives(state).empty()) return;
  spawn_for(state, "find relatives", find_relatives(state));
}

/// A signature of the image, if one is missing and somebody gives it; then its relatives.
Awaitable<void> FetchEngine::find_relatives(State state) {
  Relations& relations = state->relations;
  if (!options_.relatives || relations.looking || stopping_) co_return;
  relations.looking = true;
  const std::vector<PeerId> holders = may_know_relatives(state);
  if (!holders.empty() && !relations.before) relations.before = timers_.now() + relatives_timeout;
  bool known = co_await refresh_relatives(state);
  if (!known && !stopping_ && !holders.empty()) {
    relations.asked.insert(holders.begin(), holders.end());
    const TimePoint deadline = timers_.now() + relatives_timeout;
    const bool came = co_await options_.exchange->want(state->id(), deadline, holders);
    known = came && !stopping_ && co_await refresh_relatives(state);
  }
  if (known && !relations.known && state->boot.by != Foresight::own_profile)
    profile_changed(state->id());
  relations.known = known;
  relations.looking = false;
  state->changed.notify_all();
}

Awaitable<bool> FetchEngine::refresh_relatives(State state) {
  const auto look = [trees = options_.relatives, id = state->id()]() -> Result<bool> {
    return trees->refresh(id);
  };
  co_return (co_await run_on_worker(workers_, look)).value_or(false);
}

/// Tree nodes asked for together, so that they arrive in time even if nothing of them is known.
std::size_t FetchEngine::bulk_nodes() const {
  std::size_t most = wire::max_nodes;
  for (const PeerId peer : peers_.connected()) {
    const std::shared_ptr<PeerSession> session = peers_.session(peer);
    if (!session || !packs_nodes(*session)) continue;
    const double nodes = session->link().bytes_per_second * bulk_seconds / block_size;
    most =
        std::max(most, static_cast<std::size_t>(std::min<double>(nodes, wire::max_packed_nodes)));
  }
  return most;
}

Materializer::Graft FetchEngine::grafter(const State& state) const {
  if (!options_.relatives) return {};
  return [trees = options_.relatives, image = state->image](BlockRange window) {
    return graft(*image, trees->open(trees->of(image->info().id)), window);
  };
}

Awaitable<Result<wire::TreeNodes>> FetchEngine::ask_for_nodes(
    SendNodes command, State state, std::shared_ptr<PeerSession> session) {
  const double rate = std::max(1.0, session->link().bytes_per_second);
  const Duration transfer =
      from_seconds(static_cast<double>(command.nodes.size() * block_size) / rate);
  const TimePoint deadline = timers_.now() + nodes_timeout + 2 * transfer;
  std::vector<ImageId> bases;
  if (options_.relatives) bases = options_.relatives->of(state->id());
  const bool demand = command.priority <= wire::Priority::demand;
  bool pack =
      packs_nodes(*session) && (!demand || (!bases.empty() && rate < packs_for_demand_below));
  while (pack) {
    Result<std::optional<wire::TreeNodes>> nodes =
        co_await ask_for_pack(command, session, bases, deadline);
    if (!nodes) co_return std::unexpected(std::move(nodes).error());
    if (*nodes) co_return **std::move(nodes);
    // The bases are only a help, and so are packs.
    pack = !std::exchange(bases, {}).empty();
  }
  co_return co_await ask_for_plain_nodes(std::move(command), session, deadline);
}

/// nullopt: what came could not be unpacked.
Awaitable<Result<std::optional<wire::TreeNodes>>> FetchEngine::ask_for_pack(
    SendNodes command, std::shared_ptr<PeerSession> session, std::vector<ImageId> bases,
    TimePoint deadline) {
  wire::TreePackRequest request{
      .image = command.image, .bases = bases, .nodes = wire::to_runs(std::move(command.nodes))};
  WEFT_CO_TRY(auto answer,
              co_await session->tree_pack(std::move(request), command.priority, deadline));
  auto packs = std::make_shared<const std::vector<NodePack>>(std::move(answer));
  const auto work = [packs, bases, trees = options_.relatives] {
    return unpack(*packs, bases.empty() ? RelativeImages() : trees->open(bases));
  };
  Result<wire::TreeNodes> nodes = co_await run_on_worker(workers_, work);
  if (nodes) co_return *std::move(nodes);
  if (nodes.error().is(Errc::cancelled)) co_return std::unexpected(std::move(nodes).error());
  spdlog::debug("image {}: {}; asked for again", to_hex(command.image), nodes.error().message());
  co_return std::nullopt;
}

/// In as many requests as the protocol asks for, one after the other.
Awaitable<Result<wire::TreeNodes>> FetchEngine::ask_for_plain_nodes(
    SendNodes command, std::shared_ptr<PeerSession> session, TimePoint deadline) {
  wire::TreeNodes all;
  while (!command.nodes.empty()) {
    const auto size = std::min<std::size_t>(command.nodes.size(), wire::max_nodes);
    const auto end = command.nodes.begin() + static_cast<std::ptrdiff_t>(size);
    std::vector<TreeNode> part(command.nodes.begin(), end);
    command.nodes.erase(command.nodes.begin(), end);
    WEFT_CO_TRY(wire::TreeNodes nodes, co_await session->tree_nodes(command.image, std::move(part),
                                                                    command.priority, deadline));
    std::ranges::move(nodes.nodes, std::back_inserter(all.nodes));
  }
  co_return all;
}

}  // namespace weft::fetcher
