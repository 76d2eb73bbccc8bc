// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fetcher/memory_store.h"

#include "indexer/tree/tree_builder.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <string_view>
#include <utility>

namespace weft::fetcher::testing {
namespace {

std::vector<std::byte> padded(std::vector<std::byte> content) {
  content.resize(bytes_of(blocks_for(ByteCount(content.size()))).value());
  return content;
}

std::unexpected<Error> unsupported() {
  return fail(Errc::unsupported, Operation::none, "a store in memory");
}

}  // namespace

MemoryImage::MemoryImage(std::vector<std::byte> content)
    : content_(padded(std::move(content))), shape_(ByteCount(content_.size())) {
  for (std::size_t at = 0; at < content_.size(); at += block_size) {
    digests_.push_back(digest_of_block(std::span(content_).subspan(at, block_size)));
  }
  here_.assign(digests_.size(), true);
  TreeBuilder builder(shape_.image_size(), [this](TreeNode node, const NodeBytes& bytes) {
    nodes_[node] = bytes;
    return Result<void>();
  });
  const bool built = builder.append(digests_).has_value();
  const Digest root = built ? *builder.finish() : Digest{};
  info_ = {make_image_id(shape_.image_size(), root), shape_.image_size(), root};
}

void MemoryImage::drop(BlockRange blocks) {
  for (BlockIndex b = blocks.first; b < blocks.end(); ++b)
    here_[b.value()] = false;
  ++generation_;
}

void MemoryImage::restore(BlockRange blocks) {
  for (BlockIndex b = blocks.first; b < blocks.end(); ++b)
    here_[b.value()] = true;
  ++generation_;
}

std::span<const std::byte> MemoryImage::block(BlockIndex block) const {
  return std::span(content_).subspan(offset_of(block).value(), block_size);
}

Result<Digest> MemoryImage::block_digest(BlockIndex block) {
  return digests_[block.value()];
}

Result<NodeBytes> MemoryImage::node(TreeNode node) {
  if (lost_nodes_.contains(node)) return fail(Errc::not_resident, Operation::read);
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? NodeBytes{} : found->second;
}

Result<std::optional<TreeNode>> MemoryImage::first_missing_node(BlockIndex block) {
  for (const TreeNode node : shape_.path_to(block)) {
    if (lost_nodes_.contains(node)) return node;
  }
  return std::nullopt;
}

Result<void> MemoryImage::add_node(TreeNode node, std::span<const std::byte>) {
  lost_nodes_.erase(node);
  return {};
}

bool MemoryImage::readable(BlockRange range) const noexcept {
  return !next_missing(range);
}

std::optional<BlockRange> MemoryImage::next_missing(BlockRange range) const {
  const auto missing = [this](BlockIndex b) {
    return !here_[b.value()] && !digests_[b.value()].is_zero();
  };
  BlockIndex first = range.first;
  while (first < range.end() && !missing(first))
    ++first;
  BlockIndex end = first;
  while (end < range.end() && missing(end))
    ++end;
  if (first == end) return std::nullopt;
  return BlockRange::between(first, end);
}

std::optional<BlockRange> MemoryImage::next_data(BlockRange range) {
  const auto zero = [this](BlockIndex b) { return digests_[b.value()].is_zero(); };
  BlockIndex first = range.first;
  while (first < range.end() && zero(first))
    ++first;
  BlockIndex end = first;
  while (end < range.end() && !zero(end))
    ++end;
  if (first == end) return std::nullopt;
  return BlockRange::between(first, end);
}

Result<void> MemoryImage::read(ByteOffset offset, std::span<std::byte> out) {
  const BlockRange blocks = blocks_touched(offset, ByteCount(out.size()));
  bool sound = readable(blocks);
  for (BlockIndex b = blocks.first; b < blocks.end(); ++b)
    sound = sound && !damaged_.contains(b);
  if (!sound) return fail(Errc::not_resident, Operation::read);
  std::memcpy(out.data(), content_.data() + offset.value(), out.size());
  return {};
}

Result<void> MemoryImage::commit(BlockRange range, std::span<const std::byte> bytes) {
  if (!std::ranges::equal(bytes, std::span(content_).subspan(offset_of(range.first).value(),
                                                             bytes_of(range.count).value()))) {
    return fail(Errc::digest_mismatch, Operation::commit);
  }
  restore(range);
  return {};
}

ImageUsage MemoryImage::usage() const {
  ImageUsage usage{.total = shape_.blocks(),
                   .zero = {},
                   .resident = {},
                   .borrowed = {},
                   .missing = {},
                   .physical = ByteCount(content_.size())};
  for (std::size_t i = 0; i < digests_.size(); ++i) {
    BlockCount& kind = digests_[i].is_zero() ? usage.zero
                       : here_[i]            ? usage.resident
                                             : usage.missing;
    kind += BlockCount(1);
  }
  usage.complete = usage.missing == BlockCount(0) && lost_nodes_.empty();
  return usage;
}

std::shared_ptr<MemoryImage> MemoryStore::add(std::string name, std::vector<std::byte> content) {
  auto image = std::make_shared<MemoryImage>(std::move(content));
  images_[std::move(name)] = image;
  return image;
}

Result<std::vector<ImageEntry>> MemoryStore::list() {
  std::vector<ImageEntry> entries;
  for (const auto& [name, image] : images_) {
    entries.push_back({.name = name, .info = image->info(), .usage = image->usage(), .source = {}});
  }
  return entries;
}

Result<ImageEntry> MemoryStore::find(std::string_view name_or_id) {
  WEFT_TRY(const auto entries, list());
  for (const ImageEntry& entry : entries) {
    if (entry.name == name_or_id || to_hex(entry.info.id) == name_or_id) return entry;
  }
  return fail(Errc::unknown_image, Operation::read, std::string(name_or_id));
}

Result<std::shared_ptr<LocalImage>> MemoryStore::image(const ImageId& id) {
  for (const auto& [name, image] : images_) {
    if (image->info().id == id) return image;
  }
  return fail(Errc::unknown_image, Operation::read, to_hex(id));
}

Result<void> MemoryStore::read_by_digest(const Digest& digest, std::span<std::byte> block) {
  for (const auto& [name, image] : images_) {
    for (BlockIndex b(0); b < BlockIndex(image->shape().blocks().value()); ++b) {
      if (*image->block_digest(b) == digest && image->read(offset_of(b), block)) return {};
    }
  }
  return fail(Errc::not_resident, Operation::read);
}

Result<Signature> MemoryStore::signature(const ImageId& id, std::size_t max_keys) {
  if (const auto known = learnt_.find(id); known != learnt_.end()) {
    return sampled(known->second, max_keys);
  }
  WEFT_TRY(const auto image, this->image(id));
  Signature full{.image = id, .unique_blocks = {}, .keys = {}};
  for (BlockIndex b(0); b < BlockIndex(image->shape().blocks().value()); ++b) {
    WEFT_TRY(const Digest digest, image->block_digest(b));
    if (!digest.is_zero()) full.keys.push_back(digest_key(digest));
  }
  std::ranges::sort(full.keys);
  const auto repeated = std::ranges::unique(full.keys);
  full.keys.erase(repeated.begin(), repeated.end());
  full.unique_blocks = BlockCount(full.keys.size());
  return sampled(full, max_keys);
}

Result<void> MemoryStore::learn_signature(const Signature& signature) {
  if (!is_valid(signature)) return fail(Errc::bad_request, Operation::index);
  learnt_[signature.image] = signature;
  return {};
}

Result<std::vector<ImageId>> MemoryStore::signatures_known() {
  std::vector<ImageId> known;
  for (const auto& [id, signature] : learnt_)
    known.push_back(id);
  for (const auto& [name, image] : images_)
    known.push_back(image->info().id);
  return known;
}

Result<std::vector<bool>> MemoryStore::holds(std::span<const std::uint64_t> keys,
                                             unsigned key_bytes) {
  std::vector<bool> held(keys.size());
  for (const auto& [name, image] : images_) {
    for (BlockIndex b(0); b < BlockIndex(image->shape().blocks().value()); ++b) {
      const Digest digest = *image->block_digest(b);
      if (digest.is_zero() || !image->readable({b, BlockCount(1)})) continue;
      const auto found = std::ranges::lower_bound(keys, digest_key(digest) >> (64 - 8 * key_bytes));
      if (found != keys.end() && *found == digest_key(digest) >> (64 - 8 * key_bytes)) {
        held[static_cast<std::size_t>(found - keys.begin())] = true;
      }
    }
  }
  return held;
}

Result<std::unique_ptr<ImageWriter>> MemoryStore::begin_import(ImportTarget) {
  return unsupported();
}
Result<std::shared_ptr<LocalImage>> MemoryStore::adopt(std::string_view, const ImageInfo&) {
  return unsupported();
}
Result<RemovalReport> MemoryStore::remove(std::string_view name) {
  const auto found = images_.find(name);
  if (found == images_.end()) return fail(Errc::unknown_image, Operation::remove);
  images_.erase(found);
  return RemovalReport{};
}
Result<std::optional<std::string>> MemoryStore::setting(std::string_view, std::string_view) {
  return unsupported();
}
Result<void> MemoryStore::set_setting(std::string_view, std::string_view,
                                      std::optional<std::string_view>) {
  return unsupported();
}
Result<std::vector<std::pair<std::string, std::string>>> MemoryStore::settings(std::string_view) {
  return unsupported();
}

std::vector<std::byte> mixed_content(std::size_t blocks, std::uint64_t seed) {
  std::vector<std::byte> content(blocks * block_size);
  std::mt19937_64 random(seed);
  for (std::size_t b = 0; b < blocks; ++b) {
    const auto block = std::span(content).subspan(b * block_size, block_size);
    if (b % 4 == 2) {
      for (std::byte& byte : block)
        byte = static_cast<std::byte>(random());
    } else if (b % 4 != 0) {
      const std::string line = "block " + std::to_string(b) + " of " + std::to_string(seed) + "; ";
      for (std::size_t i = 0; i < block.size(); ++i) {
        block[i] = static_cast<std::byte>(line[i % line.size()]);
      }
    }
  }
  return content;
}

}  // namespace weft::fetcher::testing
