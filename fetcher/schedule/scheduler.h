// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/link/link_info.h"
#include "fetcher/schedule/commands.h"
#include "fetcher/schedule/link_pace.h"
#include "fetcher/schedule/planned_order.h"
#include "fetcher/schedule/scheduler_books.h"
#include "fetcher/schedule/source_choice.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace weft::fetcher {

struct SchedulerLimits {
  BlockCount in_flight{8192};  ///< asked for and not yet committed, all images
  Duration absent_for =
      std::chrono::seconds(3);  ///< before a peer is asked again for what it lacked
};

/// Decides which peer is asked for which blocks and tree nodes, when, and at what priority, over
/// all images and links. A pure state machine: no clock (`now` is an argument and never goes back),
/// no I/O. Whoever drives it reports what happens, and after every report performs
/// `take_commands()`.
///
/// Rules, in this order:
/// 1. *Demand first, oldest read first.* It waits for no window, only for the bound on what is in
///    flight. `SourceChoice` picks among the holders. Tree nodes a read needs are asked for at the
///    same peer just ahead of its blocks, so that a cold read costs one round trip.
/// 2. *A reader of an in-flight block joins it*; the fetch is raised to demand priority.
/// 3. *Readahead* for sequential reads, in image order, then *prefetch* in `PrefetchOrder`, which
///    follows a plan's queues: each link is kept full, and not more than full (`LinkWindow`);
///    images take turns on a link. A source takes what it can carry, so faster links carry more.
/// 4. What does not arrive is wanted again: the peer is gone, lacks it, was banned, or has stalled
///    while another holder has not. A stalled peer that is the only one is waited for.
/// 5. A block nobody holds waits for a holder until the read's deadline, or fails at once if the
///    read does not hold. One image that waits takes nothing from the others.
/// 6. Peers that answer have queries are asked about wanted blocks that nobody lively holds, and,
///    of what nobody waits for, about those that only slower links bring, or that would give work
///    to a link that the plan leaves idle (`worth_asking`; a sample first where nothing is known).
///    What they hold in other images is asked for by digest. A promise that is not kept moves the
///    block elsewhere; `HaveTrust` says when to stop believing.
/// 7. A demand fetch that takes longer than 95 % of its link's do is asked for again elsewhere, and
///    an idle link repeats the tail of slower ones; the first answer counts. Tree nodes that are
///    late are asked for elsewhere too.
/// 8. Nothing is asked for that might exceed a job's budget.
/// 9. What is wanted as prefetch is planned, and planned again when the world differs
/// (`Replanner`).
///    What is in flight stays, but for what a link that has become slow would bring far too late.
///
/// *Rationale:* tree nodes are not counted in the windows: they are few, and everything waits for
/// them. Holes are never asked for, since nobody can want them once the tree is known.
class Scheduler {
 public:
  explicit Scheduler(
      SchedulerLimits limits = {},
      std::unique_ptr<SourceChoice> choice = std::make_unique<LowestCompletionTime>(),
      std::unique_ptr<PrefetchOrder> order = std::make_unique<PlannedOrder>());

