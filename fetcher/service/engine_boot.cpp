// SPDX-License-Identifier: Apache-2.0
// FetchEngine: what a boot will read is fetched before it does.
#include "fetcher/profile/profile_source.h"
#include "fetcher/service/engine.h"
#include "fetcher/service/layout_walk.h"
#include "fetcher/service/profile_walk.h"
#include "fetcher/service/relative_walk.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr BlockCount low_water(512);  // 2 MiB: what waits for uncertain tree nodes meanwhile
constexpr Duration look_every = std::chrono::milliseconds(250);
constexpr Duration lost_after = std::chrono::seconds(2);

}  // namespace

/// What a walk waits for.
struct FetchEngine::BootWaits {
  bool finished = false;
  std::vector<TreeNode> nodes;
  std::vector<BlockRange> blocks;  // that the next step reads
  RangeSet all;                    // wanted and perhaps not here
  bool tree_rests = false;
  TimePoint asked_at{};
  TimePoint rests_until{};
  TimePoint look_at{};
};

void FetchEngine::prefetch_boot(const std::shared_ptr<LocalImage>& image) {
  if (!stopping_) begin_boot(care_for(image), true);
}

void FetchEngine::begin_boot(const State& state, bool by_layout) {
  BootRun& boot = state->boot;
  const bool more = by_layout && !boot.by_layout;
  boot.by_layout |= by_layout;
  if (boot.running) {
    boot.reload |= more && boot.by != Foresight::own_profile;
    return state->changed.notify_all();
  }
  boot.running = spawn_for(state, "prefetch a boot", run_boot(state));
}

void FetchEngine::profile_changed(const ImageId& image) {
  const State state = find(image);
  if (!state || stopping_ || state->attached == 0) return;
  BootRun& boot = state->boot;
  if (boot.running) {
    boot.reload = true;
    state->changed.notify_all();
  } else if (boot.by_layout || (state->job && !boot.unwanted)) {
    begin_boot(state, boot.by_layout);
  }
}

Awaitable<void> FetchEngine::run_boot(State state) {
  BootRun& boot = state->boot;
  do {
    boot.reload = false;
    // A job's bytes count for more than a second: its tree comes by way of relatives.
    while (!boot.by_layout && boots_on(state) && awaits_relatives(state))
      co_await state->changed.wait_until(timers_, timers_.now() + look_every);
    const std::shared_ptr<BootWalk> walk = co_await find_boot_walk(state);
    if (walk && boots_on(state)) co_await follow(state, walk);
  } while (std::exchange(boot.reload, false) && boots_on(state));
  boot.running = false;
  if (stopping_ || state->attached > 0) co_return;
  boot = {};
  scheduler_.set_urgency(state->id(), {});
  if (!state->job) scheduler_.stop_prefetch(state->id());
}

/// Null: there is nothing to go by, or nothing to fetch.
Awaitable<std::shared_ptr<BootWalk>> FetchEngine::find_boot_walk(State state) {
  using Found = std::pair<std::shared_ptr<BootWalk>, Foresight>;
  const auto find = [state, source = options_.profiles, relatives = options_.relatives,
                     by_layout = state->boot.by_layout]() -> Result<Found> {
    const std::shared_ptr<LocalImage>& image = state->image;
    if (image->usage().missing == BlockCount(0)) return Found{};
    const auto profile = source == nullptr ? std::nullopt : source->find(image->info().id);
    if (profile && is_valid(*profile)) {
      if (profile->image == image->info().id)
        return Found{std::make_shared<ProfileWalk>(image, *profile, relatives),
                     Foresight::own_profile};
      return Found{std::make_shared<RelativeWalk>(image, *profile, relatives),
                   Foresight::relatives_profile};
    }
    if (!by_layout) return Found{};
    return Found{std::make_shared<LayoutWalk>(image, relatives), Foresight::layout};
  };
  Result<Found> found = co_await run_on_worker(workers_, find);
  if (!found) co_return nullptr;
  state->boot.by = found->second;
  co_return std::move(found->first);
}

