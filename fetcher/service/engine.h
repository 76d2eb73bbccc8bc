// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "fetcher/net/offload.h"
#include "fetcher/net/task_group.h"
#include "fetcher/net/timers.h"
#include "fetcher/schedule/scheduler.h"
#include "fetcher/schedule/twins.h"
#include "fetcher/service/boot_walk.h"
#include "fetcher/service/fetcher.h"
#include "fetcher/service/image_state.h"
#include "fetcher/service/landing.h"
#include "fetcher/service/locator.h"
#include "fetcher/service/lookup.h"
#include "fetcher/service/materializer.h"
#include "fetcher/service/peer_table.h"
#include "fetcher/service/twin_copy.h"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace weft::fetcher {

/// Drives the scheduler: turns its commands into requests, and answers, landings and time into
/// reports to it. The single-threaded heart of `Fetcher`; I/O thread only.
///
/// The way of a batch: session → `on_batch` → (parked until its leaves are here) → worker: unpack,
/// verify, commit → `apply` → scheduler → reads complete. Batches somebody waits for go to the
/// workers at once; of the others only a few at a time, so that they never queue in front.
///
/// Lifecycle: construct, use, await `shutdown()`, destroy. Everything it starts runs in its task
/// group and is over when `shutdown()` returns.
class FetchEngine final : public PeerEvents {
 public:
  FetchEngine(Executor io, Timers& timers, Offload& workers, PeerTable::Connect connect,
              FetcherOptions options);

  void add_peer(std::string address, PeerLinkInfo link = {}) {
    if (const auto peer = peers_.add(std::move(address))) {
      scheduler_.link_info(*peer, std::move(link));
    }
  }
  void remove_peer(std::string_view address) { peers_.remove(address); }
  [[nodiscard]] std::vector<PeerStatus> peers() const;
  [[nodiscard]] Awaitable<Result<RemoteImage>> locate(std::string name_or_id,
                                                      BlockIndex first_read);
  void attach(std::shared_ptr<LocalImage> image);
  void detach(const ImageId& image);
  void read(FetchTicket ticket, DemandRead request, Result<Missing> missing,
            BlockFetcher::Done done);
  void cancel(FetchTicket ticket);
  [[nodiscard]] std::shared_ptr<MaterializeJob> materialize(std::shared_ptr<LocalImage> image,
                                                            MaterializeOptions options,
                                                            MaterializeJob::OnProgress on_progress,
                                                            std::function<void()> wake);
  void prefetch_boot(const std::shared_ptr<LocalImage>& image);
  void profile_changed(const ImageId& image);
  /// Makes every job look at whether it was cancelled.
  void wake_jobs();
  [[nodiscard]] FetchStatistics statistics() const;
  [[nodiscard]] Awaitable<void> shutdown();

 private:
  using State = std::shared_ptr<ImageState>;
  struct PeerCounters {
    std::uint64_t blocks = 0;
    std::uint64_t wire = 0;
    std::set<ImageId> banned;
    BlockCount late;  // came after their fetch was over
  };

  // --- engine.cpp: images, peers, time.
  void on_peer_up(PeerId peer, PeerSession& session) override;
  void on_peer_down(PeerId peer, const Error& why) override;
  State care_for(const std::shared_ptr<LocalImage>& image);
  bool spawn_for(const State& state, std::string name, Awaitable<void> task);
  Awaitable<void> counted(State state, Awaitable<void> task);
  void release_if_idle(const State& state);
  [[nodiscard]] State find(const ImageId& image) const;
  void watch(PeerId peer, PeerSession& session, const State& state);
  Awaitable<void> ask_for_image(PeerId peer, std::shared_ptr<PeerSession> session, State state);
  void on_residency(PeerId peer, const ImageId& image, const wire::Residency& what);
  void ask_again(TimePoint now);
  void ban(PeerId peer, const State& state, const std::string& why);
  /// Performs what the scheduler wants, until it wants nothing more.
  void drain();
  void arm_timer();
  void on_timer();

