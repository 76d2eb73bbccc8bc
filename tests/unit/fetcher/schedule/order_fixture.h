// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/prefetch_order.h"
#include "tests/unit/fetcher/schedule/picture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace weft::fetcher::testing {

/// What an order is offered, as pictures.
class OrderTest : public ::testing::Test {
 protected:
  static constexpr PeerId a{1};
  static constexpr PeerId b{2};
  static constexpr PeerId c{3};
  static constexpr double batch_a_second = 32.0 * block_size;

  /// A connected peer that brings so many batches a second, and holds these blocks ("" = all).
  LinkPace& peer(PeerId id, double batches, std::string_view holds = "", int rtt_ms = 0) {
    if (holds.empty()) {
      holders.complete(id);
    } else {
      holders.partial(id, ranges(holds), {});
    }
    LinkPace pace;
    pace.peer = id;
    pace.bytes_per_second = batches * batch_a_second;
    pace.round_trip = std::chrono::milliseconds(rtt_ms);
    pace.wire_bytes_per_block = block_size;
    const auto at = std::ranges::lower_bound(links, id, {}, &LinkPace::peer);
    return *links.insert(at, pace);
  }
  void want(BlockRange range) {
    wanted.add(range);
    queues.add(range);
  }
  void want(std::string_view picture) {
    for (const BlockRange& range : ranges(picture))
      want(range);
  }
  void take(BlockRange range) {
    wanted.remove(range);
    queues.remove(range);
  }
  [[nodiscard]] Offer offer(PeerId to, std::uint64_t limit) const {
    return {to, BlockCount(limit), wanted, holders, queues, links, thrifty};
  }

  RangeSet wanted;
  Holders holders;
  PlanQueues queues;
  std::vector<LinkPace> links;
  bool thrifty = false;
};

}  // namespace weft::fetcher::testing
