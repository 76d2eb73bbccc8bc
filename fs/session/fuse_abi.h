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

struct OpenOut {
  std::uint64_t fh;
  std::uint32_t open_flags;
  std::int32_t backing_id;
};
static_assert(sizeof(OpenOut) == 16);

inline constexpr std::uint32_t open_direct_io = 1;
inline constexpr std::uint32_t open_keep_cache = 2;
inline constexpr std::uint32_t open_parallel_direct_writes = 64;

inline constexpr std::uint32_t opcode_interrupt = 36;
/// Asks the kernel to send every request again that was read but not answered; they come with bit
/// 63 of `unique` set, and the answer must carry it too.
inline constexpr std::int32_t notify_resend = 7;

/// Root of every FUSE file system.
inline constexpr std::uint64_t root_node = 1;
/// The image in a directory target. Fixed, so that a successor of this worker knows it.
inline constexpr std::uint64_t image_node = 2;

}  // namespace weft::fs::abi
