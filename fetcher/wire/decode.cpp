// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/bounds.h"
#include "fetcher/wire/bytes.h"
#include "fetcher/wire/codec.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace weft::fetcher::wire {
namespace {

constexpr std::size_t range_size = 12;
constexpr std::size_t node_size = 9;
constexpr std::size_t node_entry_size = node_size + block_size;
constexpr std::size_t node_run_size = 13;
constexpr std::size_t min_summary_size = 1 + 32 + 32 + 8 + 8 + 1;

std::string get_text(ByteReader& in, std::size_t size) {
  const auto raw = in.take(size);
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

std::string get_name(ByteReader& in) {
  return get_text(in, in.get<std::uint8_t>());
}

/// A byte of flags; unknown bits are an error, so that each message has one encoding.
std::uint8_t get_flags(ByteReader& in, std::uint8_t known) {
  const auto flags = in.get<std::uint8_t>();
  in.require((flags & ~known) == 0);
  return flags;
}

/// `count` elements of at least `size` bytes follow: true if they can.
bool follow(ByteReader& in, std::size_t count, std::size_t size, std::size_t limit) {
  in.require(count <= limit && count * size <= in.left());
  return in.ok();
}

std::vector<BlockRange> get_ranges(ByteReader& in, std::size_t count, std::size_t limit) {
  std::vector<BlockRange> ranges;
  if (!follow(in, count, range_size, limit)) return ranges;
  ranges.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const BlockIndex first(in.get<std::uint64_t>());
    ranges.push_back({first, BlockCount(in.get<std::uint32_t>())});
  }
  return ranges;
}

TreeNode get_node(ByteReader& in) {
  const auto level = in.get<std::uint8_t>();
  return {.level = level, .index = in.get<std::uint64_t>()};
}

void get(ByteReader& in, Hello& m) {
  in.require(get_text(in, 4) == "weft");
  m.version_min = in.get<std::uint16_t>();
  m.version_max = in.get<std::uint16_t>();
  m.features = in.get<std::uint64_t>();
  m.node = in.get_id<NodeId>();
  m.name = get_name(in);
}

void get(ByteReader& in, ImageSummary& m) {
  m.name = get_name(in);
  m.info.id = in.get_id<ImageId>();
  m.info.root = in.get_id<Digest>();
  m.info.size = ByteCount(in.get<std::uint64_t>());
  m.available = BlockCount(in.get<std::uint64_t>());
  m.complete = get_flags(in, 1) != 0;
}

void get(ByteReader& in, ImageListRequest& m) {
  m.after = get_name(in);
}

void get(ByteReader& in, ImageList& m) {
  m.more = get_flags(in, 1) != 0;
  const auto count = in.get<std::uint16_t>();
  if (!follow(in, count, min_summary_size, max_images_in_frame)) return;
  m.images.resize(count);
  for (ImageSummary& image : m.images)
    get(in, image);
}

void get(ByteReader& in, FindImageRequest& m) {
  m.name_or_id = get_name(in);
  m.first_read = BlockIndex(in.get<std::uint64_t>());
}

void get(ByteReader& in, TreeNodes& m) {
  m.more = get_flags(in, 1) != 0;
  const auto count = in.get<std::uint16_t>();
  if (!follow(in, count, node_entry_size, max_nodes_in_frame)) return;
  m.nodes.resize(count);
  for (TreeNodes::Entry& entry : m.nodes) {
    entry.node = get_node(in);
    std::memcpy(entry.bytes.data(), in.take(block_size).data(), block_size);
  }
}

void get(ByteReader& in, ImageFound& m) {
  get(in, m.image);
  get(in, m.path);
}

void get(ByteReader& in, TreeNodesRequest& m) {
  m.image = in.get_id<ImageId>();
  const auto count = in.get<std::uint16_t>();
  if (!follow(in, count, node_size, max_nodes)) return;
  m.nodes.resize(count);
  for (TreeNode& node : m.nodes)
    node = get_node(in);
}

void get(ByteReader& in, BlocksRequest& m) {
  m.image = in.get_id<ImageId>();
  m.ranges = get_ranges(in, in.get<std::uint16_t>(), max_ranges);
}

void get(ByteReader& in, BlocksByDigestRequest& m) {
  const auto count = in.get<std::uint16_t>();
  if (!follow(in, count, Digest::size, max_digests)) return;
  m.digests.resize(count);
  for (Digest& digest : m.digests)
    digest = in.get_id<Digest>();
}

void get(ByteReader& in, BlockBatch& m) {
  const auto flags = get_flags(in, 3);
  m.last = (flags & 1) != 0;
  m.compressed = (flags & 2) != 0;
  const auto ranges = in.get<std::uint16_t>();
  const auto zero = in.get<std::uint16_t>();
  const auto absent = in.get<std::uint16_t>();
  const auto packed = in.get<std::uint32_t>();
  m.ranges = get_ranges(in, ranges, blocks_per_batch);
  m.zero = get_ranges(in, zero, max_ranges);
  m.absent = get_ranges(in, absent, max_ranges);
  const auto raw = in.take(packed);
  m.packed.assign(raw.begin(), raw.end());
}

void get(ByteReader& in, Cancel& m) {
  m.request = in.get<std::uint32_t>();
}

void get(ByteReader& in, Reprioritise& m) {
  m.request = in.get<std::uint32_t>();
  m.priority = Priority{in.get<std::uint8_t>()};
}

void get(ByteReader& in, WatchResidency& m) {
  m.image = in.get_id<ImageId>();
  m.watch = get_flags(in, 1) != 0;
}

void get(ByteReader& in, Residency& m) {
  m.image = in.get_id<ImageId>();
  m.complete = get_flags(in, 1) != 0;
  const auto added = in.get<std::uint16_t>();
  const auto removed = in.get<std::uint16_t>();
  m.added = get_ranges(in, added, max_ranges);
  m.removed = get_ranges(in, removed, max_ranges);
}

void get(ByteReader& in, Ping& m) {
  m.token = in.get<std::uint64_t>();
}

void get(ByteReader& in, Pong& m) {
  m.token = in.get<std::uint64_t>();
}

void get(ByteReader& in, Failure& m) {
  m.code = in.get<std::uint16_t>();
  const auto size = in.get<std::uint16_t>();
  in.require(size <= max_failure_message);
  m.message = get_text(in, size);
}

NodeRun get_run(ByteReader& in) {
  const auto level = in.get<std::uint8_t>();
  const auto first = in.get<std::uint64_t>();
  return {.level = level, .first = first, .count = in.get<std::uint32_t>()};
}

void get(ByteReader& in, TreePackRequest& m) {
  m.image = in.get_id<ImageId>();
  const auto bases = in.get<std::uint8_t>();
  if (!follow(in, bases, ImageId::size, max_bases)) return;
  m.bases.resize(bases);
  for (ImageId& base : m.bases)
    base = in.get_id<ImageId>();
  const auto runs = in.get<std::uint16_t>();
  if (!follow(in, runs, node_run_size, max_node_runs)) return;
  m.nodes.resize(runs);
  for (NodeRun& run : m.nodes)
    run = get_run(in);
}

void get(ByteReader& in, TreePack& m) {
  const auto flags = get_flags(in, 3);
  m.more = (flags & 1) != 0;
  m.continued = (flags & 2) != 0;
  const auto nodes = in.get<std::uint16_t>();
  const auto prefix = in.get<std::uint16_t>();
  const auto bytes = in.get<std::uint32_t>();
  if (!follow(in, nodes, node_run_size, max_node_runs)) return;
  m.nodes.resize(nodes);
  for (NodeRun& run : m.nodes)
    run = get_run(in);
  if (!follow(in, prefix, node_run_size + 1, max_node_runs)) return;
  m.prefix.resize(prefix);
  for (PrefixRun& run : m.prefix) {
    run.base = in.get<std::uint8_t>();
    run.nodes = get_run(in);
  }
  const auto raw = in.take(bytes);
  m.bytes.assign(raw.begin(), raw.end());
}

void get(ByteReader& in, SignatureRequest& m) {
  m.image = in.get_id<ImageId>();
  m.max_keys = in.get<std::uint32_t>();
}

void get(ByteReader& in, SignatureAnswer& m) {
  m.more = get_flags(in, 1) != 0;
  const auto raw = in.take(in.get<std::uint32_t>());
  m.part.assign(raw.begin(), raw.end());
}

void get(ByteReader& in, ProfileRequest& m) {
  m.image = in.get_id<ImageId>();
  m.relatives = get_flags(in, 1) != 0;
  m.max_entries = in.get<std::uint32_t>();
}

void get(ByteReader& in, ProfileAnswer& m) {
  m.more = get_flags(in, 1) != 0;
  const auto raw = in.take(in.get<std::uint32_t>());
  m.part.assign(raw.begin(), raw.end());
}

void get(ByteReader& in, HaveRequest& m) {
  m.key_bytes = in.get<std::uint8_t>();
  in.require(m.key_bytes >= min_key_bytes && m.key_bytes <= max_key_bytes);
  const auto count = in.get<std::uint32_t>();
  if (!follow(in, count, m.key_bytes, max_have_keys)) return;
  m.keys.resize(count);
  for (std::uint64_t& key : m.keys) {
    const auto raw = in.take(m.key_bytes);
    for (std::size_t i = 0; i < raw.size(); ++i)
      key |= static_cast<std::uint64_t>(raw[i]) << (8 * i);
  }
}

void get(ByteReader& in, HaveAnswer& m) {
  const auto count = in.get<std::uint32_t>();
  in.require(count <= max_have_keys);
  const auto raw = in.take((std::size_t{count} + 7) / 8);
  if (!in.ok()) return;
  m.held.resize(count);
  for (std::size_t i = 0; i < count; ++i)
    m.held[i] = ((raw[i / 8] >> (i % 8)) & std::byte{1}) != std::byte{0};
  // The bits that stand for no key are zero: one encoding.
  in.require(count % 8 == 0 || (raw.back() >> (count % 8)) == std::byte{0});
}

void get(ByteReader& in, SwarmRequest& m) {
  m.image = in.get_id<ImageId>();
  m.port = in.get<std::uint16_t>();
  m.complete = get_flags(in, 1) != 0;
  m.most = in.get<std::uint8_t>();
}

void get(ByteReader& in, SwarmAnswer& m) {
  m.origin = get_flags(in, 1) != 0;
  m.members = in.get<std::uint32_t>();
  m.slot = in.get<std::uint32_t>();
  const auto count = in.get<std::uint8_t>();
  if (!follow(in, count, NodeId::size + 1, max_swarm_partners)) return;
  m.partners.resize(count);
  for (SwarmPartner& partner : m.partners) {
    partner.node = in.get_id<NodeId>();
    partner.address = get_name(in);
  }
}

template <std::size_t index = 0>
std::optional<Message> empty_message(MessageType type) {
  if constexpr (index < std::variant_size_v<Message>) {
    Message message(std::in_place_index<index>);
    if (type_of(message) == type) return message;
    return empty_message<index + 1>(type);
  } else {
    return std::nullopt;
  }
}

std::string described(MessageType type, std::string_view trouble) {
  return std::string(to_string(type)) + " message " + std::string(trouble);
}

}  // namespace

Result<void> check(const Message& message) {
  if (std::visit([](const auto& m) { return in_bounds(m); }, message)) return {};
  return fail(Errc::bad_request, Operation::send,
              described(type_of(message), "is out of the protocol's bounds"));
}

Result<Message> decode(std::span<const std::byte> payload, MessageType type) {
  auto message = empty_message(type);
  if (!message) {
    return fail(Errc::peer_misbehaved, Operation::decode,
                "message of unknown type " + std::to_string(std::to_underlying(type)));
  }
  ByteReader in(payload);
  std::visit([&in](auto& m) { get(in, m); }, *message);
  if (!in.ok()) {
    return fail(Errc::peer_misbehaved, Operation::decode, described(type, "is cut short"));
  }
  if (in.left() > 0) {
    return fail(Errc::peer_misbehaved, Operation::decode, described(type, "has bytes left over"));
  }
  if (!std::visit([](const auto& m) { return in_bounds(m); }, *message)) {
    return fail(Errc::peer_misbehaved, Operation::decode,
                described(type, "is out of the protocol's bounds"));
  }
  return *std::move(message);
}

}  // namespace weft::fetcher::wire
