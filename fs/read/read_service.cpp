// SPDX-License-Identifier: Apache-2.0
#include "fs/read/read_service.h"

#include "fs/read/change_probe.h"
#include "fs/read/loose_overlay.h"
#include "fs/read/page_buffer.h"
#include "fs/read/pending_reads.h"
#include "fs/read/process_state.h"
#include "fs/read/rate_limit.h"
#include "fs/read/read_probe.h"
#include "fs/record/touch_log.h"
#include "indexer/core/mutex.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace weft::fs {
namespace {

/// A block may fail its check again after it was fetched (an in-place file that is being
/// overwritten). More than a few times in one read is a source that will not hold still.
constexpr unsigned max_fetches = 4;

/// Before that the kernel's own interrupt has had its chance, and /proc need not be asked.
constexpr Duration reap_after = std::chrono::seconds(1);

/// The fetcher keeps deadlines; this catches one that does not.
constexpr Duration deadline_grace = std::chrono::seconds(5);

}  // namespace

class ReadService::State : public std::enable_shared_from_this<State> {
 public:
  State(std::shared_ptr<LocalImage> image, fetcher::BlockFetcher& fetcher,
        ReadServiceOptions options, const Clock& clock, const ProcessTable& processes)
      : image_(std::move(image)),
        fetcher_(fetcher),
        options_(std::move(options)),
        clock_(clock),
        processes_(processes),
        pending_(options_.pending_limit) {}

  void read(Reply reply, ByteOffset offset, std::size_t size) {
    const TimePoint arrived = clock_.now();
    const std::uint64_t end = image_->info().size.value();
    if (offset.value() >= end) return std::move(reply).data({});
    size = static_cast<std::size_t>(
        std::min<std::uint64_t>({size, end - offset.value(), options_.max_read}));
    if (size == 0) return std::move(reply).data({});

    const BlockRange blocks = blocks_touched(offset, ByteCount(size));
    note(blocks, arrived);
    if (readable(blocks)) {
      const std::span<std::byte> buffer = page_buffer(size);
      const Result<void> result = read_here(offset, buffer);
      if (result) {
        probe_.answered(borrows(blocks) ? ReadOrigin::borrowed : ReadOrigin::resident, size,
                        clock_.now() - arrived);
        return std::move(reply).data(buffer);
      }
      if (!result.error().is(Errc::not_resident)) {
        return fail(std::move(reply), {offset, size, arrived, arrived}, result.error());
      }
    }
    wait(std::move(reply), {.offset = offset,
                            .size = size,
                            .arrived = arrived,
                            .deadline = arrived + options_.policy.deadline});
  }

