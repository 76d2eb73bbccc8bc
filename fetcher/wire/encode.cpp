// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/bytes.h"
#include "fetcher/wire/codec.h"
#include "indexer/core/assert.h"
#include "indexer/core/hash.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace weft::fetcher::wire {
namespace {

constexpr std::array<MessageType, std::variant_size_v<Message>> type_by_index = {
    MessageType::hello,
    MessageType::image_list_request,
    MessageType::image_list,
    MessageType::find_image_request,
    MessageType::image_found,
    MessageType::tree_nodes_request,
    MessageType::tree_nodes,
    MessageType::blocks_request,
    MessageType::blocks_by_digest_request,
    MessageType::block_batch,
    MessageType::cancel,
    MessageType::reprioritise,
    MessageType::watch_residency,
    MessageType::residency,
    MessageType::ping,
    MessageType::pong,
    MessageType::failure,
    MessageType::tree_pack_request,
    MessageType::tree_pack,
    MessageType::signature_request,
    MessageType::signature_answer,
    MessageType::have_request,
    MessageType::have_answer,
    MessageType::swarm_request,
    MessageType::swarm_answer,
    MessageType::profile_request,
    MessageType::profile_answer,
};

std::uint16_t count16(std::size_t count) {
  WEFT_ASSERT(count <= 0xffff, "a list is longer than the protocol allows");
  return static_cast<std::uint16_t>(count);
}

std::uint32_t count32(std::size_t count) {
  WEFT_ASSERT(count <= max_payload, "a list is longer than the protocol allows");
  return static_cast<std::uint32_t>(count);
}

std::uint8_t flag(bool value, unsigned bit = 0) {
  return static_cast<std::uint8_t>(value ? 1u << bit : 0u);
}

void put_name(ByteWriter& out, std::string_view name) {
  WEFT_ASSERT(name.size() <= max_name, "a name is longer than the protocol allows");
  out.put(static_cast<std::uint8_t>(name.size()));
  out.put_text(name);
}

void put_ranges(ByteWriter& out, const std::vector<BlockRange>& ranges) {
  for (const BlockRange& range : ranges) {
    out.put(range.first.value());
    out.put(static_cast<std::uint32_t>(range.count.value()));
  }
}

void put_node(ByteWriter& out, TreeNode node) {
  out.put(node.level);
  out.put(node.index);
}

void put(ByteWriter& out, const Hello& m) {
  out.put_text("weft");
  out.put(m.version_min);
  out.put(m.version_max);
  out.put(m.features);
  out.put(m.node);
  put_name(out, m.name);
}

void put(ByteWriter& out, const ImageSummary& m) {
  put_name(out, m.name);
  out.put(m.info.id);
  out.put(m.info.root);
  out.put(m.info.size.value());
  out.put(m.available.value());
  out.put(flag(m.complete));
}

void put(ByteWriter& out, const ImageListRequest& m) {
  put_name(out, m.after);
}

void put(ByteWriter& out, const ImageList& m) {
  out.put(flag(m.more));
  out.put(count16(m.images.size()));
  for (const ImageSummary& image : m.images)
    put(out, image);
}

void put(ByteWriter& out, const FindImageRequest& m) {
  put_name(out, m.name_or_id);
  out.put(m.first_read.value());
}

void put(ByteWriter& out, const TreeNodes& m) {
  out.put(flag(m.more));
  out.put(count16(m.nodes.size()));
  for (const TreeNodes::Entry& entry : m.nodes) {
    put_node(out, entry.node);
    out.put(std::span<const std::byte>(entry.bytes));
  }
}

void put(ByteWriter& out, const ImageFound& m) {
  put(out, m.image);
  put(out, m.path);
}

void put(ByteWriter& out, const TreeNodesRequest& m) {
  out.put(m.image);
  out.put(count16(m.nodes.size()));
  for (const TreeNode node : m.nodes)
    put_node(out, node);
}

void put(ByteWriter& out, const BlocksRequest& m) {
  out.put(m.image);
  out.put(count16(m.ranges.size()));
  put_ranges(out, m.ranges);
}

void put(ByteWriter& out, const BlocksByDigestRequest& m) {
  out.put(count16(m.digests.size()));
  for (const Digest& digest : m.digests)
    out.put(digest);
}

void put(ByteWriter& out, const BlockBatch& m) {
  out.put(static_cast<std::uint8_t>(flag(m.last) | flag(m.compressed, 1)));
  out.put(count16(m.ranges.size()));
  out.put(count16(m.zero.size()));
  out.put(count16(m.absent.size()));
  out.put(static_cast<std::uint32_t>(m.packed.size()));
  put_ranges(out, m.ranges);
  put_ranges(out, m.zero);
  put_ranges(out, m.absent);
  out.put(std::span<const std::byte>(m.packed));
}

void put(ByteWriter& out, const Cancel& m) {
  out.put(m.request);
}

void put(ByteWriter& out, const Reprioritise& m) {
  out.put(m.request);
  out.put(std::to_underlying(m.priority));
}

void put(ByteWriter& out, const WatchResidency& m) {
  out.put(m.image);
  out.put(flag(m.watch));
}

void put(ByteWriter& out, const Residency& m) {
  out.put(m.image);
  out.put(flag(m.complete));
  out.put(count16(m.added.size()));
  out.put(count16(m.removed.size()));
  put_ranges(out, m.added);
  put_ranges(out, m.removed);
}

void put(ByteWriter& out, const Ping& m) {
  out.put(m.token);
}

void put(ByteWriter& out, const Pong& m) {
  out.put(m.token);
}

void put(ByteWriter& out, const Failure& m) {
  out.put(m.code);
  out.put(count16(m.message.size()));
  out.put_text(m.message);
}

void put_run(ByteWriter& out, const NodeRun& run) {
  out.put(run.level);
  out.put(run.first);
  out.put(run.count);
}

void put(ByteWriter& out, const TreePackRequest& m) {
  out.put(m.image);
  out.put(static_cast<std::uint8_t>(m.bases.size()));
  for (const ImageId& base : m.bases)
    out.put(base);
  out.put(count16(m.nodes.size()));
  for (const NodeRun& run : m.nodes)
    put_run(out, run);
}

void put(ByteWriter& out, const TreePack& m) {
  out.put(static_cast<std::uint8_t>(flag(m.more) | flag(m.continued, 1)));
  out.put(count16(m.nodes.size()));
  out.put(count16(m.prefix.size()));
  out.put(static_cast<std::uint32_t>(m.bytes.size()));
  for (const NodeRun& run : m.nodes)
    put_run(out, run);
  for (const PrefixRun& run : m.prefix) {
    out.put(run.base);
    put_run(out, run.nodes);
  }
  out.put(std::span<const std::byte>(m.bytes));
}

void put(ByteWriter& out, const SignatureRequest& m) {
  out.put(m.image);
  out.put(m.max_keys);
}

void put(ByteWriter& out, const SignatureAnswer& m) {
  out.put(flag(m.more));
  out.put(count32(m.part.size()));
  out.put(std::span<const std::byte>(m.part));
}

void put(ByteWriter& out, const ProfileRequest& m) {
  out.put(m.image);
  out.put(flag(m.relatives));
  out.put(m.max_entries);
}

void put(ByteWriter& out, const ProfileAnswer& m) {
  out.put(flag(m.more));
  out.put(count32(m.part.size()));
  out.put(std::span<const std::byte>(m.part));
}

void put(ByteWriter& out, const HaveRequest& m) {
  out.put(m.key_bytes);
  out.put(count32(m.keys.size()));
  for (const std::uint64_t key : m.keys) {
    for (unsigned i = 0; i < m.key_bytes; ++i)
      out.put(static_cast<std::uint8_t>(i < 8 ? key >> (8 * i) : 0));
  }
}

void put(ByteWriter& out, const HaveAnswer& m) {
  out.put(count32(m.held.size()));
  for (std::size_t at = 0; at < m.held.size(); at += 8) {
    std::uint8_t bits = 0;
    for (std::size_t i = at; i < std::min(at + 8, m.held.size()); ++i)
      bits = static_cast<std::uint8_t>(bits | flag(m.held[i], static_cast<unsigned>(i - at)));
    out.put(bits);
  }
}

void put(ByteWriter& out, const SwarmRequest& m) {
  out.put(m.image);
  out.put(m.port);
  out.put(flag(m.complete));
  out.put(m.most);
}

void put(ByteWriter& out, const SwarmAnswer& m) {
  out.put(flag(m.origin));
  out.put(m.members);
  out.put(m.slot);
  out.put(static_cast<std::uint8_t>(m.partners.size()));
  for (const SwarmPartner& partner : m.partners) {
    out.put(partner.node);
    put_name(out, partner.address);
  }
}

std::size_t size_hint(const Message& message) {
  if (const auto* pack = std::get_if<TreePack>(&message)) return pack->bytes.size() + 1024;
  const auto* batch = std::get_if<BlockBatch>(&message);
  return batch == nullptr ? 64 : batch->packed.size() + 1024;
}

}  // namespace

MessageType type_of(const Message& message) noexcept {
  return type_by_index[message.index()];
}

std::vector<std::byte> encode(const Message& message, std::uint32_t request, Priority priority) {
  const MessageType type = type_of(message);
  ByteWriter out;
  out.reserve(size_hint(message));
  out.put(std::uint32_t{0});  // the length, known below
  out.put(version_of(type));
  out.put(std::to_underlying(type));
  out.put(std::to_underlying(priority));
  out.put(request);
  out.put(std::uint32_t{0});  // flags
  std::visit([&out](const auto& m) { put(out, m); }, message);
  std::vector<std::byte>& bytes = out.bytes();
  const std::size_t length = bytes.size() - header_size;
  WEFT_ASSERT(length <= max_payload_of(type), "a message is longer than the protocol allows");
  for (std::size_t i = 0; i < 4; ++i)
    bytes[i] = static_cast<std::byte>(length >> (8 * i));
  out.put(xxh3(bytes));
  return std::move(bytes);
}

}  // namespace weft::fetcher::wire
