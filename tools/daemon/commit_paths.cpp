// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/commit_paths.h"

#include <chrono>
#include <future>
#include <memory>
#include <utility>
#include <vector>

namespace weft::tools {
namespace {

// Blocks asked for at once.
constexpr std::size_t at_once = 256;

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

}  // namespace

Result<void> fetch_commit_paths(DiskCommit& commit, fetcher::BlockFetcher& fetcher,
                                TimePoint deadline, const std::stop_token& stop) {
  for (;;) {
    WEFT_TRY(const auto blocks, commit.needed(at_once));
    if (blocks.empty()) return {};
    std::vector<Waiting> waiting;
    for (const BlockIndex block : blocks)
      waiting.push_back(ask(fetcher, commit.base(), block, deadline));
    Result<void> all;
    for (auto& one : waiting) {
      if (!all) fetcher.cancel(one.ticket);
      if (auto got = await(one, fetcher, stop); !got && all) all = std::move(got);
    }
    WEFT_CHECK(std::move(all));
  }
}

}  // namespace weft::tools
