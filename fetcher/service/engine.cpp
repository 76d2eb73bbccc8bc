// SPDX-License-Identifier: Apache-2.0
// FetchEngine: images, peers, time.
#include "fetcher/service/engine.h"

#include "fetcher/exchange/exchange.h"
#include "fetcher/service/job_handle.h"
#include "fetcher/service/relative_trees.h"
#include "fetcher/swarm/swarm.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr Duration ask_again_after = std::chrono::seconds(5);
constexpr std::size_t strikes_for_ban = 3;

SchedulerLimits scheduler_limits(const FetcherOptions& options) {
  return {.in_flight =
              BlockCount(std::max<std::uint64_t>(std::uint64_t{2} * wire::blocks_per_batch,
                                                 options.max_in_flight.value() / block_size))};
}

}  // namespace

FetchEngine::FetchEngine(Executor io, Timers& timers, Offload& workers, PeerTable::Connect connect,
                         FetcherOptions options)
    : io_(io),
      timers_(timers),
      workers_(workers),
      options_(options),
      tasks_(io),
      peers_(tasks_, timers, std::move(connect), *this,
             {.node = options.node,
              .connect_timeout = options.connect_timeout,
              .backoff = {},
              .random_seed = options.random_seed,
              .links = options.links}),
      locator_(tasks_, timers, peers_, options.locate_timeout),
      scheduler_(scheduler_limits(options), std::make_unique<LowestCompletionTime>(),
                 options.order ? options.order() : std::make_unique<PlannedOrder>()) {
  scheduler_.own_link(options.own_link, timers.now());
}

// --- Images.

FetchEngine::State FetchEngine::find(const ImageId& image) const {
  const auto it = images_.find(image);
  return it == images_.end() ? nullptr : it->second;
}

FetchEngine::State FetchEngine::care_for(const std::shared_ptr<LocalImage>& image) {
  const ImageId id = image->info().id;
  if (State known = find(id)) return known;
  auto state = std::make_shared<ImageState>(image);
  images_.emplace(id, state);
  scheduler_.add_image(id, image->shape().blocks());
  state->ask_again = timers_.now() + ask_again_after;
  for (const auto& [peer, counters] : counters_) {
    if (counters.banned.contains(id)) scheduler_.ban(peer, id, timers_.now());
  }
  for (const PeerId peer : peers_.connected())
    watch(peer, *peers_.session(peer), state);
  spawn_for(state, "find relatives", find_relatives(state));
  return state;
}

void FetchEngine::attach(std::shared_ptr<LocalImage> image) {
  if (stopping_) return;
  const State state = care_for(image);
  if (++state->attached == 1 && options_.profiles != nullptr) {
    spawn_for(state, "find a boot profile", find_profile(state));
  }
  drain();
}

void FetchEngine::detach(const ImageId& image) {
  const State state = find(image);
  if (!state || state->attached == 0) return;
  if (--state->attached == 0) state->changed.notify_all();
  release_if_idle(state);
}

/// The task counts for the image from now on, not only from when it runs for the first time: until
/// then the image must not be let go.
bool FetchEngine::spawn_for(const State& state, std::string name, Awaitable<void> task) {
  ++state->tasks;
  if (tasks_.spawn(std::move(name), counted(state, std::move(task)))) return true;
  --state->tasks;
  return false;
}

Awaitable<void> FetchEngine::counted(State state, Awaitable<void> task) {
  struct End {
    FetchEngine& engine;
    const State state;
    ~End() {
      --state->tasks;
      engine.release_if_idle(state);
    }
  };
  const End end{*this, state};
  co_await std::move(task);
}

void FetchEngine::release_if_idle(const State& state) {
  const ImageId& id = state->id();
  if (state->attached > 0 || state->tasks > 0 || !state->waiters.empty() || find(id) != state) {
    return;
  }
  const ImageSchedule* schedule = scheduler_.image(id);
  if (schedule != nullptr && !schedule->idle() && !stopping_) return;
  if (schedule != nullptr && schedule->idle()) scheduler_.remove_image(id);
  for (const PeerId peer : peers_.connected())
    peers_.session(peer)->unwatch_residency(id);
  images_.erase(id);
  if (options_.relatives) options_.relatives->forget(id);
}

Awaitable<Result<RemoteImage>> FetchEngine::locate(std::string name_or_id, BlockIndex first_read) {
  return locator_.locate(std::move(name_or_id), first_read);
}

// --- Peers and what they hold.

