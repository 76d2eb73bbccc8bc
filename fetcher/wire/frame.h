// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/wire/messages.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

/// The envelope of every message (WIRE.md §2): header, payload, XXH3-64 of both. Little-endian.
/// This layout is the same in every version of the protocol.
namespace weft::fetcher::wire {

inline constexpr std::size_t header_size = 16;
inline constexpr std::size_t trailer_size = 8;

/// Version of the frames whose layout no version changes: Hello and Failure.
inline constexpr std::uint16_t frozen_version = 0;

enum class MessageType : std::uint8_t {
  hello = 1,
  failure = 2,
  ping = 3,
  pong = 4,
  cancel = 5,
  reprioritise = 6,
  image_list_request = 16,
  image_list = 17,
  find_image_request = 18,
  image_found = 19,
  tree_nodes_request = 20,
  tree_nodes = 21,
  blocks_request = 32,
  blocks_by_digest_request = 33,
  block_batch = 34,
  watch_residency = 48,
  residency = 49,
  signature_request = 64,
  signature_answer = 65,
  have_request = 66,
  have_answer = 67,
  tree_pack_request = 72,
  tree_pack = 73,
  swarm_request = 80,
  swarm_answer = 81,
  profile_request = 88,
  profile_answer = 89,
};

/// What this implementation knows beyond version 1: the features of its Hello.
inline constexpr std::uint64_t supported_features =
    feature_redundancy | feature_tree_pack | feature_swarm | feature_profiles;

struct FrameHeader {
  std::uint32_t length = 0;  ///< bytes of payload
  std::uint16_t version = protocol_version;
  MessageType type{};  ///< any value, if it came from a peer
  Priority priority = Priority::control;
  std::uint32_t request = 0;  ///< 0: belongs to no request
  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

/// A whole frame whose hash was right. `known` is false where this node does not speak the version
/// or type: the payload was skipped without being kept.
struct Frame {
  FrameHeader header;
  bool known = true;
  std::vector<std::byte> payload;

  [[nodiscard]] std::size_t wire_size() const { return header_size + header.length + trailer_size; }
};

/// The version in which a message of this type is sent.
[[nodiscard]] std::uint16_t version_of(MessageType type) noexcept;
[[nodiscard]] bool is_known(std::uint16_t version, MessageType type) noexcept;
/// Longest payload of a known type; max_payload for an unknown one.
[[nodiscard]] std::uint32_t max_payload_of(MessageType type) noexcept;
/// The bit of Hello::features without which messages of this type are not sent; 0: none is needed.
[[nodiscard]] std::uint64_t feature_of(MessageType type) noexcept;
/// For logs: "block_batch"; "unknown".
[[nodiscard]] std::string_view to_string(MessageType type) noexcept;

}  // namespace weft::fetcher::wire
