// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/block_fetcher.h"
#include "fetcher/link/link_monitor.h"
#include "fetcher/schedule/fetch_reason.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/clock.h"
#include "indexer/core/digest.h"
#include "indexer/core/units.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Figures the fetcher shows: plain values, snapshots. Byte counts of blocks are content (before
/// compression) unless they say `wire`.
namespace weft::fetcher {

/// Waiting times in buckets of a factor √2 from 16 µs to about 17 min; about 20 % exact.
class WaitHistogram {
 public:
  void record(Duration wait) noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Sum of all waits.
  [[nodiscard]] Duration total() const noexcept { return total_; }
  /// Wait that `fraction` (0 … 1) of the reads did not exceed; 0 when nothing was recorded.
  [[nodiscard]] Duration quantile(double fraction) const noexcept;

 private:
  static constexpr std::size_t bucket_count = 54;
  std::array<std::uint64_t, bucket_count> buckets_{};
  std::uint64_t count_ = 0;
  Duration total_{0};
};

/// Where blocks came from, and what asking for them cost.
struct FetchSources {
  ByteCount in_image{};   ///< from peers that hold them in the image asked for
  ByteCount by_digest{};  ///< from peers that hold them in other images
  ByteCount twins{};      ///< equal to other blocks of the image, copied here
  ByteCount joined{};     ///< equal to blocks of other images that were fetched at the same time
  std::uint64_t have_queries = 0;  ///< asked of peers
  ByteCount have_bytes{};          ///< their keys and answer bits

  FetchSources& operator+=(const FetchSources& more) noexcept;
};

/// Content that came over links, by why it was asked for (DESIGN "Plan").
struct FetchReasons {
  ByteCount demanded;
  ByteCount readahead;
  ByteCount planned;
  ByteCount unplanned;  ///< wanted, and in no queue of a plan
  ByteCount stolen;     ///< planned for another source
  ByteCount hedged;     ///< duplicates that came first
  ByteCount wasted;     ///< came although it was here already; not in the others

  FetchReasons& operator+=(const FetchReasons& more);
};
[[nodiscard]] FetchReasons reasons_of(const SourceCounts& counts);

/// Why a demand read still waits.
enum class WaitReason : std::uint8_t {
  asked,          ///< its first missing block is being asked of a peer
  verifying,      ///< that block has come and is being verified and stored
  tree,           ///< tree nodes on the way to it are being asked for
  link_full,      ///< a peer holds it, and what was asked of it before goes first
  over_budget,    ///< what is left of the budget does not pay for it
  not_held,       ///< no connected peer holds it
  not_connected,  ///< no peer is connected
};
[[nodiscard]] const char* to_string(WaitReason reason) noexcept;

/// A demand read that waits now.
struct WaitingFetch {
  FetchTicket ticket{};
  BlockIndex first_missing = {};
  BlockCount missing = {};
  Duration age{0};
  WaitReason reason = WaitReason::not_connected;
  std::vector<std::string> peers = {};  ///< addresses of those that were asked
};
/// So many are described; the oldest.
inline constexpr std::size_t most_waits_described = 64;

/// What a boot's prefetch goes by.
enum class Foresight : std::uint8_t {
  unknown,            ///< it is being looked for
  own_profile,        ///< of this image
  relatives_profile,  ///< of one that shares blocks with it
  layout,             ///< partition table, boot loader, file system
};
[[nodiscard]] const char* to_string(Foresight foresight) noexcept;

/// The last prefetch of a boot.
struct BootPrefetch {
  Foresight by = Foresight::unknown;
  BlockCount wanted;     ///< that it found missing so far; grows while it looks
  BlockCount to_come;    ///< of these
  bool looking = false;  ///< for more; false with `to_come` 0: it has done all it could
};

struct ImageFetchStatus {
  ImageId image;
  std::size_t waiting_reads = 0;
  std::vector<WaitingFetch> waits;           ///< oldest first, at most `most_waits_described`
  BlockCount in_flight;                      ///< asked for, not yet committed
  std::optional<BlockIndex> oldest_waiting;  ///< first missing block of the oldest waiting read
  Duration oldest_wait{0};
  std::size_t connected_holders = 0;  ///< peers that hold some of it and can be asked
  bool disk_full = false;             ///< prefetch pauses; reads are served unstored
  FetchSources sources;               ///< since the fetcher cares for the image
  FetchReasons reasons;               ///< the same
  double spent = 0;                   ///< for it, at the prices of its sources
  std::optional<BootPrefetch> boot;   ///< absent: nothing was foreseen for it
};

struct FetchStatistics {
  std::uint64_t reads = 0;          ///< demand reads taken
  std::uint64_t reads_failed = 0;   ///< any error, cancelled ones included
  std::uint64_t reads_joined = 0;   ///< found some of their blocks in flight already
  std::uint64_t reads_waiting = 0;  ///< now
  Duration stalled{0};              ///< sum of the waits of answered reads
  Duration wait_p50{0};
  Duration wait_p99{0};
  /// Blocks committed, by the priority they had on arrival; index: wire::Priority.
  std::array<ByteCount, 4> received_by_priority{};
  ByteCount received;              ///< sum of the above
  ByteCount received_wire;         ///< the same as packed batches
  FetchSources sources;            ///< of `received`, and what came without a link
  FetchReasons reasons;            ///< of what came over links
  ByteCount discarded;             ///< failed their digest, came twice, or could not be stored
  std::uint64_t peers_banned = 0;  ///< (peer, image) pairs, since start
  std::vector<ImageFetchStatus> images;
};

enum class PeerState : std::uint8_t {
  connecting,  ///< dialling or shaking hands
  connected,
  waiting,    ///< for the next attempt, see `last_error`
  duplicate,  ///< another address reached the same node and is used
  self,       ///< the address is this node's own
};
[[nodiscard]] const char* to_string(PeerState state) noexcept;

/// One peer as `weft peers` shows it.
struct PeerStatus {
  std::string address;  ///< host:port, as added
  PeerState state = PeerState::connecting;
  std::optional<NodeId> node;   ///< known after the first hello
  std::string name;             ///< the peer's own, for people
  double bytes_per_second = 0;  ///< of the link, on the wire; 0: not known
  Duration round_trip{0};       ///< 0: not measured
  LinkView link;                ///< the same with its confidence, and loss of service
  ByteCount received;           ///< content of blocks committed
  ByteCount received_wire;
  FetchReasons reasons;             ///< of what came from it
  std::string last_error;           ///< empty: none since the last connect
  Duration retry_in{0};             ///< PeerState::waiting: until the next attempt
  std::vector<ImageId> banned_for;  ///< served wrong bytes for these
  std::uint64_t false_haves = 0;    ///< blocks it said it holds in some image and did not
};

}  // namespace weft::fetcher