  // --- engine_reads.cpp: demand reads and what they wait for.
  void answer(BlockFetcher::Done done, Result<FetchOutcome> outcome);
  Awaitable<void> answer_on_worker(std::shared_ptr<Offload::Task> task);
  void finish_read(FetchTicket ticket, std::optional<Error> error);
  void note_origin(const State& state, PeerId from, std::span<const BlockRange> ranges);
  [[nodiscard]] Error describe(const FailRead& command) const;
  Awaitable<void> look_ahead(State state, BlockRange range);

  // --- engine_waits.cpp: who waits, and why.
  [[nodiscard]] BlockOrigin origin_of(PeerId peer) const;
  [[nodiscard]] WaitingFetch describe_wait(const ImageState& state, FetchTicket ticket,
                                           const ImageSchedule::Read& read) const;
  [[nodiscard]] std::vector<WaitingFetch> waits_of(const ImageState& state) const;

  // --- engine_requests.cpp: commands and answers.
  void perform(SendBlocks& command);
  void perform(SendNodes& command);
  void perform(AskHave& command);
  void perform(const RaiseFetch& command);
  void perform(const CancelFetch& command);
  void perform(const CompleteRead& command);
  void perform(const FailRead& command);
  void perform(const LookAhead& command);
  void perform(MakePlan& command);
  void send_blocks(SendBlocks command);
  Awaitable<void> send_behind(SendBlocks command);
  void on_batch(FetchId id, PeerId peer, const ImageId& image, Result<wire::BlockBatch> batch,
                bool last);
  void request_failed(FetchId id, PeerId peer, const ImageId& image, const Error& error);
  Awaitable<void> fetch_nodes(SendNodes command, State state, std::shared_ptr<PeerSession> session);

  // --- engine_digests.cpp: blocks that peers hold in other images.
  Awaitable<void> ask_have(AskHave command, State state, std::shared_ptr<PeerSession> session);
  Awaitable<void> fetch_by_digest(SendBlocks command, State state,
                                  std::shared_ptr<PeerSession> session);

  // --- engine_tree.cpp: the tree by way of trees that are here.
  /// Peers that have the image, and may give its signature.
  [[nodiscard]] std::vector<PeerId> may_know_relatives(const State& state) const;
  /// What is likely to be here already of the tree will soon be known: it is not asked for in bulk.
  [[nodiscard]] bool awaits_relatives(const State& state) const;
  void look_for_relatives(const State& state);
  Awaitable<void> find_relatives(State state);
  Awaitable<bool> refresh_relatives(State state);
  [[nodiscard]] std::size_t bulk_nodes() const;
  [[nodiscard]] Materializer::Graft grafter(const State& state) const;
  Awaitable<Result<wire::TreeNodes>> ask_for_nodes(SendNodes command, State state,
                                                   std::shared_ptr<PeerSession> session);
  Awaitable<Result<std::optional<wire::TreeNodes>>> ask_for_pack(
      SendNodes command, std::shared_ptr<PeerSession> session, std::vector<ImageId> bases,
      TimePoint deadline);
  static Awaitable<Result<wire::TreeNodes>> ask_for_plain_nodes(
      SendNodes command, std::shared_ptr<PeerSession> session, TimePoint deadline);

  // --- engine_twins.cpp: blocks with equal content.
  [[nodiscard]] Twins::Look looker(const ImageId& asking) const;
  void want_once(const State& state, Materializer::Wanted wanted);
  Awaitable<bool> bring_in_twins(State state);
  void apply(const State& state, const CopiedTwins& copied);

  // --- engine_landing.cpp
  void arrived(const State& state, ArrivedBatch batch);
  void start_landing();
  Awaitable<void> land(State state, ArrivedBatch batch);
  void apply(const State& state, const ArrivedBatch& batch, LandedBlocks landed);
  void count(const State& state, const FetchSources& more);
  void hand_out(const State& state, const std::vector<LooseBlock>& loose);
  void fail_waiters(const State& state, std::span<const BlockRange> ranges, const Error& error);
  void store_failed(const State& state, const Error& error);
  Awaitable<void> land_tree(State state, PeerId peer, std::vector<wire::TreeNodes::Entry> nodes);
  void apply(const State& state, PeerId peer, LandedNodes landed);
  void land_waiting_nodes(const State& state);
  void keep_waiting(const State& state, PeerId peer, std::vector<wire::TreeNodes::Entry> nodes);
  void forget_nodes_of(const State& state, PeerId peer);
  void unpark(const State& state);
  void drop_overdue(const State& state, TimePoint now);