void FetchEngine::on_peer_up(PeerId peer, PeerSession& session) {
  scheduler_.peer_up(peer);
  if ((session.remote().features & wire::feature_tree_pack) != 0) {
    scheduler_.nodes_per_request(peer, wire::max_packed_nodes);
  }
  if (options_.exchange != nullptr) {
    options_.exchange->peer_up(peer, peers_.address(peer), peers_.session(peer));
  }
  const LinkEstimate link = session.link();
  scheduler_.link_measured(peer, link.bytes_per_second, link.round_trip);
  if ((session.remote().features & wire::feature_redundancy) != 0) {
    scheduler_.answers_haves(peer, timers_.now());
  }
  for (const auto& [id, state] : images_) {
    greet_swarm(state, peer, session, timers_.now());
    use_swarm(state);
    watch(peer, session, state);
  }
  drain();
}

void FetchEngine::on_peer_down(PeerId peer, const Error& why) {
  locator_.forget(peer);
  if (options_.exchange != nullptr) options_.exchange->peer_down(peer);
  for (const auto& [id, state] : images_) {
    const ImageSchedule* schedule = scheduler_.image(id);
    const bool involved = std::ranges::any_of(
        schedule->fetches(), [&](const auto& fetch) { return fetch.second.peer == peer; });
    if (!involved || !why.is(Errc::peer_misbehaved)) continue;
    auto strike = std::ranges::find(state->strikes, peer, &std::pair<PeerId, std::size_t>::first);
    if (strike == state->strikes.end()) strike = state->strikes.insert(strike, {peer, 0});
    if (++strike->second >= strikes_for_ban) ban(peer, state, why.message());
  }
  for (const auto& [id, state] : images_) {
    if (state->swarm) state->swarm->gone(peer, timers_.now());
  }
  scheduler_.peer_down(peer, timers_.now());
  for (const auto& [id, state] : images_)
    state->changed.notify_all();
  drain();
}

void FetchEngine::watch(PeerId peer, PeerSession& session, const State& state) {
  const ImageId id = state->id();
  const TimePoint now = timers_.now();
  scheduler_.holding(peer, id, Scheduler::Holding::asked, now);
  session.watch_residency(
      id, [this, peer, id](const wire::Residency& what) { on_residency(peer, id, what); });
  if (locator_.offered_whole(peer, id)) {
    scheduler_.holding(peer, id, Scheduler::Holding::complete, now);
    look_for_relatives(state);
  } else {
    spawn_for(state, "ask for image", ask_for_image(peer, peers_.session(peer), state));
  }
}

/// A peer that does not have the image announces nothing: only a question tells.
Awaitable<void> FetchEngine::ask_for_image(PeerId peer, std::shared_ptr<PeerSession> session,
                                           State state) {
  const TimePoint deadline = timers_.now() + options_.locate_timeout;
  std::string id = to_hex(state->id());
  const Result<wire::ImageFound> answer =
      co_await session->find_image(std::move(id), BlockIndex(0), deadline);
  if (stopping_ || find(state->id()) != state || peers_.session(peer) != session) co_return;
  const bool has = answer && answer->image.info == state->image->info();
  if (has && answer->image.complete) {
    scheduler_.holding(peer, state->id(), Scheduler::Holding::complete, timers_.now());
  } else if (!has && !scheduler_.image(state->id())->holders.has_image(peer)) {
    scheduler_.holding(peer, state->id(), Scheduler::Holding::empty, timers_.now());
  }
  look_for_relatives(state);
  state->changed.notify_all();
  drain();
}

void FetchEngine::on_residency(PeerId peer, const ImageId& image, const wire::Residency& what) {
  const State state = find(image);
  if (!state || stopping_) return;
  const BlockCount blocks = state->image->shape().blocks();
  for (const auto* list : {&what.added, &what.removed}) {
    for (const BlockRange& range : *list) {
      if (range.first.value() <= blocks.value() &&
          range.count.value() <= blocks.value() - range.first.value()) {
        continue;
      }
      return ban(peer, state, "announced blocks beyond the image's end");
    }
  }
  if (what.complete) {
    scheduler_.holding(peer, image, Scheduler::Holding::complete, timers_.now());
  } else {
    scheduler_.holding(peer, image, what.added, what.removed, timers_.now());
  }
  look_for_relatives(state);
  state->changed.notify_all();
  drain();
}

/// Peers that did not have an image may have got it meanwhile.
void FetchEngine::ask_again(TimePoint now) {
  for (const auto& [id, state] : images_) {
    if (now < state->ask_again || (state->waiters.empty() && !state->job && !state->boot.running)) {
      continue;
    }
    state->ask_again = now + ask_again_after;
    state->relations.asked.clear();
    spawn_for(state, "find relatives", find_relatives(state));
    for (const PeerId peer : peers_.connected()) {
      if (!scheduler_.image(id)->holders.is_empty(peer)) continue;
      spawn_for(state, "ask for image", ask_for_image(peer, peers_.session(peer), state));
    }
  }
}

