// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace weft::fs {

/// How the kernel serves an open file of the image: from its page cache, by asking the worker for
/// every read, or from the pack without the worker.
enum class IoMode : std::uint8_t { cached = 1, direct = 2, passthrough = 3 };

struct OpenCounts {
  std::uint32_t cached = 0;
  std::uint32_t direct = 0;
  std::uint32_t passthrough = 0;
};

/// The backing file that the kernel knows of a mount.
struct Backing {
  std::int32_t id = 0;  ///< 0: none
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

/// Which opens of a mount are held, and in which mode, in memory that outlives the worker: the
/// kernel refuses an open whose mode does not go with those that are held (EIO), so that a
/// successor must know what its predecessor has answered.
///
/// The memory belongs to the mount and is kept where its descriptors are. An open is entered before
/// it is answered and taken out when its RELEASE comes, which the kernel sends when it has left the
/// mode already: an entry may stay too long, but is never absent too early. Each entry carries the
/// kernel's number of its OPEN request, so that a request that is sent again, to a successor, is
/// not counted twice, and its handle names that number, so that a RELEASE that is sent again takes
/// no later open out. A RELEASE that is lost all the same leaves an entry behind: one in cached
/// mode keeps the mount from passthrough until it is unmounted, one in passthrough mode only shows
/// a wrong figure. Nothing else depends on it.
///
/// Layout (little-endian 64-bit words): magic and version, backing id, its device, its inode,
/// "not all cached opens are entered", then from `first_slot` on one word an open: request × 4 +
/// mode, 0 for a free one. Any change of it is a new version: then a worker of another build gives
/// no passthrough.
///
/// One writer at a time; each word changes at once, so that a kill at any point leaves a whole one.
class OpenTable {
 public:
  static constexpr std::size_t slot_count = 4096;
  static constexpr std::size_t first_slot = 64;
  static constexpr std::size_t byte_size = (first_slot + slot_count) * 8;

  /// Memory for a new mount: an anonymous file that cannot change its size.
  [[nodiscard]] static Result<UniqueFd> make_memory();
  /// Errc::unsupported: not such memory, or of another version.
  [[nodiscard]] static Result<OpenTable> map(const UniqueFd& memory);
  ~OpenTable();
  OpenTable(OpenTable&& other) noexcept : words_(std::exchange(other.words_, nullptr)) {}
  OpenTable& operator=(OpenTable&&) = delete;

  /// The handle for the kernel, never 0. nullopt: full.
  [[nodiscard]] std::optional<std::uint64_t> add(std::uint64_t request, IoMode mode);
  void remove(std::uint64_t handle);
  /// Of an OPEN that is sent again.
  void remove_request(std::uint64_t request);
  [[nodiscard]] OpenCounts counts() const;

  /// A cached open found no place: whether one is held cannot be told any more.
  void set_uncounted();
  [[nodiscard]] bool uncounted() const;

  [[nodiscard]] Backing backing() const;
  void set_backing(const Backing& backing);

 private:
  using Word = std::atomic<std::uint64_t>;
  static_assert(Word::is_always_lock_free && sizeof(Word) == 8);

  explicit OpenTable(Word* words) : words_(words) {}
  [[nodiscard]] Word& slot(std::size_t index) const { return words_[first_slot + index]; }

  Word* words_;
};

}  // namespace weft::fs
