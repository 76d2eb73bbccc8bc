// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "fs/read/process_state.h"
#include "fs/read/read_statistics.h"
#include "fs/read/reply.h"
#include "indexer/core/clock.h"
#include "indexer/core/mutex.h"
#include "indexer/core/range.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace weft::fs {

/// Never reused, unlike RequestKey.
enum class PendingId : std::uint64_t {};

/// What is still to become of a disk: of blocks that change in part.
struct DiskChange {
  struct Piece {
    ByteOffset offset;
    std::size_t size = 0;
  };
  std::vector<Piece> pieces;     ///< one or two
  std::vector<std::byte> bytes;  ///< to be written, piece after piece
  bool zeros = false;            ///< … or all of it becomes zero
  bool durable = false;          ///< O_DSYNC: flushed before the reply
};

/// What a read wants, or a change of a disk that needs a block first; known for as long as it
/// waits.
struct ReadArgs {
  ByteOffset offset;
  std::size_t size = 0;
  TimePoint arrived;
  TimePoint deadline;
  std::shared_ptr<const DiskChange> change{};  ///< null: a read
  std::vector<fetcher::LooseBlock> loose{};    ///< of a change: came, and could not be stored
};

struct PendingRead {
  Reply reply;
  ReadArgs args;
  Reader reader;
  std::optional<fetcher::FetchTicket> ticket;  ///< of the last fetch
  unsigned fetches = 0;                        ///< times it was handed to the fetcher
  bool parked = false;                         ///< no fetch is under way: to be handed over again
};

/// The reads of one mount that wait for blocks: whoever *takes* an entry out has the duty to reply,
/// which makes replies of completion, interrupt, reaper and shutdown exclude each other.
///
/// An interrupt may overtake its request, because another channel's thread reads it: those that
/// find nothing are remembered for a while.
/// Bounded; thread-safe.
class PendingReads {
 public:
  explicit PendingReads(std::size_t limit) : limit_(limit) {}

  /// Also fills in whether the reader was interrupted already. nullopt: full or closed, and
  /// `read.reply` is left with the caller.
  [[nodiscard]] std::optional<PendingId> insert(PendingRead& read) WEFT_EXCLUDES(mutex_);
  [[nodiscard]] std::optional<PendingRead> take(PendingId id) WEFT_EXCLUDES(mutex_);
  /// What was taken has to wait again, however many do. nullopt: closed, and `read.reply` is left
  /// with the caller.
  [[nodiscard]] std::optional<PendingId> put_back(PendingRead& read) WEFT_EXCLUDES(mutex_);
  /// Refuses entries from now on and takes all, oldest first.
  [[nodiscard]] std::vector<PendingRead> close() WEFT_EXCLUDES(mutex_);

  /// nullopt: already taken.
  [[nodiscard]] std::optional<ReadArgs> args(PendingId id) const WEFT_EXCLUDES(mutex_);
  /// Records that a fetch begins and returns how many have begun; nullopt: already taken.
  [[nodiscard]] std::optional<unsigned> begin_fetch(PendingId id) WEFT_EXCLUDES(mutex_);
  /// `fetch` is what `begin_fetch` returned; ignored if another fetch has begun meanwhile. False:
  /// already taken, the fetch serves nobody.
  [[nodiscard]] bool set_ticket(PendingId id, unsigned fetch, fetcher::FetchTicket ticket)
      WEFT_EXCLUDES(mutex_);
  /// The fetch is over without an outcome; the read waits to be handed over again.
  void park(PendingId id) WEFT_EXCLUDES(mutex_);

  /// Marks the read whose request the kernel has interrupted. nullopt: already taken, or not here
  /// yet: then `insert` marks it.
  [[nodiscard]] std::optional<std::pair<PendingId, Reader>> mark_interrupted(RequestKey key)
      WEFT_EXCLUDES(mutex_);
  void set_process(PendingId id, std::uint32_t process_id) WEFT_EXCLUDES(mutex_);

  struct Waiting {
    PendingId id;
    ReadArgs args;
    Reader reader;
    bool parked;
    std::optional<fetcher::FetchTicket> ticket;
  };
  /// Oldest first.
  [[nodiscard]] std::vector<Waiting> waiting() const WEFT_EXCLUDES(mutex_);
  [[nodiscard]] std::size_t size() const WEFT_EXCLUDES(mutex_);

 private:
  using Map = std::map<PendingId, PendingRead>;
  static constexpr std::size_t remembered_interrupts = 256;

  [[nodiscard]] PendingId add(PendingRead& read) WEFT_REQUIRES(mutex_);
  [[nodiscard]] PendingRead extract(Map::iterator at) WEFT_REQUIRES(mutex_);

  const std::size_t limit_;

  mutable Mutex mutex_;
  Map reads_ WEFT_GUARDED_BY(mutex_);                           // in order of arrival
  std::deque<RequestKey> interrupted_ WEFT_GUARDED_BY(mutex_);  // found nothing; newest last
  std::uint64_t next_id_ WEFT_GUARDED_BY(mutex_) = 1;
  bool closed_ WEFT_GUARDED_BY(mutex_) = false;
};

}  // namespace weft::fs
