// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sender.h"

#include <algorithm>
#include <utility>

namespace weft::sim {

using fetcher::FetchId;
using fetcher::RangeSet;
using fetcher::wire::Priority;

std::size_t Content::wire_bytes(BlockRange range) const {
  std::size_t bytes = 0;
  for (std::uint64_t at = range.first.value(); at < range.end().value();) {
    const std::uint64_t region = at / 32;
    const std::uint64_t to = std::min((region + 1) * 32, range.end().value());
    bytes += (to - at) * (1200 + (region * 0x9e3779b97f4a7c15U >> 40U) % 1200);
    at = to;
  }
  return bytes;
}

void Sender::add(FetchId fetch, std::vector<BlockRange> ranges, Priority priority) {
  requests_.push_back({fetch, priority, {ranges.begin(), ranges.end()}});
}

void Sender::raise(FetchId fetch) {
  for (Request& request : requests_) {
    if (request.fetch == fetch) request.priority = Priority::demand;
  }
}

void Sender::cancel(FetchId fetch) {
  std::erase_if(requests_, [fetch](const Request& r) { return r.fetch == fetch; });
}

std::optional<Batch> Sender::next(const RangeSet& held, const Content& content) {
  constexpr std::size_t frame_bytes = 60;  // header, trailer, ranges
  const auto first = std::ranges::min_element(requests_, {}, &Request::priority);
  if (first == requests_.end()) return std::nullopt;
  Request request = std::move(*first);
  requests_.erase(first);

  Batch batch;
  batch.fetch = request.fetch;
  batch.wire_bytes = frame_bytes;
  BlockCount room(fetcher::wire::blocks_per_batch);
  while (!request.left.empty() && room > BlockCount(0)) {
    BlockRange& front = request.left.front();
    const auto here = held.first_within(front);
    const BlockIndex from = here ? here->first : front.end();
    if (from > front.first) {
      batch.absent.push_back(BlockRange::between(front.first, from));
      front = BlockRange::between(from, front.end());
    } else {
      const BlockRange taken{front.first, std::min(here->count, room)};
      batch.blocks.push_back(taken);
      batch.wire_bytes += content.wire_bytes(taken);
      room -= taken.count;
      front = BlockRange::between(taken.end(), front.end());
    }
    if (front.empty()) request.left.pop_front();
  }
  batch.last = request.left.empty();
  if (!batch.last) {
    // A turn each; but prefetch keeps its place.
    const bool in_turn = request.priority == Priority::prefetch;
    const auto place = in_turn ? requests_.begin() : requests_.end();
    requests_.insert(place, std::move(request));
  }
  return batch;
}

}  // namespace weft::sim
