// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/cluster_index.h"

#include "indexer/core/assert.h"

#include <algorithm>
#include <span>
#include <utility>

namespace weft {

Result<void> ClusterIndex::add(const Signature& signature) {
  WEFT_ASSERT(is_valid(signature), "signatures are checked when they are decoded");
  if (contains(signature.image)) return {};
  if (slots_.size() == max_images) {
    return fail(Errc::unsupported, Operation::index,
                "more than " + std::to_string(max_images) + " images to compare: name fewer");
  }
  const std::size_t slot = take_slot();
  if (signature.shift > shift_) raise_shift(signature.shift);
  auto keys = keys_at(signature, shift_);
  Refinement refinement = refine(keys);
  while (shift_ < max_signature_shift &&
         bytes_for(table_.size() + refinement.absent, clusters_.count() + refinement.new_clusters) >
             bound_.value()) {
    raise_shift(shift_ + 1);
    keys = keys_at(signature, shift_);
    refinement = refine(keys);
  }
  apply(keys, std::move(refinement), slot);
  slots_.emplace(signature.image, slot);
  images_[slot] = {.id = signature.image,
                   .unique_blocks = signature.unique_blocks,
                   .arrival = arrivals_++,
                   .used = true};
  return {};
}

bool ClusterIndex::remove(const ImageId& image) {
  const auto found = slots_.find(image);
  if (found == slots_.end()) return false;
  const std::size_t slot = found->second;
  slots_.erase(found);
  images_[slot].used = false;
  const std::vector<ClusterNumber> moved = clusters_.leave(slot);
  table_.rewrite([&](ClusterNumber c) { return moved[c]; });
  if (clusters_.count() < clusters_.numbers() / 2) compact();
  for (std::size_t other = 0; other < images_.size(); ++other) {
    cell(slot, other) = cell(other, slot) = 0;
  }
  return true;
}

std::vector<ImageId> ClusterIndex::images() const {
  std::vector<Image> here;
  std::ranges::copy_if(images_, std::back_inserter(here), &Image::used);
  std::ranges::sort(here, {}, &Image::arrival);
  std::vector<ImageId> ids;
  std::ranges::transform(here, std::back_inserter(ids), &Image::id);
  return ids;
}

ByteCount ClusterIndex::memory() const noexcept {
  return ByteCount(bytes_for(table_.size(), clusters_.numbers()));
}

BlockCount ClusterIndex::unique_blocks(const ImageId& image) const {
  const auto found = slots_.find(image);
  return found == slots_.end() ? BlockCount{} : images_[found->second].unique_blocks;
}

Overlap ClusterIndex::shared(const ImageId& a, const ImageId& b) const {
  const std::size_t i = slots_.at(a);
  const std::size_t j = slots_.at(b);
  const std::size_t smaller = images_[i].unique_blocks <= images_[j].unique_blocks ? i : j;
  return estimate_overlap(images_[smaller].unique_blocks, cell(smaller, smaller), cell(i, j),
                          shift_);
}

std::vector<bool> ClusterIndex::membership(ClusterNumber cluster) const {
  std::vector<bool> bits;
  for (const ImageId& image : images())
    bits.push_back(clusters_.has(cluster, slots_.at(image)));
  return bits;
}

std::size_t ClusterIndex::take_slot() {
  const auto unused = std::ranges::find(images_, false, &Image::used);
  const auto slot = static_cast<std::size_t>(unused - images_.begin());
  if (unused == images_.end()) {
    images_.emplace_back();
    clusters_.fit(images_.size());
    if (images_.size() > stride_) resize_matrix(std::max<std::size_t>(16, stride_ * 2));
  }
  return slot;
}

void ClusterIndex::resize_matrix(std::size_t slots) {
  std::vector<std::uint64_t> larger(slots * slots);
  for (std::size_t row = 0; row < stride_; ++row) {
    std::copy_n(matrix_.begin() + static_cast<std::ptrdiff_t>(row * stride_), stride_,
                larger.begin() + static_cast<std::ptrdiff_t>(row * slots));
  }
  matrix_ = std::move(larger);
  stride_ = slots;
}

std::size_t ClusterIndex::bytes_for(std::size_t keys, std::size_t clusters) const noexcept {
  return keys * KeyTable::entry_size + clusters * ClusterSet::bytes_for(images_.size()) +
         matrix_.size() * sizeof(std::uint64_t);
}

ClusterIndex::Refinement ClusterIndex::refine(std::span<const std::uint64_t> keys) const {
  Refinement refinement{std::vector<Touched>(clusters_.numbers()), keys.size(), 0};
  table_.match(keys, [&](ClusterNumber c) {
    ++refinement.touched[c].keys;
    --refinement.absent;
  });
  for (ClusterNumber c = 0; c < clusters_.numbers(); ++c) {
    const std::uint32_t moving = refinement.touched[c].keys;
    if (moving != 0 && moving != clusters_.keys(c)) ++refinement.new_clusters;
  }
  if (refinement.absent != 0) ++refinement.new_clusters;
  return refinement;
}

void ClusterIndex::apply(std::span<const std::uint64_t> keys, Refinement refinement,
                         std::size_t slot) {
  std::vector<Touched>& touched = refinement.touched;
  for (ClusterNumber c = 0; c < touched.size(); ++c) {
    const std::uint32_t moving = touched[c].keys;
    if (moving == 0) continue;
    clusters_.for_each_member(c, [&](std::size_t member) { cell(slot, member) += moving; });
    if (moving == clusters_.keys(c)) {
      clusters_.join(c, slot);
      touched[c].to = c;
    } else {
      touched[c].to = clusters_.split(c, slot, moving);
    }
  }
  for (std::size_t other = 0; other < images_.size(); ++other) {
    cell(other, slot) = cell(slot, other);
  }
  cell(slot, slot) = keys.size();
  const ClusterNumber own =
      refinement.absent == 0 ? KeyTable::nowhere : clusters_.create(slot, refinement.absent);
  table_.merge(keys, refinement.absent, own, [&](ClusterNumber c) { return touched[c].to; });
}

void ClusterIndex::raise_shift(unsigned shift) {
  shift_ = shift;
  table_.drop_above(last_key(shift), [&](ClusterNumber c) { clusters_.drop_key(c); });
  compact();
  matrix_ = count_matrix();
}

void ClusterIndex::compact() {
  const std::vector<ClusterNumber> moved = clusters_.compact();
  table_.rewrite([&](ClusterNumber c) { return moved[c]; });
}

std::vector<std::uint64_t> ClusterIndex::count_matrix() const {
  std::vector<std::uint64_t> matrix(matrix_.size());
  std::vector<std::size_t> members;
  for_each_cluster([&](ClusterNumber c, std::uint64_t keys) {
    members.clear();
    clusters_.for_each_member(c, [&](std::size_t member) { members.push_back(member); });
    for (const std::size_t a : members) {
      std::uint64_t* row = &matrix[a * stride_];
      for (const std::size_t b : members)
        row[b] += keys;
    }
  });
  return matrix;
}

void ClusterIndex::check_invariants() const {
  std::vector<std::uint64_t> keys(clusters_.numbers());
  for (std::size_t i = 0; i < table_.size(); ++i) {
    WEFT_ASSERT(i == 0 || table_.key(i - 1) < table_.key(i), "keys ascend");
    ++keys[table_.cluster(i)];
  }
  WEFT_ASSERT(table_.size() == 0 || table_.key(table_.size() - 1) <= last_key(shift_),
              "no key is above the threshold");
  for (ClusterNumber c = 0; c < clusters_.numbers(); ++c) {
    WEFT_ASSERT(keys[c] == clusters_.keys(c), "a cluster has as many keys as it counts");
    clusters_.for_each_member(c, [&](std::size_t slot) {
      WEFT_ASSERT(keys[c] == 0 || images_[slot].used, "members are images that are here");
    });
  }
  WEFT_ASSERT(matrix_ == count_matrix(), "the matrix is that of the clusters");
}

}  // namespace weft
