// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/store.h"

// What a store and an image do that know of no others: test doubles of what needs no sharing.
namespace weft {

std::vector<Result<void>> LocalImage::add_nodes(std::span<const PlacedNode> nodes) {
  std::vector<Result<void>> outcomes;
  outcomes.reserve(nodes.size());
  for (const PlacedNode& placed : nodes)
    outcomes.push_back(add_node(placed.node, placed.bytes));
  return outcomes;
}

Result<BlockCount> LocalImage::resolve(BlockRange /*range*/) {
  return BlockCount(0);
}

Result<BlockRange> LocalImage::make_whole(BlockRange /*rest*/) {
  return fail(Errc::unsupported, Operation::verify);
}

Result<void> LocalImage::clone_into(File& /*file*/) {
  return fail(Errc::unsupported, Operation::write);
}

Result<std::vector<bool>> Store::read_blocks_by_digest(std::span<const Digest> digests,
                                                       std::span<std::byte> blocks) {
  if (blocks.size() != digests.size() * block_size) {
    return fail(Errc::bad_request, Operation::read, "a block is 4096 bytes");
  }
  std::vector<bool> found;
  for (std::size_t i = 0; i < digests.size(); ++i) {
    const auto read = read_by_digest(digests[i], blocks.subspan(i * block_size, block_size));
    if (!read && !read.error().is(Errc::not_resident)) return std::unexpected(read.error());
    found.push_back(read.has_value());
  }
  return found;
}

Result<Signature> Store::signature(const ImageId& id, std::size_t /*max_keys*/) {
  return fail(Errc::not_resident, Operation::index, "signature of " + to_hex(id));
}

Result<void> Store::learn_signature(const Signature& /*signature*/) {
  return {};
}

Result<std::vector<ImageId>> Store::signatures_known() {
  return std::vector<ImageId>{};
}

Result<std::vector<Relative>> Store::relatives(const ImageId& /*id*/) {
  return std::vector<Relative>{};
}

Result<std::vector<bool>> Store::holds(std::span<const std::uint64_t> keys,
                                       unsigned /*key_bytes*/) {
  return std::vector<bool>(keys.size());
}

Result<void> Store::add_profile(const ImageId& /*image*/, const ProfileRow& /*row*/) {
  return {};
}

Result<std::vector<ProfileRow>> Store::profiles(const ImageId& /*image*/) {
  return std::vector<ProfileRow>{};
}

Result<void> Store::profile_used(const ImageId& /*image*/) {
  return {};
}

Result<bool> Store::drop_profiles(const ImageId& /*image*/) {
  return false;
}

Result<std::vector<ImageId>> Store::profiled_images() {
  return std::vector<ImageId>{};
}

}  // namespace weft
