// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/catalog/link_row.h"
#include "indexer/catalog/profile_row.h"
#include "indexer/core/clock.h"
#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/similarity/signature.h"
#include "indexer/store/image_writer.h"
#include "indexer/store/local_image.h"
#include "indexer/store/update_writer.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

class Disks;

struct StoreOptions {
  std::filesystem::path directory;  ///< the state directory; created if absent
  /// Blocks are not stored below it, commits fail with ENOSPC. What reads need all the same is:
  /// tree nodes, maps, the catalog.
  ByteCount free_space_floor{256u << 20};
  /// Tells one boot of this machine from another; empty: the kernel's boot id.
  std::string boot{};
};

/// An image as the catalog lists it.
struct ImageEntry {
  std::string name;  ///< empty: no name points to it (any more)
  ImageInfo info;
  ImageUsage usage;
  bool in_place = false;
  std::string source;  ///< file it was imported from, or "" if it came from peers
};

/// What is removed by `Store::remove`, and what stays because other images borrow it.
struct RemovalReport {
  ByteCount freed;
  BlockCount kept_for_borrowers;
  /// The image is gone, but not yet all that is to be given back: that goes when the store is
  /// opened next.
  std::optional<Error> unfinished = {};
};

/// A local image that shares blocks with another one, local or not.
struct Relative {
  ImageId image;
  BlockCount shared;  ///< distinct blocks, estimated from the signatures
  bool whole_tree;    ///< all of its tree is here: it can be compressed against, and copied from
};

/// The node's content: images by name and id. Owns the state directory (one process at a time:
/// a lock file) and the catalog. Thread-safe; every call may block on disk I/O, none on the
/// network.
///
/// Opening recovers: half-made imports are deleted, images that were not closed cleanly have the
/// data without a residency bit hashed and their bits set again.
class Store {
 public:
  /// Errc::state_locked, newer_state, damaged_state; errno from the disk.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(FileSystem& fs, StoreOptions options);
  virtual ~Store() = default;

  [[nodiscard]] virtual const NodeId& node_id() const noexcept = 0;
  [[nodiscard]] virtual const std::filesystem::path& directory() const noexcept = 0;

  [[nodiscard]] virtual Result<std::vector<ImageEntry>> list() = 0;
  /// By name, by full id in hex, or by a unique prefix of at least 8 hex digits.
  /// Errc::unknown_image, ambiguous_image.
  [[nodiscard]] virtual Result<ImageEntry> find(std::string_view name_or_id) = 0;
  /// One object per image and process: two calls give the same one. Errc::unknown_image.
  [[nodiscard]] virtual Result<std::shared_ptr<LocalImage>> image(const ImageId& id) = 0;

  /// Starts an import. Nothing is visible before ImageWriter::publish.
  [[nodiscard]] virtual Result<std::unique_ptr<ImageWriter>> begin_import(ImportTarget target) = 0;
  /// Starts to index an image again. Errc::unknown_image; otherwise like begin_import.
  [[nodiscard]] virtual Result<std::unique_ptr<UpdateWriter>> begin_update(UpdateTarget) {
    return fail(Errc::unsupported, Operation::import);
  }
  /// Removes the images that lost their last name to an update while somebody held them, and that
  /// nobody holds any more; those that `keep` asks for stay. Costs nothing if there are none.
  [[nodiscard]] virtual Result<void> collect_unnamed(
      const std::function<bool(const ImageId&)>& /*keep*/) {
    return {};
  }
  /// Registers an image whose blocks are elsewhere: an empty pack, no tree node yet. If the id is
  /// known already only the name is added. Errc::name_taken: the name points to another id.
  [[nodiscard]] virtual Result<std::shared_ptr<LocalImage>> adopt(std::string_view name,
                                                                  const ImageInfo& info) = 0;
  /// Removes the name; with the last name, the image: blocks other images borrow stay, the rest is
  /// given back. Errc::image_in_use while someone holds the LocalImage.
  [[nodiscard]] virtual Result<RemovalReport> remove(std::string_view name_or_id) = 0;
  /// Forgets an image whose whole pack has a name elsewhere now: its files are unlinked, and not
  /// written to any more. Errc::image_in_use: somebody else holds it or borrows from it, disks lie
  /// over it, or it has several names; then nothing is changed.
  [[nodiscard]] virtual Result<void> give_up(std::shared_ptr<LocalImage> /*image*/) {
    return fail(Errc::unsupported, Operation::remove);
  }

