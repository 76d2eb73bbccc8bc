// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// The parts of the kernel's FUSE protocol (linux/fuse.h) that libfuse 3.14 does not export.
namespace weft::fs::abi {

struct InHeader {
  std::uint32_t len;
  std::uint32_t opcode;
  std::uint64_t unique;
  std::uint64_t nodeid;
  std::uint32_t uid;
  std::uint32_t gid;
  std::uint32_t pid;
  std::uint32_t padding;
};
static_assert(sizeof(InHeader) == 40);

struct OutHeader {
  std::uint32_t len;
  std::int32_t error;  ///< −errno; a notification code if unique is 0
  std::uint64_t unique;
};
static_assert(sizeof(OutHeader) == 16);

struct InterruptIn {
  std::uint64_t unique;  ///< of the request that is interrupted
};

struct InitIn {
  std::uint32_t major;
  std::uint32_t minor;
  std::uint32_t max_readahead;
  std::uint32_t flags;
  std::uint32_t flags2;  ///< only if `flags` has init_ext
};
static_assert(sizeof(InitIn) == 20);

struct InitOut {
  std::uint32_t major;
  std::uint32_t minor;
  std::uint32_t max_readahead;
  std::uint32_t flags;
  std::uint16_t max_background;
  std::uint16_t congestion_threshold;
  std::uint32_t max_write;
  std::uint32_t time_granularity;
  std::uint16_t max_pages;
  std::uint16_t map_alignment;
  std::uint32_t flags2;
  std::uint32_t max_stack_depth;
  std::uint32_t unused[6];
};
static_assert(sizeof(InitOut) == 64);

inline constexpr std::uint32_t init_ext = 1u << 30;
inline constexpr std::uint32_t init2_passthrough = 1u << (37 - 32);

struct OpenOut {
  std::uint64_t fh;
  std::uint32_t open_flags;
  std::int32_t backing_id;
};
static_assert(sizeof(OpenOut) == 16);

inline constexpr std::uint32_t open_direct_io = 1u << 0;
inline constexpr std::uint32_t open_keep_cache = 1u << 1;
/// Direct writers of one file do not wait for each other.
inline constexpr std::uint32_t open_parallel_direct_writes = 1u << 6;
/// The kernel reads from the backing file itself. With open_keep_cache: EIO.
inline constexpr std::uint32_t open_passthrough = 1u << 7;

struct BackingMap {
  std::int32_t descriptor;
  std::uint32_t flags;
  std::uint64_t padding;
};
static_assert(sizeof(BackingMap) == 16);

inline constexpr std::uint32_t opcode_interrupt = 36;
/// Asks the kernel to send every request again that was read but not answered; they come with
/// `resent` set in `unique`, and the answer must carry it too.
inline constexpr std::int32_t notify_resend = 7;
inline constexpr std::uint64_t resent = std::uint64_t{1} << 63;

/// Root of every FUSE file system.
inline constexpr std::uint64_t root_node = 1;
/// The image in a directory target. Fixed, so that a successor of this worker knows it.
inline constexpr std::uint64_t image_node = 2;

}  // namespace weft::fs::abi
