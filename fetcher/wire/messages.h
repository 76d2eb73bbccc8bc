// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/profile_messages.h"
#include "fetcher/wire/redundancy_messages.h"
#include "fetcher/wire/swarm_messages.h"
#include "fetcher/wire/tree_pack.h"
#include "indexer/core/digest.h"
#include "indexer/core/range.h"
#include "indexer/store/local_image.h"
#include "indexer/tree/image_id.h"
#include "indexer/tree/tree_shape.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The messages of the wire protocol as plain values. Their bytes: WIRE.md and codec.h.
namespace weft::fetcher::wire {

inline constexpr std::uint16_t protocol_version = 1;

/// Order of sending: a lower number overtakes every higher one at a frame boundary.
enum class Priority : std::uint8_t { control = 0, demand = 1, readahead = 2, prefetch = 3 };

[[nodiscard]] std::string_view to_string(Priority priority) noexcept;

/// Bounds of a frame and of what is in it; larger is a protocol error, found before memory is
/// taken.
inline constexpr std::uint32_t max_payload = 1u << 20;
inline constexpr std::uint32_t blocks_per_batch = 32;        ///< 128 KiB of content in a frame
inline constexpr std::uint32_t max_ranges = 1024;            ///< in a BlocksRequest
inline constexpr std::uint32_t max_blocks_requested = 4096;  ///< in a BlocksRequest, all ranges
inline constexpr std::uint32_t max_digests = 4096;           ///< in a BlocksByDigestRequest
inline constexpr std::uint32_t max_nodes = 128;              ///< in a TreeNodesRequest
inline constexpr std::uint32_t max_nodes_in_frame = 32;      ///< in a TreeNodes; more come in turn
inline constexpr std::uint32_t max_images_in_frame = 256;    ///< in an ImageList
inline constexpr std::uint32_t max_name = 255;               ///< bytes, UTF-8
inline constexpr std::uint32_t max_failure_message = 1024;   ///< bytes, UTF-8
inline constexpr std::uint64_t max_blocks_in_image = max_image_size.value() / block_size;

struct Hello {
  std::uint16_t version_min = protocol_version;
  std::uint16_t version_max = protocol_version;
  std::uint64_t features = 0;  ///< bit set; unknown bits are ignored
  NodeId node;
  std::string name;  ///< for people
  friend bool operator==(const Hello&, const Hello&) = default;
};

struct ImageListRequest {
  std::string after;  ///< names greater than this: a long list comes in several answers
  friend bool operator==(const ImageListRequest&, const ImageListRequest&) = default;
};
struct ImageSummary {
  std::string name;
  ImageInfo info;
  BlockCount available;  ///< blocks the peer can serve, zero blocks included
  bool complete = false;
  friend bool operator==(const ImageSummary&, const ImageSummary&) = default;
};
struct ImageList {
  std::vector<ImageSummary> images;  ///< ascending by name
  bool more = false;
  friend bool operator==(const ImageList&, const ImageList&) = default;
};

struct FindImageRequest {
  std::string name_or_id;
  BlockIndex first_read;
  friend bool operator==(const FindImageRequest&, const FindImageRequest&) = default;
};
struct TreeNodes {
  struct Entry {
    TreeNode node;
    NodeBytes bytes;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::vector<Entry> nodes;
  bool more = false;  ///< further frames of this answer follow
  friend bool operator==(const TreeNodes&, const TreeNodes&) = default;
};
struct ImageFound {
  ImageSummary image;
  TreeNodes path;  ///< to the block first read, root first, as far as the peer has it
  friend bool operator==(const ImageFound&, const ImageFound&) = default;
};
struct TreeNodesRequest {
  ImageId image;
  std::vector<TreeNode> nodes;
  friend bool operator==(const TreeNodesRequest&, const TreeNodesRequest&) = default;
};

struct BlocksRequest {
  ImageId image;
  std::vector<BlockRange> ranges;
  friend bool operator==(const BlocksRequest&, const BlocksRequest&) = default;
};
struct BlocksByDigestRequest {
  std::vector<Digest> digests;
  friend bool operator==(const BlocksByDigestRequest&, const BlocksByDigestRequest&) = default;
};
/// One frame of an answer to a blocks request, still packed. `ranges` are the blocks in `packed`,
/// concatenated in that order; zero blocks are among `zero`, blocks the peer lacks among `absent`.
struct BlockBatch {
  std::vector<BlockRange> ranges;
  std::vector<BlockRange> zero;
  std::vector<BlockRange> absent;
  bool compressed = false;  ///< `packed` is one zstd frame; else the plain blocks
  std::vector<std::byte> packed;
  bool last = false;  ///< ends the answer
  friend bool operator==(const BlockBatch&, const BlockBatch&) = default;
};

struct Cancel {
  std::uint32_t request = 0;
  friend bool operator==(const Cancel&, const Cancel&) = default;
};
struct Reprioritise {
  std::uint32_t request = 0;
  Priority priority = Priority::demand;
  friend bool operator==(const Reprioritise&, const Reprioritise&) = default;
};

/// Asks to be told what the peer holds of an image, now and as it grows; or no longer.
struct WatchResidency {
  ImageId image;
  bool watch = true;
  friend bool operator==(const WatchResidency&, const WatchResidency&) = default;
};
/// What the sender can serve of an image: additions since the last announcement on this
/// connection; the first one is the whole. `complete` stands for everything.
struct Residency {
  ImageId image;
  bool complete = false;
  std::vector<BlockRange> added;
  std::vector<BlockRange> removed;
  friend bool operator==(const Residency&, const Residency&) = default;
};

struct Ping {
  std::uint64_t token = 0;
  friend bool operator==(const Ping&, const Ping&) = default;
};
struct Pong {
  std::uint64_t token = 0;
  friend bool operator==(const Pong&, const Pong&) = default;
};

/// Ends a request without an answer. `code`: see failure_code.h. Request id 0: the connection is
/// being closed.
struct Failure {
  std::uint16_t code = 0;
  std::string message;
  friend bool operator==(const Failure&, const Failure&) = default;
};

using Message =
    std::variant<Hello, ImageListRequest, ImageList, FindImageRequest, ImageFound, TreeNodesRequest,
                 TreeNodes, BlocksRequest, BlocksByDigestRequest, BlockBatch, Cancel, Reprioritise,
                 WatchResidency, Residency, Ping, Pong, Failure, TreePackRequest, TreePack,
                 SignatureRequest, SignatureAnswer, HaveRequest, HaveAnswer, SwarmRequest,
                 SwarmAnswer, ProfileRequest, ProfileAnswer>;

}  // namespace weft::fetcher::wire
