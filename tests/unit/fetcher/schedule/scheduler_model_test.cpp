// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fetcher/schedule/scheduler_fixture.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <map>
#include <random>
#include <set>

namespace weft::fetcher::testing {
namespace {

/// Peers with random holdings that answer, lie, lack, stall, leave and come back, on virtual time.
/// The model knows what is readable and checks every command against the rules. Peers 4 … 6 hold
/// blocks in other images, and say so when asked; the last two do not have the image at all.
class SchedulerModel : public SchedulerTest {
 protected:
  static constexpr std::size_t width = 300;
  using Bits = std::bitset<width>;
  static constexpr std::uint32_t peer_count = 6;
  struct Peer {
    bool up = false;
    bool banned = false;
    Bits holds;     // in the image
    Bits others;    // in other images
    Bits promised;  // by its have answers
    std::vector<AskHave> questions;
    std::vector<SendBlocks> queue;
  };

  void start(std::uint32_t seed) {
    random.seed(seed);
    for (std::uint32_t i = 1; i <= peer_count; ++i) {
      Peer& peer = peers[PeerId{i}];
      for (std::size_t bit = 0; bit < width; ++bit) {
        peer.holds.set(bit, i == 1 || (i <= 4 && chance(60)));
        peer.others.set(bit, i >= 4 && chance(50));
      }
    }
  }

  bool chance(unsigned percent) { return random() % 100 < percent; }
  std::uint64_t below(std::uint64_t n) { return random() % n; }
  PeerId some_peer() { return PeerId{static_cast<std::uint32_t>(1 + below(peer_count))}; }

  /// Takes new commands into the model.
  void absorb() {
    step();
    for (Command& command : commands) {
      if (auto* sent = std::get_if<SendBlocks>(&command)) absorb(*sent);
      if (auto* asked = std::get_if<AskHave>(&command)) {
        Peer& peer = peers.at(asked->peer);
        ASSERT_TRUE(peer.up) << "asked a peer that is gone";
        for (const BlockRange& range : asked->blocks)
          for (BlockIndex b = range.first; b < range.end(); ++b)
            ASSERT_FALSE(readable.test(b.value())) << "asked about what is here";
        peer.questions.push_back(std::move(*asked));
      }
      if (auto* cancelled = std::get_if<CancelFetch>(&command)) {
        drop(peers.at(cancelled->peer), cancelled->id);
      }
      if (auto* done = std::get_if<CompleteRead>(&command)) {
        const auto read = waiting.extract(done->ticket);
        ASSERT_FALSE(read.empty()) << "a read was answered twice";
        ASSERT_TRUE((read.mapped().first & ~readable).none()) << "answered too early";
      }
      if (auto* failed = std::get_if<FailRead>(&command)) {
        const auto read = waiting.extract(failed->ticket);
        ASSERT_FALSE(read.empty()) << "a read was answered twice";
        ASSERT_LE(read.mapped().second, now) << "failed before its deadline";
        ASSERT_FALSE(readable.test(failed->first_missing.value()));
      }
    }
    commands.clear();
  }
  void absorb(SendBlocks& sent) {
    Peer& peer = peers.at(sent.peer);
    ASSERT_TRUE(peer.up) << "asked a peer that is gone";
    ASSERT_FALSE(peer.banned) << "asked a banned peer";
    for (const BlockRange& range : sent.ranges) {
      for (BlockIndex b = range.first; b < range.end(); ++b) {
        ASSERT_FALSE(readable.test(b.value())) << "asked for what is here";
        const bool again = scheduler.fetch(sent.id)->reason == FetchReason::duplicate;
        ASSERT_LE(flights[b.value()], late.test(b.value()) ? 3
                                      : again              ? 1
                                                           : 0)
            << "asked for a block too often";
        ASSERT_FALSE(again && flights[b.value()] == 0) << "a second flight without a first";
        if (sent.by_digest) {
          ASSERT_TRUE(peer.promised.test(b.value())) << "asked for what was not promised";
        } else {
          ASSERT_TRUE(peer.holds.test(b.value())) << "asked for what it does not announce";
        }
        ++flights[b.value()];
      }
    }
    peer.queue.push_back(std::move(sent));
  }
  void drop(Peer& peer, FetchId id) {
    std::erase_if(peer.queue, [&](const SendBlocks& s) {
      if (s.id == id) forget(s.ranges);
      return s.id == id;
    });
  }
  void forget(const std::vector<BlockRange>& left) {
    for (const BlockRange& range : left) {
      for (BlockIndex b = range.first; b < range.end(); ++b) {
        if (--flights[b.value()] == 0) late.reset(b.value());
      }
    }
  }