  // --- Peers and what they hold.
  void peer_up(PeerId peer);
  /// Tree nodes that may be asked of it together; wire::max_nodes unless said otherwise.
  void nodes_per_request(PeerId peer, std::size_t nodes);
  /// Everything asked of it is wanted elsewhere. No commands are sent to it any more.
  void peer_down(PeerId peer, TimePoint now);
  void link_measured(PeerId peer, double bytes_per_second, Duration round_trip);
  /// What the operator says. May come before the peer is connected, and change.
  void link_info(PeerId peer, PeerLinkInfo info);
  /// Its ingress is a cap for all images together. What somebody waits for is not held up by it,
  /// but counts.
  void own_link(OwnLinkInfo info, TimePoint now);
  /// Empty: none, or none is known.
  [[nodiscard]] const std::string& own_site() const { return own_link_.site; }
  [[nodiscard]] std::string site_of(PeerId peer) const;
  void add_image(const ImageId& image, BlockCount blocks);
  /// It must be idle.
  void remove_image(const ImageId& image);
  enum class Holding { asked, empty, complete };
  void holding(PeerId peer, const ImageId& image, Holding what, TimePoint now);
  void holding(PeerId peer, const ImageId& image, const std::vector<BlockRange>& added,
               const std::vector<BlockRange>& removed, TimePoint now);
  /// The connected peer answers have queries.
  void answers_haves(PeerId peer, TimePoint now);
  /// `held`: those of the blocks asked about that it has.
  void have_answered(HaveId id, const std::vector<BlockRange>& held, TimePoint now);
  void have_failed(HaveId id, TimePoint now);
  /// Cancels what it still sends of this image. False: it was banned before.
  bool ban(PeerId peer, const ImageId& image, TimePoint now);

  // --- Wanting.
  struct NewRead {
    FetchTicket ticket{};
    BlockRange range;                 ///< as asked, for readahead
    std::vector<BlockRange> missing;  ///< not empty
    std::vector<TreeNode> nodes;      ///< on the way to them, not here
    TimePoint deadline;
    bool hold = true;
  };
  /// True: some of it was on its way already.
  bool read(const ImageId& image, NewRead read, TimePoint now);
  void cancel(const ImageId& image, FetchTicket ticket);
  void want(const ImageId& image, std::span<const BlockRange> ranges,
            std::span<const TreeNode> nodes, wire::Priority priority, TimePoint now);
  /// Forgets what is wanted as prefetch and not on its way.
  void stop_prefetch(const ImageId& image);
  void pause_prefetch(const ImageId& image, TimePoint until);

  // --- Planning (scheduler_plan.cpp): asked for with `MakePlan` when `Replanner` says so.
  /// What matters to the job of this image. Anything but the fastest makes it thrifty.
  void set_goal(const ImageId& image, plan::Goal goal);
  /// At most so many blocks will be wanted as prefetch later: for what a budget must last.
  void more_to_come(const ImageId& image, BlockCount blocks);
  /// What is needed earlier than the rest, in place of what was said before.
  void set_urgency(const ImageId& image, Urgency urgency);
  /// The answer to `MakePlan` number `number`. An answer that is not awaited any more is ignored.
  void plan_made(const ImageId& image, std::uint64_t number, const Result<PlanAnswer>& answer,
                 TimePoint now);
  /// What a plan wants each source to bring, in place of the plan before. Blocks that are not
  /// wanted as prefetch any more are left out; sources that are not connected lose theirs.
  void install_plan(const ImageId& image, const PlanQueues::Queues& queues, TimePoint now);
  /// Null: none was made. Valid until the scheduler is told anything.
  [[nodiscard]] const PlanStatus* plan(const ImageId& image) const;
  /// Enough of it has come to say how well it compresses.
  [[nodiscard]] bool is_wire_known(const ImageId& image) const;
  /// Until it is said otherwise: what nobody waits for is not asked for.
  void hold_prefetch(const ImageId& image, bool held, TimePoint now);
  /// In place of the order for all images, until it is null. Looked at when something happens.
  void use_order(const ImageId& image, std::shared_ptr<const PrefetchOrder> order);
  /// Content bytes per second; 0: no cap.
  void cap_prefetch(const ImageId& image, double bytes_per_second, TimePoint now);
  /// What may be spent for this image from now on; nullopt: no limit. Blocks and nodes that might
  /// exceed it are not asked for, whoever waits for them.
  void set_budget(const ImageId& image, std::optional<double> money, TimePoint now);
  /// Of that budget, so much may be spent before more is cleared (`MoneyLedger::clear`).
  void clear_money(const ImageId& image, std::optional<double> money, TimePoint now);
  /// A connected holder is not asked any more, since that might exceed the budget.
  [[nodiscard]] bool too_dear(const ImageId& image) const;
  /// Null: no such image.
  [[nodiscard]] const MoneyLedger* money(const ImageId& image) const;

