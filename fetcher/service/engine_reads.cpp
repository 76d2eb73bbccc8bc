// SPDX-License-Identifier: Apache-2.0
// FetchEngine: demand reads, from the ticket to the answer.
#include "fetcher/service/engine.h"
#include "fetcher/service/graft.h"

#include <algorithm>
#include <string>
#include <utility>

namespace weft::fetcher {

void FetchEngine::read(FetchTicket ticket, DemandRead request, Result<Missing> missing,
                       BlockFetcher::Done done) {
  ++statistics_.reads;
  const auto refuse = [&](Error error) {
    ++statistics_.reads_failed;
    answer(std::move(done), std::unexpected(std::move(error)));
  };
  if (stopping_) {
    return refuse(
        {make_error_code(Errc::cancelled), Operation::fetch, "the node is shutting down"});
  }
  if (!missing) return refuse(std::move(missing).error());
  if (tickets_.size() >= options_.max_waiting_reads) {
    return refuse({make_error_code(Errc::queue_full), Operation::fetch,
                   std::to_string(tickets_.size()) + " reads are waiting already"});
  }
  // What landed since the caller looked has been reported to the scheduler, or will not be.
  std::vector<BlockRange> blocks = not_readable(*request.image, missing->blocks);
  if (blocks.empty()) {
    waits_.record(Duration(0));
    return answer(std::move(done), FetchOutcome{});
  }
  const State state = care_for(request.image);
  const ImageId id = state->id();
  const TimePoint now = timers_.now();
  tickets_.emplace(ticket, id);
  state->waiters.emplace(ticket, Waiter{std::move(done), request.range, now, {}});
  const bool joined = scheduler_.read(id,
                                      {.ticket = ticket,
                                       .range = request.range,
                                       .missing = std::move(blocks),
                                       .nodes = std::move(missing->nodes),
                                       .deadline = request.deadline,
                                       .hold = request.hold},
                                      now);
  if (joined) ++statistics_.reads_joined;
  drain();
}

void FetchEngine::cancel(FetchTicket ticket) {
  if (!tickets_.contains(ticket)) return;
  finish_read(ticket, Error{make_error_code(Errc::cancelled), Operation::fetch, {}});
  drain();
}

/// Ends a read: complete without `error`.
void FetchEngine::finish_read(FetchTicket ticket, std::optional<Error> error) {
  const auto found = tickets_.find(ticket);
  if (found == tickets_.end()) return;
  const State state = find(found->second);
  tickets_.erase(found);
  auto entry = state->waiters.extract(ticket);
  Waiter& waiter = entry.mapped();
  if (error) {
    ++statistics_.reads_failed;
    scheduler_.cancel(state->id(), ticket);
    answer(std::move(waiter.done), std::unexpected(std::move(*error)));
  } else {
    waits_.record(timers_.now() - waiter.since);
    answer(std::move(waiter.done), FetchOutcome{std::move(waiter.loose), waiter.origin});
  }
  release_if_idle(state);
}

/// Blocks have come, or can be read now because of tree nodes that have. Called before the schedule
/// forgets who waits for them.
void FetchEngine::note_origin(const State& state, PeerId from, std::span<const BlockRange> ranges) {
  if (state->waiters.empty() || ranges.empty()) return;
  const BlockOrigin origin = origin_of(from);
  const auto& reads = scheduler_.image(state->id())->reads();
  for (auto& [ticket, waiter] : state->waiters) {
    if (waiter.origin >= origin) continue;
    const auto read = reads.find(ticket);
    const bool concerned =
        read != reads.end() && std::ranges::any_of(ranges, [&](const BlockRange& range) {
          return read->second.outstanding.overlaps(range);
        });
    if (concerned) waiter.origin = origin;
  }
}

void FetchEngine::answer(BlockFetcher::Done done, Result<FetchOutcome> outcome) {
  auto task = std::make_shared<Offload::Task>(
      [done = std::move(done), outcome = std::move(outcome)]() mutable {
        done(std::move(outcome));
      });
  if (!tasks_.spawn("answer a read", answer_on_worker(task))) (*task)();
}

Awaitable<void> FetchEngine::answer_on_worker(std::shared_ptr<Offload::Task> task) {
  const bool ran = co_await workers_.run([task] { (*task)(); });
  // The workers have stopped before the fetcher: the reader must get its answer all the same.
  if (!ran) (*task)();
}

Error FetchEngine::describe(const FailRead& command) const {
  std::string detail = "block " + std::to_string(command.first_missing.value()) + " of image " +
                       to_hex(command.image) + ": ";
  if (command.too_dear) {
    detail += "what is left of the job's budget does not pay for it; raise the budget";
  } else if (command.tried.empty()) {
    detail += peers_.connected().empty() ? "no peer is connected" : "no connected peer holds it";
  } else {
    detail += "tried";
    for (const PeerId peer : command.tried)
      detail += " " + peers_.address(peer);
  }
  return {make_error_code(command.why), Operation::fetch, std::move(detail)};
}

void FetchEngine::perform(const CompleteRead& command) {
  finish_read(command.ticket, {});
}

void FetchEngine::perform(const FailRead& command) {
  finish_read(command.ticket, describe(command));
}

void FetchEngine::perform(const LookAhead& command) {
  const State state = find(command.image);
  if (state) spawn_for(state, "look ahead", look_ahead(state, command.range));
}

Awaitable<void> FetchEngine::look_ahead(State state, BlockRange range) {
  const auto look = [state, range, relatives = options_.relatives] {
    resolve_missing(*state->image, range);
    return look_up_missing(*state->image, range, relatives.get());
  };
  const Result<Missing> found = co_await run_on_worker(workers_, look);
  if (!found || stopping_ || find(state->id()) != state) co_return;
  scheduler_.want(state->id(), not_readable(*state->image, found->blocks), found->nodes,
                  wire::Priority::readahead, timers_.now());
  drain();
}

}  // namespace weft::fetcher