  void write(Reply reply, ByteOffset offset, std::span<const std::byte> bytes, bool durable) {
    const std::uint64_t end = disk().size().value();
    if (offset.value() >= end) return std::move(reply).error(bytes.empty() ? 0 : ENOSPC);
    bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), end - offset.value()));
    if (bytes.empty()) return std::move(reply).written(0);
    change(std::move(reply), offset, bytes.size(), bytes, durable);
  }

  void zero(Reply reply, ByteOffset offset, ByteCount length, bool durable) {
    const std::uint64_t end = disk().size().value();
    if (offset.value() >= end || length.value() == 0) return std::move(reply).error(0);
    change(std::move(reply), offset, std::min(length.value(), end - offset.value()), {}, durable);
  }

  Result<void> flush() {
    if (!options_.disk) return {};
    const TimePoint arrived = clock_.now();
    auto done = disk().flush();
    if (done) {
      changes_.flushed(clock_.now() - arrived);
    } else {
      changes_.failed();
    }
    return done;
  }

  void interrupt(RequestKey key) {
    auto found = pending_.mark_interrupted(key);
    if (found && is_abandoned(found->second, processes_)) give_up(found->first);
  }

  void tick() {
    if (!enter()) return;
    const TimePoint now = clock_.now();
    for (const PendingReads::Waiting& read : pending_.waiting())
      look_after(read, now);
    leave();
  }

  void close() {
    for (PendingRead& read : pending_.close()) {
      if (read.ticket) fetcher_.cancel(*read.ticket);
      std::move(read.reply).abandon();
    }
    const Lock lock(mutex_);
    closed_ = true;
    while (inside_ > 0)
      idle_.wait(mutex_);
  }

  [[nodiscard]] ReadStatistics statistics() const { return probe_.statistics(); }
  [[nodiscard]] ChangeStatistics changes() const { return changes_.statistics(); }
  [[nodiscard]] bool recording() const noexcept {
    return options_.touches != nullptr && options_.touches->recording();
  }

  [[nodiscard]] std::vector<WaitingRead> waiting() const {
    const TimePoint now = clock_.now();
    std::vector<WaitingRead> all;
    for (const PendingReads::Waiting& read : pending_.waiting()) {
      all.push_back({.blocks = blocks_touched(read.args.offset, ByteCount(read.args.size)),
                     .age = now - read.args.arrived,
                     .thread_id = read.reader.thread_id,
                     .ticket = read.parked ? std::nullopt : read.ticket});
    }
    return all;
  }

 private:
  [[nodiscard]] WritableDisk& disk() const { return *options_.disk; }

  [[nodiscard]] bool readable(BlockRange range) const {
    return options_.disk ? disk().readable(range) : image_->readable(range);
  }
  [[nodiscard]] Result<void> read_here(ByteOffset offset, std::span<std::byte> out) const {
    return options_.disk ? disk().read(offset, out) : image_->read(offset, out);
  }
  [[nodiscard]] Result<void> read_fetched(std::span<const fetcher::LooseBlock> loose,
                                          ByteOffset offset, std::span<std::byte> out) const {
    if (!options_.disk) return read_with_loose(*image_, loose, offset, out);
    return disk().read(offset, out, LooseBelow(*image_, loose));
  }
  /// Runs of blocks that are the image's: all of them, unless a disk lies over it.
  template <class Use>
  void each_below(BlockRange blocks, Use use) const {
    if (!options_.disk) return use(blocks);
    while (!blocks.empty()) {
      const DiskMap::Run run = disk().map().leading_run(blocks);
      if (run.place == DiskPlace::below) use(run.range);
      blocks = BlockRange::between(run.range.end(), blocks.end());
    }
  }
  /// What a guest wrote is no part of a profile of the image.
  void note(BlockRange blocks, TimePoint now) const {
    if (!recording()) return;
    each_below(blocks, [&](BlockRange below) { options_.touches->note(below, now); });
  }
  [[nodiscard]] bool borrows(BlockRange blocks) const {
    bool any = false;
    each_below(blocks, [&](BlockRange below) { any = any || image_->borrows(below); });
    return any;
  }

  [[nodiscard]] Result<void> apply(const DiskChange& change,
                                   std::span<const fetcher::LooseBlock> loose) const {
    const LooseBelow below(*image_, loose);
    std::span<const std::byte> bytes(change.bytes);
    for (const auto& [offset, size] : change.pieces) {
      if (change.zeros) {
        WEFT_CHECK(disk().zero(offset, ByteCount(size), below));
      } else {
        WEFT_CHECK(disk().write(offset, bytes.first(size), below));
        bytes = bytes.subspan(size);
      }
    }
    return change.durable ? disk().flush() : Result<void>{};
  }

  /// Writes what changes whole, which needs no other block. Only the ends are left, and kept: a
  /// guest may have hundreds of large writes wait.
  [[nodiscard]] Result<DiskChange> write_whole_blocks(ByteOffset offset,
                                                      std::span<const std::byte> bytes) const {
    const BlockRange whole = disk().whole_blocks(offset, ByteCount(bytes.size()));
    const std::uint64_t begin = offset.value();
    const std::uint64_t end = begin + bytes.size();
    const std::uint64_t from = whole.empty() ? end : offset_of(whole.first).value();
    const std::uint64_t to = whole.empty() ? end : std::min(end, offset_of(whole.end()).value());
    if (from < to)
      WEFT_CHECK(disk().write(ByteOffset(from), bytes.subspan(from - begin, to - from)));
    DiskChange ends;
    const auto keep = [&](std::uint64_t at, std::uint64_t until) {
      if (at == until) return;
      ends.pieces.push_back({ByteOffset(at), until - at});
      const auto part = bytes.subspan(at - begin, until - at);
      ends.bytes.insert(ends.bytes.end(), part.begin(), part.end());
    };
    keep(begin, from);
    keep(to, end);
    return ends;
  }

  void confirm(Reply reply, const ReadArgs& args, bool zeros, bool waited) {
    const Duration latency = clock_.now() - args.arrived;
    if (zeros) {
      changes_.zeroed(args.size, latency, waited);
      return std::move(reply).error(0);
    }
    changes_.written(args.size, latency, waited);
    std::move(reply).written(args.size);
  }

  void change(Reply reply, ByteOffset offset, std::size_t size, std::span<const std::byte> bytes,
              bool durable) {
    const TimePoint arrived = clock_.now();
    ReadArgs args{.offset = offset,
                  .size = size,
                  .arrived = arrived,
                  .deadline = arrived + options_.policy.deadline};
    Result<void> done =
        bytes.empty() ? disk().zero(offset, ByteCount(size)) : disk().write(offset, bytes);
    if (done && durable) done = disk().flush();
    if (done) return confirm(std::move(reply), args, bytes.empty(), false);
    args.change = std::make_shared<const DiskChange>();
    if (!done.error().is(Errc::not_resident)) return fail(std::move(reply), args, done.error());
    auto left = bytes.empty() ? DiskChange{.pieces = {{offset, size}}, .bytes = {}, .zeros = true}
                              : write_whole_blocks(offset, bytes);
    if (!left) return fail(std::move(reply), args, left.error());
    left->durable = durable;
    args.change = std::make_shared<const DiskChange>(*std::move(left));
    wait(std::move(reply), std::move(args));
  }

  /// What must be fetched. Nothing is asked for that lies below a block of the disk: perhaps nobody
  /// has it any more.
  [[nodiscard]] BlockRange wanted(const ReadArgs& args) const {
    const BlockRange touched = blocks_touched(args.offset, ByteCount(args.size));
    if (!options_.disk) return touched;
    if (!args.change) return disk().missing_within(touched);
    for (const auto& [offset, size] : args.change->pieces) {
      for (const BlockIndex block : disk().missing_for(offset, ByteCount(size))) {
        if (std::ranges::count(args.loose, block, &fetcher::LooseBlock::index) == 0)
          return {block, BlockCount(1)};
      }
    }
    return {};
  }

  void wait(Reply reply, ReadArgs args) {
    const Reader reader{.thread_id = reply.thread_id()};
    PendingRead read{.reply = std::move(reply), .args = args, .reader = reader, .ticket = {}};
    const auto id = pending_.insert(read);
    if (!id) {
      return fail(std::move(read.reply), args,
                  Error{make_error_code(Errc::queue_full), Operation::fetch,
                        std::to_string(options_.pending_limit) + " reads of this mount wait"});
    }
    if (read.reader.interrupted && is_abandoned(read.reader, processes_)) return give_up(*id);
    fetch(*id);
  }

  void look_after(const PendingReads::Waiting& read, TimePoint now) {
    Reader reader = read.reader;
    if (now - read.args.arrived >= reap_after && is_abandoned(reader, processes_)) {
      return give_up(read.id);
    }
    if (reader.process_id != read.reader.process_id) {
      pending_.set_process(read.id, reader.process_id);
    }
    if (now >= read.args.deadline + (read.parked ? Duration::zero() : deadline_grace)) {
      return fail_pending(read.id, {make_error_code(Errc::deadline_passed), Operation::fetch, {}});
    }
    if (read.parked) fetch(read.id);
  }

  void give_up(PendingId id) {
    auto read = pending_.take(id);
    if (!read) return;
    if (read->ticket) fetcher_.cancel(*read->ticket);
    if (read->args.change) {
      changes_.failed();
    } else {
      probe_.interrupted(clock_.now() - read->args.arrived);
    }
    std::move(read->reply).error(EINTR);
  }

  void fetch(PendingId id) {
    const auto args = pending_.args(id);
    const auto fetches = pending_.begin_fetch(id);
    if (!args || !fetches) return;
    const BlockRange range = wanted(*args);
    if (range.empty()) return deliver(id, *fetches, {});  // written, or fetched, meanwhile
    const fetcher::FetchTicket ticket = fetcher_.read(
        {.image = image_,
         .range = range,
         .deadline = args->deadline,
         .hold = options_.policy.when_missing == WhenMissing::hold},
        [self = shared_from_this(), id, fetch = *fetches](Result<fetcher::FetchOutcome> outcome) {
          self->finished(id, fetch, std::move(outcome));
        });
    // Interrupted in between: whoever took it did not know the ticket.
    if (!pending_.set_ticket(id, *fetches, ticket)) fetcher_.cancel(ticket);
  }

  void finished(PendingId id, unsigned fetch, Result<fetcher::FetchOutcome> outcome) {
    if (!enter()) return;
    if (outcome) {
      deliver(id, fetch, *outcome);
    } else {
      give_up_or_park(id, outcome.error());
    }
    leave();
  }

  void deliver(PendingId id, unsigned fetches, const fetcher::FetchOutcome& outcome) {
    const auto args = pending_.args(id);
    if (!args) return;
    if (args->change) return deliver_change(id, fetches, outcome);
    const std::span<std::byte> buffer = page_buffer(args->size);
    const Result<void> result = read_fetched(outcome.loose, args->offset, buffer);
    if (!result && result.error().is(Errc::not_resident) && fetches < max_fetches) {
      spdlog::warn("{}: a block was lost again after it was fetched: {}; fetching it again",
                   options_.name, result.error().detail);
      find_lost_blocks(blocks_touched(args->offset, ByteCount(args->size)));
      return fetch(id);
    }
    if (!result) return fail_pending(id, result.error());
    auto read = pending_.take(id);
    if (!read) return;
    probe_.answered(origin_after_wait(outcome.origin), buffer.size(), clock_.now() - args->arrived);
    std::move(read->reply).data(buffer);
  }

  /// Taken out first: once its reply may have been sent, it must not be applied.
  void deliver_change(PendingId id, unsigned fetches, const fetcher::FetchOutcome& outcome) {
    auto pending = pending_.take(id);
    if (!pending) return;
    ReadArgs& args = pending->args;
    args.loose.insert(args.loose.end(), outcome.loose.begin(), outcome.loose.end());
    const DiskChange& change = *args.change;
    const Result<void> done = apply(change, args.loose);
    if (done) return confirm(std::move(pending->reply), args, change.zeros, true);
    if (!done.error().is(Errc::not_resident) || fetches >= 2 * max_fetches) {
      return fail(std::move(pending->reply), args, done.error());
    }
    // Its other end needs a block, too, or the block was lost again.
    if (const auto again = pending_.put_back(*pending)) return fetch(*again);
    std::move(pending->reply).abandon();  // the kernel asks a successor
  }

  /// A read stops at the first block that fails its check. Checking each brings the rest of them in
  /// one fetch, instead of one fetch for every block.
  void find_lost_blocks(BlockRange range) {
    NodeBytes ignored;
    for (BlockIndex block = range.first; block < range.end(); ++block) {
      (void)image_->read(offset_of(block), ignored);  // of a disk, what is below it
    }
  }

  /// A read on hold stays for as long as its deadline allows: the fetcher is busy, or is shutting
  /// down and a successor of this worker will answer.
  void give_up_or_park(PendingId id, const Error& error) {
    const bool may_park =
        error.is(Errc::cancelled) ||
        (error.is(Errc::queue_full) && options_.policy.when_missing == WhenMissing::hold);
    if (may_park) return pending_.park(id);
    fail_pending(id, error);
  }

  void fail_pending(PendingId id, const Error& error) {
    auto read = pending_.take(id);
    if (!read) return;
    if (read->ticket) fetcher_.cancel(*read->ticket);
    fail(std::move(read->reply), read->args, error);
  }

  void fail(Reply reply, const ReadArgs& args, const Error& error) {
    const TimePoint now = clock_.now();
    if (args.change) {
      changes_.failed();
    } else {
      probe_.failed(now - args.arrived);
    }
    const bool local = args.change && error.code.category() == std::generic_category();
    const int errno_value =
        local ? to_errno(error) : errno_of_failed_read(options_.policy.when_missing, error);
    if (const auto suppressed = log_limit_.admit(now)) {
      spdlog::error(
          "{}: {} of {} bytes at {} (block {}) failed after {} ms: {}{}", options_.name,
          args.change ? "write" : "read", args.size, args.offset.value(),
          block_of(args.offset).value(),
          std::chrono::duration_cast<std::chrono::milliseconds>(now - args.arrived).count(),
          error.message(),
          *suppressed > 0 ? " (" + std::to_string(*suppressed) + " more since)" : "");
    }
    std::move(reply).error(errno_value);
  }

  /// Threads other than the session's own are inside between `enter` and `leave`, so that `close`
  /// can wait for them. False: closed.
  [[nodiscard]] bool enter() WEFT_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    if (closed_) return false;
    ++inside_;
    return true;
  }

  void leave() WEFT_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    if (--inside_ == 0) idle_.notify_all();
  }

  // Constant after construction.
  const std::shared_ptr<LocalImage> image_;
  fetcher::BlockFetcher& fetcher_;
  const ReadServiceOptions options_;
  const Clock& clock_;
  const ProcessTable& processes_;

  // With their own synchronisation.
  PendingReads pending_;
  ReadProbe probe_;
  ChangeProbe changes_;
  RateLimit log_limit_{std::chrono::seconds(1)};

  Mutex mutex_;
  Condition idle_;
  unsigned inside_ WEFT_GUARDED_BY(mutex_) = 0;
  bool closed_ WEFT_GUARDED_BY(mutex_) = false;
};