Awaitable<void> FetchEngine::follow(State state, std::shared_ptr<BootWalk> walk) {
  BootWaits waits;
  state->boot.looking = true;
  while (boots_on(state)) {
    if (may_step(state, waits)) {
      const auto step = [walk, bulk = bulk_nodes()] { return walk->next(bulk); };
      Result<BootWalk::Wanted> wanted = co_await run_on_worker(workers_, step);
      if (!boots_on(state)) break;
      if (!wanted) {
        spdlog::warn("image {}: what its boot needs is not known: {}", to_hex(state->id()),
                     wanted.error().message());
        break;
      }
      apply(state, waits, *std::move(wanted));
      continue;
    }
    if (waits.finished && all_here(state, waits)) break;
    state->boot.reload |= is_lost(state, waits);
    co_await state->changed.wait_until(timers_, timers_.now() + look_every);
  }
  state->boot.looking = false;
}

std::optional<BootPrefetch> FetchEngine::boot_of(const ImageState& state) {
  const BootRun& boot = state.boot;
  if (boot.by == Foresight::unknown && !boot.running) return std::nullopt;
  const RangeSet to_come(not_readable(*state.image, boot.wanted.ranges()));
  return BootPrefetch{boot.by, boot.wanted.count(), to_come.count(),
                      boot.running && (boot.looking || boot.by == Foresight::unknown)};
}

void FetchEngine::apply(const State& state, BootWaits& waits, BootWalk::Wanted wanted) {
  const TimePoint now = timers_.now();
  const ImageId id = state->id();
  if (wanted.order) scheduler_.set_urgency(id, Urgency(*wanted.order));
  const std::vector<BlockRange> missing = not_readable(*state->image, wanted.blocks);
  scheduler_.want(id, missing, wanted.nodes, wire::Priority::prefetch, now);
  for (const BlockRange& range : missing) {
    waits.all.add(range);
    state->boot.wanted.add(range);
  }
  waits.finished = wanted.finished;
  state->boot.looking = !wanted.finished;
  waits.blocks = std::move(wanted.read_next);
  // Blocks come with the nodes above them.
  waits.nodes = waits.blocks.empty() ? std::move(wanted.nodes) : std::vector<TreeNode>();
  waits.tree_rests = wanted.tree_rests;
  waits.asked_at = now;
  drain();
}

/// What the next step needs is here.
bool FetchEngine::may_step(const State& state, BootWaits& waits) const {
  if (waits.finished) return false;
  const ImageSchedule& schedule = *scheduler_.image(state->id());
  const TimePoint now = timers_.now();
  const bool waited = !waits.nodes.empty();
  std::erase_if(waits.nodes, [&](TreeNode node) { return !schedule.nodes.contains(node); });
  if (!waits.nodes.empty()) return false;
  // As long again three times: the tree is not in front of everything.
  if (waited && waits.tree_rests) waits.rests_until = now + 3 * (now - waits.asked_at);
  waits.blocks = not_readable(*state->image, waits.blocks);
  if (!waits.blocks.empty()) return false;
  return now >= waits.rests_until || scheduler_.prefetch_backlog(state->id()) < low_water;
}

/// Looked at now and then only: there may be many.
bool FetchEngine::all_here(const State& state, BootWaits& waits) {
  const TimePoint now = timers_.now();
  if (now < waits.look_at) return false;
  waits.look_at = now + look_every;
  waits.all = RangeSet(not_readable(*state->image, waits.all.ranges()));
  return waits.all.empty();
}

/// Something is awaited, and nothing is on its way: a job that wanted it too was cancelled, or
/// blocks were lost. The walk begins anew.
bool FetchEngine::is_lost(const State& state, const BootWaits& waits) const {
  const ImageSchedule& schedule = *scheduler_.image(state->id());
  return timers_.now() >= waits.asked_at + lost_after && schedule.nodes.empty() &&
         schedule.busy() == BlockCount(0) && schedule.wanted(wire::Priority::prefetch).empty() &&
         schedule.wanted(wire::Priority::readahead).empty() &&
         schedule.wanted(wire::Priority::demand).empty();
}

}  // namespace weft::fetcher
