// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/frame.h"

#include <algorithm>
#include <iterator>

namespace weft::fetcher::wire {
namespace {

constexpr std::uint32_t range_size = 12;
constexpr std::uint32_t summary_size = 1 + max_name + 32 + 32 + 8 + 8 + 1;
constexpr std::uint32_t node_size = 1 + 8;
constexpr std::uint32_t node_run_size = 1 + 8 + 4;
constexpr std::uint32_t node_entry_size = node_size + block_size;

struct TypeInfo {
  MessageType type;
  std::string_view name;
  std::uint32_t max_payload;
  std::uint64_t feature = 0;
};

constexpr TypeInfo types[] = {
    {MessageType::hello, "hello", 32 + 1 + max_name},
    {MessageType::failure, "failure", 4 + max_failure_message},
    {MessageType::ping, "ping", 8},
    {MessageType::pong, "pong", 8},
    {MessageType::cancel, "cancel", 4},
    {MessageType::reprioritise, "reprioritise", 5},
    {MessageType::image_list_request, "image_list_request", 1 + max_name},
    {MessageType::image_list, "image_list", 3 + max_images_in_frame* summary_size},
    {MessageType::find_image_request, "find_image_request", 1 + max_name + 8},
    {MessageType::image_found, "image_found", summary_size + 3 + max_tree_height* node_entry_size},
    {MessageType::tree_nodes_request, "tree_nodes_request", 32 + 2 + max_nodes* node_size},
    {MessageType::tree_nodes, "tree_nodes", 3 + max_nodes_in_frame* node_entry_size},
    {MessageType::blocks_request, "blocks_request", 32 + 2 + max_ranges* range_size},
    {MessageType::blocks_by_digest_request, "blocks_by_digest_request", 2 + max_digests * 32},
    {MessageType::block_batch, "block_batch",
     11 + (blocks_per_batch + 2 * max_ranges) * range_size + blocks_per_batch* block_size},
    {MessageType::watch_residency, "watch_residency", 32 + 1},
    {MessageType::residency, "residency", 32 + 5 + 2 * max_ranges* range_size},
    {MessageType::signature_request, "signature_request", 32 + 4, feature_redundancy},
    {MessageType::signature_answer, "signature_answer", 5 + max_signature_part, feature_redundancy},
    {MessageType::have_request, "have_request", 5 + max_have_keys* max_key_bytes,
     feature_redundancy},
    {MessageType::have_answer, "have_answer", 4 + max_have_keys / 8, feature_redundancy},
    {MessageType::tree_pack_request, "tree_pack_request",
     32 + 1 + max_bases * 32 + 2 + max_node_runs* node_run_size, feature_tree_pack},
    {MessageType::tree_pack, "tree_pack",
     9 + max_node_runs * (2 * node_run_size + 1) + max_pack_piece, feature_tree_pack},
    {MessageType::swarm_request, "swarm_request", 32 + 4, feature_swarm},
    {MessageType::swarm_answer, "swarm_answer", 10 + max_swarm_partners * (16 + 1 + max_name),
     feature_swarm},
    {MessageType::profile_request, "profile_request", 32 + 1 + 4, feature_profiles},
    {MessageType::profile_answer, "profile_answer", 5 + max_profile_part, feature_profiles},
};
static_assert(std::ranges::all_of(types,
                                  [](const TypeInfo& t) { return t.max_payload <= max_payload; }));

const TypeInfo* find(MessageType type) {
  const auto* found = std::ranges::find(types, type, &TypeInfo::type);
  return found == std::end(types) ? nullptr : found;
}

}  // namespace

std::uint16_t version_of(MessageType type) noexcept {
  const bool frozen = type == MessageType::hello || type == MessageType::failure;
  return frozen ? frozen_version : protocol_version;
}

bool is_known(std::uint16_t version, MessageType type) noexcept {
  return find(type) != nullptr && version == version_of(type);
}

std::uint32_t max_payload_of(MessageType type) noexcept {
  const TypeInfo* info = find(type);
  return info == nullptr ? max_payload : info->max_payload;
}

std::uint64_t feature_of(MessageType type) noexcept {
  const TypeInfo* info = find(type);
  return info == nullptr ? 0 : info->feature;
}

std::string_view to_string(MessageType type) noexcept {
  const TypeInfo* info = find(type);
  return info == nullptr ? "unknown" : info->name;
}

}  // namespace weft::fetcher::wire
