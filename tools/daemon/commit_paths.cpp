// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/commit_paths.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weft::tools {
namespace {

// Blocks asked for at once.
constexpr std::size_t at_once = 256;
// Leaves of the tree that are fetched for the sake of others: 8 GiB of data have so many.
constexpr std::size_t most_leaves = 16384;
constexpr Duration patience_for_leaves = std::chrono::seconds(30);

struct Waiting {
  fetcher::FetchTicket ticket;
  std::future<Result<fetcher::FetchOutcome>> outcome;
};

Waiting ask(fetcher::BlockFetcher& fetcher, const std::shared_ptr<LocalImage>& image,
            BlockIndex block, TimePoint deadline) {
  // The fetcher may still hold what it calls when nobody waits any more.
  auto promise = std::make_shared<std::promise<Result<fetcher::FetchOutcome>>>();
  auto outcome = promise->get_future();
  const auto ticket = fetcher.read(
      {.image = image, .range = {block, BlockCount(1)}, .deadline = deadline, .hold = true},
      [promise](Result<fetcher::FetchOutcome> result) { promise->set_value(std::move(result)); });
  return {ticket, std::move(outcome)};
}

Result<void> await(Waiting& waiting, fetcher::BlockFetcher& fetcher, const std::stop_token& stop) {
  while (waiting.outcome.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready) {
    if (stop.stop_requested()) fetcher.cancel(waiting.ticket);
  }
  WEFT_TRY(const auto outcome, waiting.outcome.get());
  return {};
}

Result<void> fetch(const std::vector<BlockIndex>& blocks, const std::shared_ptr<LocalImage>& image,
                   fetcher::BlockFetcher& fetcher, TimePoint deadline,
                   const std::stop_token& stop) {
  std::vector<Waiting> waiting;
  for (const BlockIndex block : blocks)
    waiting.push_back(ask(fetcher, image, block, deadline));
  Result<void> all;
  for (auto& one : waiting) {
    if (!all) fetcher.cancel(one.ticket);
    if (auto got = await(one, fetcher, stop); !got && all) all = std::move(got);
  }
  return all;
}

}  // namespace

Result<void> fetch_commit_paths(DiskCommit& commit, fetcher::BlockFetcher& fetcher,
                                TimePoint deadline, const std::stop_token& stop) {
  for (std::vector<BlockIndex> before;;) {
    WEFT_TRY(auto blocks, commit.needed(at_once));
    if (blocks.empty()) break;
    if (stop.stop_requested()) return fail(Errc::cancelled, Operation::commit);
    if (steady_clock().now() >= deadline) return fail(Errc::deadline_passed, Operation::commit);
    // A block that came brings the nodes above it, unless they cannot be stored or are damaged
    // here.
    if (blocks == before) {
      return fail(Errc::not_resident, Operation::commit,
                  "the tree of the image below, above block " +
                      std::to_string(blocks.front().value()) +
                      ", cannot be completed here; see the log for why");
    }
    WEFT_CHECK(fetch(blocks, commit.base(), fetcher, deadline, stop));
    before = std::move(blocks);
  }
  const TimePoint enough = std::min(deadline, steady_clock().now() + patience_for_leaves);
  for (std::size_t asked = 0; asked < most_leaves; asked += at_once) {
    WEFT_TRY(const auto blocks, commit.missing_leaves(at_once));
    if (blocks.empty()) break;
    const auto got = fetch(blocks, commit.base(), fetcher, enough, stop);
    if (stop.stop_requested()) return got;
    if (got) continue;
    spdlog::warn(
        "commit: the rest of the tree is not here ({}); peers cannot take all of the new "
        "image from this node",
        got.error().message());
    break;
  }
  return {};
}

}  // namespace weft::tools