  // --- engine_plan.cpp
  Awaitable<void> make_plan(MakePlan command, State state);
  [[nodiscard]] std::optional<JobPlan> plan_of(const ImageId& image) const;

  // --- engine_swarm.cpp: with others that fetch the same image.
  void join_swarm(const State& state);
  void leave_swarm(const State& state);
  Awaitable<void> attend_swarm(State state, std::shared_ptr<Swarm> swarm);
  void tick_swarm(const State& state);
  Awaitable<void> ask_swarm(PeerId peer, std::shared_ptr<PeerSession> session, State state);
  void use_swarm(const State& state);
  static void greet_swarm(const State& state, PeerId peer, const PeerSession& session,
                          TimePoint now);

  // --- engine_profile.cpp: what a boot reads, as peers know it.
  Awaitable<void> find_profile(State state);
  [[nodiscard]] std::optional<PeerId> holder_to_ask(const State& state,
                                                    const std::set<PeerId>& asked) const;
  Awaitable<bool> ask_for_profile(PeerId peer, State state, bool relatives);

  // --- engine_materialize.cpp
  void hold_if_paused(const State& state, const JobHandle& job);
  void cap(const State& state, double bytes_per_second);
  void complete_report(const State& state, MaterializeProgress& progress) const;
  Awaitable<void> run_job(State state, std::shared_ptr<JobHandle> job, MaterializeOptions options);

  // --- engine_boot.cpp: what a boot will read.
  struct BootWaits;
  void begin_boot(const State& state, bool by_layout);
  Awaitable<void> run_boot(State state);
  Awaitable<std::shared_ptr<BootWalk>> find_boot_walk(State state);
  Awaitable<void> follow(State state, std::shared_ptr<BootWalk> walk);
  void apply(const State& state, BootWaits& waits, BootWalk::Wanted wanted);
  [[nodiscard]] bool may_step(const State& state, BootWaits& waits) const;
  [[nodiscard]] bool all_here(const State& state, BootWaits& waits);
  [[nodiscard]] bool is_lost(const State& state, const BootWaits& waits) const;
  [[nodiscard]] static std::optional<BootPrefetch> boot_of(const ImageState& state);
  [[nodiscard]] bool boots_on(const State& state) const {
    return !stopping_ && state->attached > 0 && !state->boot.reload;
  }

  // --- engine_money.cpp
  using WriteDown = std::function<Result<void>(double money)>;
  void pursue(const State& state, plan::Goal goal);
  void clear_money(const State& state);
  Awaitable<void> draw_money(State state, WriteDown write_down);
  void report_money(const State& state, MaterializeProgress& progress) const;

  Executor io_;
  Timers& timers_;
  Offload& workers_;
  FetcherOptions options_;
  TaskGroup tasks_;
  PeerTable peers_;
  Locator locator_;
  Scheduler scheduler_;
  Twins twins_;
  std::uint64_t jobs_done_ = 0;
  std::map<ImageId, State> images_;
  std::map<FetchTicket, ImageId> tickets_;
  std::map<FetchId, RequestId> requests_;
  std::map<PeerId, PeerCounters> counters_;
  std::deque<std::pair<State, ArrivedBatch>> landing_;  // not demanded, wait for a worker
  std::size_t landing_running_ = 0;                     // of those
  bool nodes_sent_ = false;                             // in the current `drain`
  bool draining_ = false;
  bool stopping_ = false;
  std::optional<TimerId> timer_;
  TimePoint timer_at_{};
  FetchStatistics statistics_;  // the counters in it
  WaitHistogram waits_;
};

// --- Shared by the parts of the engine.

[[nodiscard]] inline bool connection_is_lost(const Error& error) {
  return error.is(Errc::peer_unreachable) || error.is(Errc::peer_misbehaved);
}

}  // namespace weft::fetcher
