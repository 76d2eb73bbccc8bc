// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/supervisor/fuse_mount.h"
#include "fs/supervisor/mount_keeper.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

/// What worker and supervisor say to each other. Pure codec; the descriptors travel beside the
/// bytes (packet_socket.h).
///
/// One datagram = one message: magic, version, type, request id, body; integers little-endian,
/// strings and byte strings with a 32-bit length before them. The worker calls, the supervisor
/// answers with the same request id, and in order but for what an upgrade waits for. Worker and
/// supervisor may be of different builds (an upgrade replaces the worker), so the layout of a
/// version never changes. Messages may be added at the end: an older supervisor does not answer a
/// call that it does not know, so that its caller must be able to do without.
///
/// State of any size fits: mounts are handed over one by one (`InheritedCall{after}`), and a
/// mount's descriptors beyond the first `descriptors_per_packet` follow in `DescriptorsReply`
/// packets.
namespace weft::fs::supervision {

inline constexpr std::uint16_t protocol_version = 1;
inline constexpr std::size_t max_description = std::size_t{64} << 10;
inline constexpr std::size_t max_text = 4096;  ///< paths, error details, the INIT request
inline constexpr std::size_t max_packet = std::size_t{80} << 10;
/// The kernel's limit for one message (SCM_MAX_FD).
inline constexpr std::size_t descriptors_per_packet = 253;

// Calls.
struct ReadyCall {};
struct MountCall {
  MountSpec spec;
  std::uint32_t channels = 0;
};
struct UnmountCall {
  MountKey key{};
  bool force = false;
};
/// The inherited mount with the smallest key above `after`.
struct InheritedCall {
  MountKey after{};
};
struct ForgetCall {
  MountKey key{};
};

// Calls of an upgrade (hand_over.h); their answers may come after those of later calls.
/// Start `binary` as the candidate. `StandingByReply` when it can take over: suspend, then
/// `HandOverCall`.
struct UpgradeCall {
  std::string binary;
};
/// Nothing is served and the state directory is free. Done: the successor serves, end. Failed:
/// there is none, go on serving; what `InheritedCall` tells is asked for again.
struct HandOverCall {};
/// Of a candidate: it could serve. Done: now.
struct StandByCall {
  std::string build;
};
/// Of a candidate: it cannot, and ends.
struct RefuseCall {
  Error error;
};

// Answers.
struct DoneReply {};
struct FailedReply {
  Error error;
};
struct MountReply {
  MountKey key{};
  MountSpec spec;
  DeviceId device;
  std::vector<std::byte> init_request{};
  bool inherited = false;
  std::uint32_t channels = 0;  ///< in all; this packet carries the first of them
};
/// More channels of the `MountReply` before it.
struct DescriptorsReply {};
/// No further inherited mount.
struct EndReply {};

/// The memory for the opens of a mount (`MountHandle::opens`).
struct OpensCall {
  MountKey key{};
};
/// Carries its descriptor.
struct OpensReply {};

/// Of an `UpgradeCall`.
struct StandingByReply {
  std::uint32_t process_id = 0;
  std::string build;
};

/// The place of a type is its number on the wire: new ones come at the end.
using Message =
    std::variant<ReadyCall, MountCall, UnmountCall, InheritedCall, ForgetCall, DoneReply,
                 FailedReply, MountReply, DescriptorsReply, EndReply, UpgradeCall, HandOverCall,
                 StandByCall, RefuseCall, StandingByReply, OpensCall, OpensReply>;

struct Packet {
  std::uint64_t request = 0;
  Message message;
};

/// Texts longer than their limit must have been refused before; error details are cut.
[[nodiscard]] std::vector<std::byte> encode(const Packet& packet);

/// Errc::unsupported: another version. Errc::bad_request: anything else that is not exactly one
/// packet. Takes no more memory than `bytes` has.
[[nodiscard]] Result<Packet> decode(std::span<const std::byte> bytes);

/// Whether `spec` fits into a packet; Errc::bad_request says what does not.
[[nodiscard]] Result<void> check_limits(const MountSpec& spec);

}  // namespace weft::fs::supervision