ReadService::ReadService(std::shared_ptr<LocalImage> image, fetcher::BlockFetcher& fetcher,
                         ReadServiceOptions options, const Clock& clock,
                         const ProcessTable& processes)
    : state_(std::make_shared<State>(std::move(image), fetcher, std::move(options), clock,
                                     processes)) {}

ReadService::~ReadService() {
  close();
}

void ReadService::read(Reply reply, ByteOffset offset, std::size_t size) {
  state_->read(std::move(reply), offset, size);
}

void ReadService::write(Reply reply, ByteOffset offset, std::span<const std::byte> bytes,
                        bool durable) {
  state_->write(std::move(reply), offset, bytes, durable);
}

void ReadService::zero(Reply reply, ByteOffset offset, ByteCount length, bool durable) {
  state_->zero(std::move(reply), offset, length, durable);
}

Result<void> ReadService::flush() {
  return state_->flush();
}

void ReadService::interrupt(RequestKey key) {
  state_->interrupt(key);
}

void ReadService::tick() {
  state_->tick();
}

void ReadService::close() {
  state_->close();
}

ReadStatistics ReadService::statistics() const {
  return state_->statistics();
}

ChangeStatistics ReadService::changes() const {
  return state_->changes();
}

std::vector<WaitingRead> ReadService::waiting() const {
  return state_->waiting();
}

bool ReadService::recording() const noexcept {
  return state_->recording();
}

}  // namespace weft::fs
