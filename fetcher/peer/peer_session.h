// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/link/link_estimate.h"
#include "fetcher/net/awaitable.h"
#include "fetcher/peer/pack_ledger.h"
#include "fetcher/profile/boot_profile.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/clock.h"
#include "indexer/core/error.h"
#include "indexer/core/range.h"
#include "indexer/similarity/signature.h"
#include "indexer/tree/image_id.h"
#include "indexer/tree/tree_shape.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weft::fetcher {

enum class RequestId : std::uint32_t {};

struct SessionStats {
  std::uint64_t requests = 0;
  std::uint64_t bytes_sent = 0;                         ///< on the wire, headers included
  std::uint64_t bytes_received = 0;                     ///< the same
  std::array<std::uint64_t, 4> received_by_priority{};  ///< whole frames, by wire::Priority
};

/// One established connection to a peer, as the scheduler sees it. I/O thread only.
///
/// A session ends once (`on_closed` is called, with the reason) and then fails every call with
/// Errc::peer_unreachable. Every outstanding request is answered before `on_closed` is called.
class PeerSession {
 public:
  /// Called for each frame of an answer, in order; `last` or an error ends the request. The batch
  /// is still compressed: unpack it on a worker with wire::unpack.
  using OnBatch = std::move_only_function<void(Result<wire::BlockBatch> batch, bool last)>;
  using OnResidency = std::move_only_function<void(const wire::Residency&)>;
  using OnClosed = std::move_only_function<void(const Error&)>;

  virtual ~PeerSession() = default;

  [[nodiscard]] virtual const wire::Hello& remote() const noexcept = 0;
  [[nodiscard]] virtual LinkEstimate link() const noexcept = 0;
  /// Begins with what is known of the link, until it is measured. Before the first request.
  virtual void assume(const LinkEstimate& /*prior*/) {}
  [[nodiscard]] virtual SessionStats stats() const noexcept { return {}; }

  /// Images the peer has, complete or not. Nobody waits for a list: it comes after all blocks.
  [[nodiscard]] virtual Awaitable<Result<std::vector<wire::ImageSummary>>> images(
      TimePoint deadline) = 0;
  /// Image by name or hex id, with the tree nodes on the path to `first_read` in the same answer.
  [[nodiscard]] virtual Awaitable<Result<wire::ImageFound>> find_image(std::string name_or_id,
                                                                       BlockIndex first_read,
                                                                       TimePoint deadline) = 0;
  /// Nodes the peer does not have are absent from the answer. Unverified.
  [[nodiscard]] virtual Awaitable<Result<wire::TreeNodes>> tree_nodes(ImageId image,
                                                                      std::vector<TreeNode> nodes,
                                                                      wire::Priority priority,
                                                                      TimePoint deadline) = 0;
  /// The same, compressed against trees that are here. Errc::unsupported: the peer does not know
  /// how; ask with `tree_nodes`.
  [[nodiscard]] virtual Awaitable<Result<std::vector<NodePack>>> tree_pack(
      wire::TreePackRequest request, wire::Priority priority, TimePoint deadline);
  /// The signature of an image, of at most `max_keys` keys. A peer may say anything: what comes is
  /// well-formed and names this image, and is worth no more trust than that. Errc::unsupported: the
  /// peer does not know how, nothing was sent; newer_state: of a later version; not_resident,
  /// unknown_image: it has none; peer_misbehaved: it is not well-formed.
  [[nodiscard]] virtual Awaitable<Result<Signature>> signature(ImageId image,
                                                               std::uint32_t max_keys,
                                                               wire::Priority priority,
                                                               TimePoint deadline);
  /// Which blocks the peer says it can serve, in whatever image: for each key, in order. Keys are
  /// the first `key_bytes` bytes of digests as big-endian numbers, strictly ascending; bounds as in
  /// wire::HaveRequest. Errc::unsupported as above.
  [[nodiscard]] virtual Awaitable<Result<std::vector<bool>>> have(std::vector<std::uint64_t> keys,
                                                                  unsigned key_bytes,
                                                                  TimePoint deadline);
  /// What a boot of the image reads, as the peer knows it, or, if asked for, of the image most like
  /// it: a hint, well-formed and of at most the entries asked for. Errc as of `signature`.
  [[nodiscard]] virtual Awaitable<Result<BootProfile>> profile(wire::ProfileRequest request,
                                                               TimePoint deadline);
  /// Who else fetches the image, and which part of it is ours to take from this peer.
  /// Errc::unsupported: the peer does not know, nothing was sent.
  [[nodiscard]] virtual Awaitable<Result<wire::SwarmAnswer>> swarm(wire::SwarmRequest request,
                                                                   TimePoint deadline);
  /// Asks for blocks by image range; `on_batch` runs on the I/O thread.
  virtual RequestId blocks(ImageId image, std::vector<BlockRange> ranges, wire::Priority priority,
                           OnBatch on_batch) = 0;
  /// Asks for blocks by digest: BlockBatch indexes are positions in `digests`.
  virtual RequestId blocks_by_digest(std::vector<Digest> digests, wire::Priority priority,
                                     OnBatch on_batch) = 0;
  /// Raises a queued request's priority (a reader joined a prefetch).
  virtual void reprioritise(RequestId id, wire::Priority priority) = 0;
  /// Ends a request; its handler is called with Errc::cancelled before this returns.
  virtual void cancel(RequestId id) = 0;
  /// Asks the peer to announce what it holds of `image`, now and as it grows.
  virtual void watch_residency(ImageId image, OnResidency on_residency) = 0;
  virtual void unwatch_residency(ImageId image) = 0;
  virtual void on_closed(OnClosed handler) = 0;
  virtual void close() = 0;
};

}  // namespace weft::fetcher