void FetchEngine::ban(PeerId peer, const State& state, const std::string& why) {
  if (!scheduler_.ban(peer, state->id(), timers_.now())) return;
  counters_[peer].banned.insert(state->id());
  forget_nodes_of(state, peer);
  ++statistics_.peers_banned;
  spdlog::warn("peer {}: no longer used for image {}: {}", peers_.address(peer),
               to_hex(state->id()), why);
  peers_.note_error(peer, "no longer used for image " + to_hex(state->id()) + ": " + why);
}

std::vector<PeerStatus> FetchEngine::peers() const {
  std::vector<PeerStatus> all;
  for (auto& [peer, status] : peers_.status()) {
    if (const auto it = counters_.find(peer); it != counters_.end()) {
      status.received = bytes_of(BlockCount(it->second.blocks));
      status.received_wire = ByteCount(it->second.wire);
      status.banned_for.assign(it->second.banned.begin(), it->second.banned.end());
    }
    if (const auto it = scheduler_.counts().find(peer); it != scheduler_.counts().end()) {
      status.reasons = reasons_of(it->second);
    }
    if (const auto it = counters_.find(peer); it != counters_.end()) {
      status.reasons.wasted += bytes_of(it->second.late);
    }
    status.false_haves = scheduler_.false_haves(peer);
    all.push_back(std::move(status));
  }
  return all;
}

// --- Commands and time.

void FetchEngine::drain() {
  if (draining_) return;
  draining_ = true;
  nodes_sent_ = false;
  for (std::vector<Command> commands = scheduler_.take_commands(); !commands.empty();
       commands = scheduler_.take_commands()) {
    for (Command& command : commands) {
      std::visit([this](auto& what) { perform(what); }, command);
    }
  }
  draining_ = false;
  arm_timer();
}

void FetchEngine::arm_timer() {
  if (stopping_) return;
  const auto next = scheduler_.next_wakeup(timers_.now());
  if (!next || (timer_ && timer_at_ <= *next)) return;
  if (timer_) timers_.cancel(*timer_);
  timer_at_ = *next;
  timer_ = timers_.call_at(timer_at_, [this] { on_timer(); });
}

void FetchEngine::on_timer() {
  timer_.reset();
  if (stopping_) return;
  const TimePoint now = timers_.now();
  scheduler_.tick(now);
  ask_again(now);
  for (const auto& [id, state] : images_)
    drop_overdue(state, now);
  drain();
}

FetchStatistics FetchEngine::statistics() const {
  FetchStatistics all = statistics_;
  all.stalled = waits_.total();
  all.wait_p50 = waits_.quantile(0.5);
  all.wait_p99 = waits_.quantile(0.99);
  all.reads_waiting = tickets_.size();
  all.received = ByteCount(0);
  for (const ByteCount& bytes : all.received_by_priority)
    all.received += bytes;
  for (const auto& [peer, counts] : scheduler_.counts())
    all.reasons += reasons_of(counts);
  for (const auto& [peer, counters] : counters_)
    all.reasons.wasted += bytes_of(counters.late);
  for (const auto& [id, state] : images_) {
    const ImageSchedule& schedule = *scheduler_.image(id);
    ImageFetchStatus status;
    status.image = id;
    status.waiting_reads = state->waiters.size();
    status.waits = waits_of(*state);
    status.in_flight = schedule.busy();
    status.disk_full = state->disk_full;
    status.connected_holders = schedule.holders.with_blocks().size();
    status.sources = state->sources;
    for (const auto& [peer, counts] : scheduler_.counts(id))
      status.reasons += reasons_of(counts);
    status.spent = scheduler_.money(id)->spent();
    status.boot = boot_of(*state);
    if (!schedule.reads().empty()) {
      const auto& [ticket, read] = *schedule.reads().begin();
      status.oldest_waiting = read.outstanding.first();
      status.oldest_wait = timers_.now() - state->waiters.at(ticket).since;
    }
    all.images.push_back(std::move(status));
  }
  return all;
}

Awaitable<void> FetchEngine::shutdown() {
  if (!stopping_) {
    stopping_ = true;
    if (timer_) timers_.cancel(*timer_);
    wake_jobs();
    for (const auto& [id, state] : images_)
      state->changed.notify_all();  // whoever waits for a peer that has it
    while (!tickets_.empty()) {
      finish_read(tickets_.begin()->first, Error{make_error_code(Errc::cancelled), Operation::fetch,
                                                 "the node is shutting down"});
    }
    peers_.close_all();
  }
  co_await tasks_.stop();
  images_.clear();
}

}  // namespace weft::fetcher