  // --- Answers.
  struct Answer {
    std::vector<BlockRange> blocks;  ///< here now, zero blocks included
    std::vector<BlockRange> absent;
    std::uint64_t wire_bytes = 0;
    bool last = false;
  };
  enum class Verdict {
    fine,
    stale,      ///< the fetch is over: ignore the bytes
    unasked,    ///< not what was asked for: ignore the bytes, ban the peer; the fetch is over
    truncated,  ///< it ended early: use the bytes, ban the peer
  };
  [[nodiscard]] Verdict answered(FetchId id, const Answer& answer, TimePoint now);
  /// No answer. `lacks`: the peer says it cannot give them; else it is asked again.
  void failed(FetchId id, bool lacks, TimePoint now);
  [[nodiscard]] Verdict nodes_answered(NodeFetchId id, std::span<const TreeNode> present,
                                       TimePoint now);
  void nodes_failed(NodeFetchId id, bool lacks, TimePoint now);

  // --- Landing.
  /// Blocks became readable, or were handed to every read that waits for them. Returns how many of
  /// them had arrived from a peer and not landed before.
  BlockCount landed(const ImageId& image, std::span<const BlockRange> ranges, TimePoint now);
  /// Arrived blocks could not be used.
  void rejected(const ImageId& image, std::span<const BlockRange> ranges, TimePoint now);
  /// Arrived blocks waited too long for their leaf: given up unless a read still waits for them.
  void dropped(const ImageId& image, std::span<const BlockRange> ranges, TimePoint now);
  void nodes_landed(const ImageId& image, std::span<const TreeNode> nodes, TimePoint now);
  void nodes_rejected(const ImageId& image, std::span<const TreeNode> nodes, TimePoint now);

