// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"
#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/range.h"
#include "indexer/tree/image_id.h"
#include "indexer/tree/tree_node.h"
#include "indexer/tree/tree_shape.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace weft {

/// A node's bytes and its place.
struct PlacedNode {
  TreeNode node;
  std::span<const std::byte> bytes;
};

/// How much of an image is here. Zero blocks count as `zero`, as far as the tree known here tells.
struct ImageUsage {
  BlockCount total;
  BlockCount zero;
  BlockCount resident;    ///< in the own pack
  BlockCount borrowed;    ///< in packs of other local images
  BlockCount missing;     ///< total − zero − resident − borrowed (unknown tree counts as missing)
  ByteCount physical;     ///< bytes on disk of pack and side files; 0 for an in-place pack's data
  bool complete = false;  ///< missing == 0 and the whole tree is here
};

/// One image in the local store: pack, tree file, residency map, block sums, borrow map.
///
/// A block is *readable* if it is zero, resident or borrowed. Whatever is read has been compared
/// with its XXH3 sum or digest since the image was opened (in-place and borrowed blocks: on every
/// read); a block that fails is no longer readable, is counted, and must be fetched again.
///
/// Lifecycle: handed out by `Store` as shared_ptr; valid until released, also after the store has
/// removed the image. Thread-safe: `readable` and `read` take no lock and are called from FUSE
/// threads; the rest may be called from any thread, and blocks on disk I/O.
class LocalImage {
 public:
  virtual ~LocalImage() = default;

  [[nodiscard]] virtual const ImageInfo& info() const noexcept = 0;
  [[nodiscard]] virtual const TreeShape& shape() const noexcept = 0;
  [[nodiscard]] virtual bool in_place() const noexcept = 0;

  // --- The tree.
  /// Digest of a block; the zero digest for a zero block. Errc::not_resident: its leaf is not here.
  [[nodiscard]] virtual Result<Digest> block_digest(BlockIndex block) = 0;
  /// Bytes of a node; all zeros for a zero subtree. Errc::not_resident: not here.
  [[nodiscard]] virtual Result<NodeBytes> node(TreeNode node) = 0;
  /// Topmost node on the path to `block` that is not here; nullopt: the leaf is here, or an
  /// ancestor says that everything below is zero.
  [[nodiscard]] virtual Result<std::optional<TreeNode>> first_missing_node(BlockIndex block) = 0;
  /// Stores a node whose ancestors are all here, after comparing it with the name its parent (or
  /// the image id) gives it: Errc::digest_mismatch otherwise. When a leaf lands, its zero blocks
  /// become readable and blocks that other local images hold become borrowed.
  [[nodiscard]] virtual Result<void> add_node(TreeNode node, std::span<const std::byte> bytes) = 0;
  /// The same for many, in this order; one outcome for each. The blocks below all of the leaves are
  /// looked for in other images at once: far cheaper than leaf by leaf.
  [[nodiscard]] virtual std::vector<Result<void>> add_nodes(std::span<const PlacedNode> nodes);

  // --- The blocks.
  /// Every block of `range` is readable. Lock-free.
  [[nodiscard]] virtual bool readable(BlockRange range) const noexcept = 0;
  /// Some block of `range` is in the pack of another image. Lock-free.
  [[nodiscard]] virtual bool borrows(BlockRange /*range*/) const noexcept { return false; }
  /// First run of blocks of `range` that are not readable.
  [[nodiscard]] virtual std::optional<BlockRange> next_missing(BlockRange range) const = 0;
  /// First run of blocks of `range` that may hold data, skipping what the tree known here proves to
  /// be zero; blocks below a missing node count as data. Cost grows with the tree walked, not with
  /// the size of the holes.
  [[nodiscard]] virtual std::optional<BlockRange> next_data(BlockRange range) = 0;
  /// Fills `out` from readable blocks; bytes past the image's end are zeros. Errc::not_resident:
  /// a block of the range is not readable (any more): fetch what `next_missing` names, try again.
  [[nodiscard]] virtual Result<void> read(ByteOffset offset, std::span<std::byte> out) = 0;
  /// Verifies each block against the tree, writes the blocks to the pack and makes them readable.
  /// `bytes` is range.count × 4096 long. Errc::digest_mismatch names the first wrong block in its
  /// detail; blocks before it are committed. ENOSPC: nothing of the failed write is readable.
  /// Durable only after `flush`; after a crash before that, recovery finds it by hashing.
  [[nodiscard]] virtual Result<void> commit(BlockRange range, std::span<const std::byte> bytes) = 0;
  /// Brings in what can be had without the network: blocks of `range` that are missing, whose leaf
  /// is here, and whose content can be read in another local image (they become borrowed) or
  /// elsewhere in this one (a *twin*: it is copied). Returns how many became readable. Ask before
  /// asking peers, for many blocks at once. Leaves that were looked at are not looked at again
  /// until there is something new in the store, so that asking in vain costs little.
  [[nodiscard]] virtual Result<BlockCount> resolve(BlockRange range);
  // --- The pack as a plain file.
  /// One step, of at most half a MiB of data, towards an own pack that is the image byte by byte:
  /// from `rest.first` on, blocks in the pack are compared unless they have been, borrowed ones are
  /// compared with their digests and copied into it, and what lies where zeros must be is given
  /// back. Returns what is left of `rest`. After a pass from the first block to the last, in which
  /// no block was lost, `whole_pack` has an answer. One caller at a time.
  /// Errc::not_resident: a block is missing. unsupported: in place, or the image's size is not a
  /// multiple of 4096, so that the pack is longer. ENOSPC: no room for what is borrowed.
  [[nodiscard]] virtual Result<BlockRange> make_whole(BlockRange rest);
  /// Descriptor of the own pack if it is the image byte by byte, by `make_whole`, and no block was
  /// lost since; else −1. Valid as long as this object. Lock-free.
  [[nodiscard]] virtual int whole_pack() const noexcept { return -1; }
  /// Makes `file` a copy of the pack that shares its extents: the image, padded to whole blocks.
  /// What stands in them is not compared. Errc::unsupported: not all of the image is in its own
  /// pack, or the file system cannot.
  [[nodiscard]] virtual Result<void> clone_into(File& file);

  /// Makes everything committed so far durable: data first, then residency bits.
  [[nodiscard]] virtual Result<void> flush() = 0;

  /// Grows whenever blocks become readable or stop being so: lets observers poll cheaply.
  [[nodiscard]] virtual std::uint64_t generation() const noexcept = 0;
  [[nodiscard]] virtual ImageUsage usage() const = 0;
  /// Blocks that failed their check since the image was opened.
  [[nodiscard]] virtual BlockCount lost_blocks() const noexcept = 0;
};

}  // namespace weft
