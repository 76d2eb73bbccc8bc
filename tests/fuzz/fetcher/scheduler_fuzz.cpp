// SPDX-License-Identifier: Apache-2.0
// The scheduler under any order of events, three bytes each: its invariants hold after every one.
#include "fetcher/schedule/scheduler.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

using namespace weft;
using namespace weft::fetcher;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Scheduler s({.in_flight = BlockCount(64)});
  const ImageId id;
  s.add_image(id, BlockCount(256));
  TimePoint now{std::chrono::hours(1)};
  std::vector<SendBlocks> sent(1);
  std::vector<SendNodes> asked(1);
  std::vector<AskHave> haves(1);
  std::uint64_t ticket = 0;
  const std::span<const std::uint8_t> in(data, std::min<std::size_t>(size, 3 * 400));
  for (std::size_t at = 0; at + 3 <= in.size(); at += 3) {
    const unsigned b = in[at + 1];
    const unsigned c = in[at + 2];
    const PeerId peer{b % 3U};
    const std::vector r{BlockRange{BlockIndex(b), BlockCount(1 + c % (256U - b))}};
    const std::vector n{TreeShape::leaf_of(r[0].first)};
    const SendBlocks& fetch = sent[b % sent.size()];
    const Scheduler::Answer answer{c % 4 == 0 ? r : fetch.ranges, {}, 99, c % 2 == 0};
    const std::function<void()> events[] = {
        [&] { s.peer_up(peer); },
        [&] { s.peer_down(peer, now); },
        [&] { s.holding(peer, id, Scheduler::Holding::complete, now); },
        [&] { c % 2 != 0 ? s.holding(peer, id, r, {}, now) : s.holding(peer, id, {}, r, now); },
        [&] { s.ban(peer, id, now); },
        [&] { s.read(id, {FetchTicket{++ticket}, r[0], r, n, now + Duration(c), c > 9}, now); },
        [&] { s.cancel(id, FetchTicket{b}); },
        [&] { s.want(id, r, n, wire::Priority::prefetch, now); },
        [&] { (void)s.answered(fetch.id, answer, now); },
        [&] { s.failed(fetch.id, c % 2 == 0, now); },
        [&] { s.landed(id, r, now); },
        [&] { s.rejected(id, r, now); },
        [&] { (void)s.nodes_answered(asked[b % asked.size()].id, n, now); },
        [&] { s.answers_haves(peer, now); },
        [&] { s.have_answered(haves[b % haves.size()].id, r, now); },
        [&] { s.have_failed(haves[b % haves.size()].id, now); },
        [&] { s.tick(now += std::chrono::milliseconds(c * 20)); },
    };
    events[in[at] % std::size(events)]();
    for (Command& command : s.take_commands()) {
      if (auto* blocks = std::get_if<SendBlocks>(&command)) sent.push_back(std::move(*blocks));
      if (auto* nodes = std::get_if<SendNodes>(&command)) asked.push_back(std::move(*nodes));
      if (auto* have = std::get_if<AskHave>(&command)) haves.push_back(std::move(*have));
    }
    s.check_invariants();
  }
  return 0;
}