  // --- Time.
  /// Expires deadlines and absences, finds stalled links, refills caps. Call it at `next_wakeup()`.
  void tick(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_wakeup(TimePoint now) const;

  [[nodiscard]] std::vector<Command> take_commands() { return std::exchange(commands_, {}); }

  // --- Looking.
  [[nodiscard]] const ImageSchedule* image(const ImageId& image) const;
  [[nodiscard]] std::optional<wire::Priority> priority_of(FetchId id) const;
  /// Valid until the scheduler is told anything. Null: it is over.
  [[nodiscard]] const ImageSchedule::Fetch* fetch(FetchId id) const;
  /// Blocks wanted as prefetch and not asked for yet.
  [[nodiscard]] BlockCount prefetch_backlog(const ImageId& image) const;
  /// `twin` has the content of `first` and had better wait for it: `first` is wanted or arriving,
  /// and asking for `twin` as well would not bring it sooner, because the link of `first` is alive
  /// or no link is that could bring `twin`. Capped jobs are only waited for by themselves.
  struct Place {
    ImageId image;
    BlockIndex block;
  };
  [[nodiscard]] bool worth_waiting_for(const Place& first, const Place& twin) const;
  [[nodiscard]] const LinkWindow* link(PeerId peer) const;
  /// What came for an image from each peer, and why; empty: no such image, or nothing did.
  [[nodiscard]] const std::map<PeerId, SourceCounts>& counts(const ImageId& image) const;
  /// The same for all images ever, by peer.
  [[nodiscard]] const std::map<PeerId, SourceCounts>& counts() const { return counts_; }
  /// Blocks the peer said it holds and did not, ever.
  [[nodiscard]] std::uint64_t false_haves(PeerId peer) const;
  void check_invariants() const;

 private:
  using Image = ScheduledImage;
  using Link = ScheduledLink;
  /// Whom to ask, how urgently, and why.
  struct Ask {
    PeerId peer{};
    wire::Priority priority{};
    FetchReason reason{};
  };
  using PerPeer = std::map<PeerId, std::vector<BlockRange>>;

  Image& at(const ImageId& image);
  void dispatch(TimePoint now);
  void dispatch_demand(const ImageId& id, Image& image, TimePoint now);
  bool assign(Image& image, ImageSchedule::Read& read, PerPeer& assigned, std::uint64_t& room);
  [[nodiscard]] bool awaits_clearing(const std::vector<PeerId>& holders,
                                     const MoneyLedger& money) const;
  [[nodiscard]] BlockCount keep_affordable(std::vector<PeerId>& holders, const MoneyLedger& money,
                                           BlockCount blocks) const;
  void dispatch_nodes(const ImageId& id, Image& image, std::optional<PeerId> preferred,
                      wire::Priority at_least, TimePoint now);
  void fill_links(wire::Priority priority, bool only_urgent, TimePoint now);
  bool fill(PeerId peer, Link& link, wire::Priority priority, bool only_urgent, TimePoint now);
  bool send_one(const ImageId& id, Image& image, PeerId peer, Link& link, wire::Priority priority,
                TimePoint now);
  [[nodiscard]] static bool is_urgent(const Image& image);
  [[nodiscard]] static BlockCount request_size(const Link& link, wire::Priority priority,
                                               bool urgent, BlockCount limit, TimePoint now);
  [[nodiscard]] BlockCount within_caps(Image& image, wire::Priority priority, TimePoint now);
  [[nodiscard]] Picked pick(const Image& image, PeerId peer, wire::Priority priority,
                            BlockCount limit) const;
  void plan_if_due(const ImageId& id, Image& image, TimePoint now);
  [[nodiscard]] static plan::Goal goal_of_plan(const Image& image, const PlanRequest& request);
  [[nodiscard]] static bool awaits_offers(const Image& image);
  [[nodiscard]] bool is_short_of_money(const Image& image) const;
  [[nodiscard]] double ingress(const Image& image) const;
  void install(Image& image, const PlanQueues::Queues& queues);
  void recall_what_is_late(Image& image);
  void holders_changed();
  [[nodiscard]] std::vector<LinkPace> lively_holders(const Image& image) const;
  [[nodiscard]] std::vector<LinkPace> paces() const;
  [[nodiscard]] std::optional<std::uint32_t> capped_site(const PeerLinkInfo& info) const;
  void send(const ImageId& id, Image& image, Ask ask, const std::vector<BlockRange>& ranges,
            TimePoint now);
  void send(const ImageId& id, Image& image, Ask ask, const std::vector<BlockRange>& ranges,
            bool by_digest, TimePoint now);
  void send_demanded_nodes(const ImageId& id, Image& image, PeerId peer, TimePoint now);
  void spread_nodes(const ImageId& id, Image& image, std::vector<PeerId> peers,
                    wire::Priority priority, TimePoint now);
  bool send_nodes(const ImageId& id, Image& image, PeerId peer, wire::Priority at_least,
                  std::size_t most, TimePoint now);
  [[nodiscard]] std::uint64_t nodes_in_flight(PeerId peer) const;
  [[nodiscard]] double seconds_for_nodes(PeerId peer, std::uint64_t nodes) const;
  void demand_nodes(Image& image, std::span<const TreeNode> nodes, TimePoint now);
  void leave_late_nodes(TimePoint now);
  void end_node_fetch(NodeFetchId id, bool lacks, TimePoint now);
  template <class Which>
  void drop_node_fetches(Which which) {
    std::erase_if(node_fetches_, [&](const auto& entry) {
      const NodeFetch& fetch = entry.second;
      if (!which(fetch)) return false;
      Image& image = at(fetch.image);
      image.schedule.nodes.failed(entry.first);
      image.money.lost(fetch.price, fetch.nodes);
      return true;
    });
  }
  void ask_haves(const ImageId& id, Image& image, TimePoint now);
  void ask_have(const ImageId& id, Image& image, PeerId peer, wire::Priority priority,
                const RangeSet& scope, bool sample);
  [[nodiscard]] RangeSet unheld(Image& image, wire::Priority priority);
  [[nodiscard]] std::optional<HaveLink> best_of_image(const Image& image) const;
  [[nodiscard]] static bool is_idle_early(const Image& image, PeerId peer);
  [[nodiscard]] bool haves_pending(const ImageId& image) const;
  void haves_due();
  void note_promises(PeerId peer, BlockCount kept, BlockCount broken);
  void raise(Image& image, FetchId fetch, TimePoint now);
  /// Ends a fetch, keeping the books of link and money; its blocks are wanted again. `sent`: what
  /// it has not brought may have been sent all the same.
  std::vector<BlockRange> end_fetch(Image& image, FetchId id, bool sent = true);
  /// Ends them and tells the peers.
  void leave(Image& image, std::span<const FetchId> fetches);
  void find_stalled(TimePoint now);
  void leave_stalled(PeerId peer);
  /// It has not stalled; it may have lately.
  [[nodiscard]] bool is_alive(PeerId peer) const;
  [[nodiscard]] bool has_lively_holder(const Place& place) const;
  [[nodiscard]] std::vector<PeerId> usable(const std::vector<PeerId>& holders) const;
  [[nodiscard]] SourceState source(PeerId peer, const PerPeer& assigned) const;
  // Duplicates, accounts, money: scheduler_duplicates.cpp.
  [[nodiscard]] TimePoint hedge_at(const ImageSchedule::Fetch& fetch) const;
  [[nodiscard]] static bool may_be_hedged(const ImageSchedule::Fetch& fetch);
  void hedge(const ImageId& id, Image& image, TimePoint now);
  void hedge(const ImageId& id, Image& image, FetchId late, TimePoint now);
  [[nodiscard]] std::optional<PeerId> other_holder(const Image& image, PeerId apart_from,
                                                   BlockIndex block) const;
  void repeat_tail(PeerId peer, Link& link, TimePoint now);
  [[nodiscard]] std::vector<BlockRange> tail(const Image& image, PeerId peer,
                                             const Link& link) const;
  [[nodiscard]] static std::vector<BlockRange> repeatable(const Image& image, PeerId peer,
                                                          const RangeSet& blocks, BlockCount most);
  void cancel_overtaken(Image& image);
  void count(Image& image, const ImageSchedule::Fetch& fetch, BlockCount useful, BlockCount wasted);
  void note_demand(ImageSchedule& schedule, FetchId id, BlockCount blocks, TimePoint now);
  [[nodiscard]] double price(PeerId peer) const;
  [[nodiscard]] BlockCount affordable(const Image& image, PeerId peer) const;
  void complete(std::span<const FetchTicket> tickets);
  [[nodiscard]] std::uint64_t busy() const;

  SchedulerLimits limits_;
  std::unique_ptr<SourceChoice> choice_;
  std::unique_ptr<PrefetchOrder> order_;
  std::map<ImageId, Image> images_;
  std::map<PeerId, Link> links_;  // connected peers
  std::map<FetchId, ImageId> fetches_;
  std::map<FetchId, double> prices_;  // when they were sent; of those that cost
  std::map<NodeFetchId, NodeFetch> node_fetches_;
  std::map<HaveId, HaveQuery> have_queries_;
  std::map<PeerId, HaveTrust> trust_;  // outlives connections, as bans do
  std::map<PeerId, PeerLinkInfo> link_info_;
  OwnLinkInfo own_link_;
  TokenBucket node_cap_{least_of_a_cap};  // wire
  std::map<PeerId, SourceCounts> counts_;
  double hedge_credit_ = 256;  // blocks
  std::uint64_t last_fetch_ = 0;
  std::uint64_t last_node_fetch_ = 0;
  std::uint64_t last_have_ = 0;
  std::uint64_t last_plan_ = 0;
  ImageId last_served_;   // demand: images take turns when the bound is reached
  PeerId last_filled_{};  // the rest: links take turns when a cap is
  std::vector<Command> commands_;
};

}  // namespace weft::fetcher