  /// Where a block of this digest can be read locally (any image); bytes verified.
  /// Errc::not_resident if nowhere. For serving peers that ask by digest.
  [[nodiscard]] virtual Result<void> read_by_digest(const Digest& digest,
                                                    std::span<std::byte> block) = 0;
  /// The same for many: block i goes to `blocks` at i × 4096, and out[i] says whether it was found.
  /// Where it was not, the bytes are left as they were. Costs far less than one by one.
  [[nodiscard]] virtual Result<std::vector<bool>> read_blocks_by_digest(
      std::span<const Digest> digests, std::span<std::byte> blocks);

  // --- What images share. All of it may be out of date or wrong: only a hint where to look.
  /// Of a local image whose whole tree is here, blocks or not: one short read. Or as learnt from a
  /// peer. At most `max_keys` keys. Errc::not_resident if neither is here.
  [[nodiscard]] virtual Result<Signature> signature(const ImageId& id, std::size_t max_keys);
  /// Keeps what a peer said of an image; the least recently used ones make room. Errc::bad_request
  /// for one that is not valid.
  [[nodiscard]] virtual Result<void> learn_signature(const Signature& signature);
  /// The images that `signature` has an answer for.
  [[nodiscard]] virtual Result<std::vector<ImageId>> signatures_known();
  /// Local images that share something with `id`, by shared blocks, most first. Empty if no
  /// signature of `id` is known.
  [[nodiscard]] virtual Result<std::vector<Relative>> relatives(const ImageId& id);
  /// Something besides `id` is here that could be its relative. Costs next to nothing.
  [[nodiscard]] virtual bool has_others(const ImageId& /*id*/) { return true; }
  /// For each key, the first `key_bytes` (4 to 8) bytes of a digest as a big-endian number: some
  /// local image can read a block whose digest begins so. Keys ascend. Cost: that of the pages of
  /// each image's index that the keys fall into, each read once. Errc::bad_request.
  [[nodiscard]] virtual Result<std::vector<bool>> holds(std::span<const std::uint64_t> keys,
                                                        unsigned key_bytes);

  /// Flushes every open image, and does what keeps them findable for each other: writes their
  /// indexes, looks for blocks that came with other images. Called about once a second, and on
  /// shutdown.
  [[nodiscard]] virtual Result<void> flush() = 0;

  /// Small persistent settings of other modules (peers, mounts): JSON by (kind, key), kept in the
  /// catalog. An absent key reads as nullopt.
  [[nodiscard]] virtual Result<std::optional<std::string>> setting(std::string_view kind,
                                                                   std::string_view key) = 0;
  [[nodiscard]] virtual Result<void> set_setting(std::string_view kind, std::string_view key,
                                                 std::optional<std::string_view> json) = 0;
  [[nodiscard]] virtual Result<std::vector<std::pair<std::string, std::string>>> settings(
      std::string_view kind) = 0;

  /// What was measured of the links to peers, kept in the catalog; `put_links` replaces all of it.
  [[nodiscard]] virtual Result<void> put_links(std::span<const LinkRow> /*links*/) { return {}; }
  [[nodiscard]] virtual Result<std::vector<LinkRow>> links() { return std::vector<LinkRow>{}; }

  // --- Boot profiles, as encoded by the fetcher, kept in the catalog. They outlive the images they
  // are of, and are bounded (ProfileLimits).
  /// Adds a recording; it takes the place of what peers have said of this image.
  [[nodiscard]] virtual Result<void> add_profile(const ImageId& image, const ProfileRow& row);
  /// Oldest first.
  [[nodiscard]] virtual Result<std::vector<ProfileRow>> profiles(const ImageId& image);
  /// The profile of this image was of use: it stays longer than others.
  [[nodiscard]] virtual Result<void> profile_used(const ImageId& image);
  /// False: there was none.
  [[nodiscard]] virtual Result<bool> drop_profiles(const ImageId& image);
  /// Images, here or not, that have profiles; last used first.
  [[nodiscard]] virtual Result<std::vector<ImageId>> profiled_images();

  /// The writable disks (indexer/disk/disks.h); null in a store that has none.
  [[nodiscard]] virtual Disks* disks() noexcept { return nullptr; }
};

/// 1–128 characters of [A-Za-z0-9._-], not starting with '.' or '-'.
[[nodiscard]] bool is_valid_image_name(std::string_view name) noexcept;

}  // namespace weft