  void new_read() {
    const std::uint64_t first = below(width);
    const BlockRange range = blocks(first, 1 + below(std::min<std::uint64_t>(20, width - first)));
    std::vector<BlockRange> missing;
    Bits bits;
    for (BlockIndex b = range.first; b < range.end(); ++b) {
      if (readable.test(b.value())) continue;
      bits.set(b.value());
      missing.push_back({b, BlockCount(1)});
    }
    if (missing.empty()) return;
    const FetchTicket ticket{++last_ticket};
    const TimePoint deadline = now + std::chrono::milliseconds(below(20'000));
    waiting[ticket] = {bits, deadline};
    scheduler.read(image, {ticket, range, missing, {}, deadline, true}, now);
    absorb();
  }

  void peer_answers(PeerId id) {
    Peer& peer = peers.at(id);
    if (!peer.up || peer.queue.empty()) return;
    SendBlocks& request = peer.queue.front();
    const BlockRange range = request.ranges.front();
    request.ranges.erase(request.ranges.begin());
    Scheduler::Answer answer{{}, {}, 2000, request.ranges.empty()};
    for (BlockIndex b = range.first; b < range.end(); ++b) {
      const Bits& held = request.by_digest ? peer.others : peer.holds;
      const bool has = held.test(b.value()) && !chance(3);
      (has ? answer.blocks : answer.absent).push_back({b, BlockCount(1)});
    }
    forget({range});
    const FetchId fetch = request.id;
    if (answer.last) peer.queue.erase(peer.queue.begin());
    const bool lies = id != PeerId{1} && chance(1) && chance(30);
    if (lies && !answer.blocks.empty()) answer.blocks.push_back(answer.blocks.front());
    const auto verdict = scheduler.answered(fetch, answer, now);
    if (verdict == Scheduler::Verdict::fine) {
      for (const BlockRange& b : answer.blocks) {
        on_the_way.set(b.first.value());
        if (flights[b.first.value()] > 0) late.set(b.first.value());
      }
      absorb();
      return land_some(answer.blocks);
    }
    ASSERT_EQ(verdict, Scheduler::Verdict::unasked);
    absorb();
    peer.banned = true;
    scheduler.ban(id, image, now);
    for (const SendBlocks& s : peer.queue)
      forget(s.ranges);
    peer.queue.clear();
    absorb();
  }
  void peer_says_what_it_has(PeerId id) {
    Peer& peer = peers.at(id);
    if (peer.questions.empty()) return;
    const AskHave question = peer.questions.front();
    peer.questions.erase(peer.questions.begin());
    if (chance(5)) {
      scheduler.have_failed(question.id, now);
      return absorb();
    }
    std::vector<BlockRange> held;
    for (const BlockRange& range : question.blocks) {
      for (BlockIndex b = range.first; b < range.end(); ++b) {
        if (!peer.others.test(b.value()) && !chance(2)) continue;
        held.push_back({b, BlockCount(1)});
        peer.promised.set(b.value());
      }
    }
    scheduler.have_answered(question.id, held, now);
    absorb();
  }
  void land_some(const std::vector<BlockRange>& arrived) {
    for (const BlockRange& b : arrived) {
      on_the_way.reset(b.first.value());
      if (chance(2)) {
        scheduler.rejected(image, std::vector{b}, now);
      } else {
        readable.set(b.first.value());
        scheduler.landed(image, std::vector{b}, now);
      }
      absorb();
    }
  }
  void peer_flips(PeerId id) {
    Peer& peer = peers.at(id);
    if (peer.up) {
      peer.up = false;
      for (const SendBlocks& s : peer.queue)
        forget(s.ranges);
      peer.queue.clear();
      peer.questions.clear();
      peer.promised.reset();
      scheduler.peer_down(id, now);
      return absorb();
    }
    peer.up = true;
    scheduler.peer_up(id);
    std::vector<BlockRange> held;
    for (std::size_t bit = 0; bit < width; ++bit) {
      if (peer.holds.test(bit)) held.push_back(blocks(bit, 1));
    }
    if (held.empty()) {
      scheduler.holding(id, image, Scheduler::Holding::empty, now);
    } else {
      scheduler.holding(id, image, held, {}, now);
    }
    if (peer.others.any()) scheduler.answers_haves(id, now);
    absorb();
  }
  void lose_a_block() {  // its check failed: it must be fetched again
    const std::size_t block = below(width);
    for (const auto& [ticket, read] : waiting) {
      if (read.first.test(block)) return;
    }
    if (!on_the_way.test(block) && flights[block] == 0) readable.reset(block);
  }
  void prefetch_some() {
    std::vector<BlockRange> missing;
    for (std::size_t bit = below(width); bit < width && missing.size() < 40; ++bit) {
      if (!readable.test(bit)) missing.push_back(blocks(bit, 1));
    }
    scheduler.want(image, missing, {}, wire::Priority::prefetch, now);
    absorb();
  }

  void new_plan() {
    PlanQueues::Queues queues;
    for (std::uint64_t at = 0; at < width; at += 1 + below(60)) {
      queues[some_peer()].push_back(
          {blocks(at, 1 + below(60)), static_cast<std::uint8_t>(1 + below(3))});
    }
    scheduler.install_plan(image, queues, now);
    absorb();
  }

  std::mt19937 random;
  std::map<PeerId, Peer> peers;
  Bits readable;
  Bits on_the_way;  // landing
  std::array<int, width> flights{};
  Bits late;  // of these, one has arrived, so the others are of no use any more
  std::map<FetchTicket, std::pair<Bits, TimePoint>> waiting;
};

class SchedulerModelSeeds : public SchedulerModel, public ::testing::WithParamInterface<int> {};

TEST_P(SchedulerModelSeeds, keeps_every_promise_among_unreliable_peers) {
  start(static_cast<std::uint32_t>(GetParam()));
  for (int i = 0; i < 4000 && !HasFatalFailure(); ++i) {
    switch (below(16)) {
      case 0:
      case 1:
      case 2:
        new_read();
        break;
      case 3:
        if (!waiting.empty() && chance(30)) {
          const FetchTicket ticket = waiting.begin()->first;
          waiting.erase(ticket);
          scheduler.cancel(image, ticket);
          absorb();
        }
        break;
      case 4:
        if (chance(20)) peer_flips(some_peer());
        break;
      case 5:
        prefetch_some();
        if (chance(30)) new_plan();
        break;
      case 6:
        now += std::chrono::milliseconds(below(400));
        scheduler.tick(now);
        absorb();
        break;
      case 7:
        lose_a_block();
        break;
      case 8:
      case 9:
        peer_says_what_it_has(some_peer());
        break;
      default:
        peer_answers(some_peer());
    }
  }
  // In the end the origin is there and tells the truth: everything waited for arrives.
  for (auto& [id, peer] : peers) {
    if (peer.up != (id == PeerId{1})) peer_flips(id);
  }
  for (int i = 0; i < 5000 && !waiting.empty() && !HasFatalFailure(); ++i) {
    now += std::chrono::milliseconds(10);
    scheduler.tick(now);
    absorb();
    peer_answers(PeerId{1});
  }
  EXPECT_TRUE(waiting.empty());
}

TEST_P(SchedulerModelSeeds, what_peers_hold_in_other_images_is_enough) {
  start(static_cast<std::uint32_t>(GetParam()));
  Peer& five = peers.at(PeerId{5});
  Peer& six = peers.at(PeerId{6});
  six.others = ~five.others;
  for (const PeerId id : {PeerId{5}, PeerId{6}})
    peer_flips(id);
  scheduler.want(image, std::vector{blocks(0, width)}, {}, wire::Priority::prefetch, now);
  absorb();
  for (int i = 0; i < 20'000 && !readable.all() && !HasFatalFailure(); ++i) {
    now += std::chrono::milliseconds(20);
    scheduler.tick(now);
    absorb();
    for (const PeerId id : {PeerId{5}, PeerId{6}}) {
      if (five.banned || six.banned) return;  // it lied about what it sent: nobody else has it
      peer_says_what_it_has(id);
      peer_answers(id);
    }
  }
  EXPECT_TRUE(readable.all());
}

INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerModelSeeds, ::testing::Range(0, 40));

}  // namespace
}  // namespace weft::fetcher::testing
