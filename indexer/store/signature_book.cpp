// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/signature_book.h"

#include "indexer/similarity/signature_codec.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <utility>

namespace weft {
namespace {

/// Images asked that are not known to be related, if many blocks are wanted, and if few are of an
/// image that nothing is known of.
constexpr std::size_t strangers = 64;
constexpr std::size_t strangers_for_few = 16;
constexpr std::size_t few_blocks = 1024;
constexpr std::size_t orders_kept = 64;
constexpr std::size_t keys_compared = 16384;

std::unexpected<Error> not_known(const ImageId& id) {
  return fail(Errc::not_resident, Operation::index,
              "signature of " + to_hex(id) + ": its tree is not here and no peer has sent one");
}

}  // namespace

Result<Signature> SignatureBook::signature(const ImageId& id, std::size_t max_keys) {
  if (const auto index = indexes_.index_of(id); index && index->is_whole()) {
    return index->signature(max_keys);
  }
  WEFT_TRY(const auto encoded, catalog_.signature(id));
  if (!encoded) return not_known(id);
  auto learnt = decode_signature(*encoded);
  // Of another version, or damaged: whoever knows the image tells again.
  if (!learnt || learnt->image != id) return not_known(id);
  return sampled(*learnt, std::max<std::size_t>(max_keys, 1));
}

Result<void> SignatureBook::learn(const Signature& signature) {
  if (!is_valid(signature)) {
    return fail(Errc::bad_request, Operation::index,
                "signature of " + to_hex(signature.image) + " that cannot be");
  }
  WEFT_CHECK(catalog_.put_signature(signature.image, encode_signature(signature), {}));
  changed();
  return {};
}

Result<std::vector<ImageId>> SignatureBook::known() {
  WEFT_TRY(const auto learnt, catalog_.signatures());
  std::set<ImageId> out(learnt.begin(), learnt.end());
  for (const ImageId& id : indexes_.indexed_images()) {
    if (const auto index = indexes_.index_of(id); index && index->is_whole()) out.insert(id);
  }
  return std::vector(out.begin(), out.end());
}

std::shared_ptr<const Signature> SignatureBook::sample(
    const ImageId& id, const std::shared_ptr<const DigestIndex>& index) {
  {
    const Lock lock(mutex_);
    if (const auto found = samples_.find(id); found != samples_.end()) {
      if (found->second.of.lock() == index) return found->second.signature;
    }
  }
  auto read = index->signature(sample_keys);
  if (!read) return nullptr;
  auto signature = std::make_shared<const Signature>(std::move(*read));
  const Lock lock(mutex_);
  if (samples_.size() >= samples_kept && !samples_.contains(id)) samples_.erase(samples_.begin());
  samples_[id] = {index, signature};
  return signature;
}

std::vector<Relative> SignatureBook::related(const Signature& signature) {
  std::vector<Relative> out;
  for (const ImageId& id : indexes_.indexed_images()) {
    if (id == signature.image) continue;
    const auto index = indexes_.index_of(id);
    const auto other = index ? sample(id, index) : nullptr;
    if (!other) continue;
    const double shared = overlap(signature, *other).blocks;
    if (shared <= 0) continue;
    out.push_back(
        {id, BlockCount(static_cast<std::uint64_t>(std::llround(shared))), index->is_whole()});
  }
  std::ranges::sort(out, std::greater{}, [](const Relative& relative) {
    return std::pair(relative.shared, relative.image);
  });
  return out;
}

Result<std::vector<Relative>> SignatureBook::relatives(const ImageId& id) {
  const std::uint64_t version = version_.load();
  {
    const Lock lock(mutex_);
    const auto found = related_.find(id);
    if (found != related_.end() && found->second.version == version) return found->second.relatives;
  }
  const auto known = signature(id, keys_compared);
  if (!known && !known.error().is(Errc::not_resident)) return std::unexpected(known.error());
  auto relatives = known ? related(*known) : std::vector<Relative>{};
  const Lock lock(mutex_);
  if (related_.size() >= orders_kept && !related_.contains(id)) related_.clear();
  related_[id] = {version, relatives};
  return relatives;
}

SignatureBook::Order SignatureBook::make_order(const ImageId& borrower) {
  Order order;
  order.version = version_.load();
  auto known = signature(borrower, sample_keys);
  std::shared_ptr<const Signature> of_part;
  if (const auto index = known ? nullptr : indexes_.index_of(borrower)) {
    of_part = sample(borrower, index);
  }
  std::set<ImageId> related_ones;
  if (known || of_part) {
    for (const Relative& relative : related(known ? *known : *of_part)) {
      order.images.push_back(relative.image);
      related_ones.insert(relative.image);
    }
  }
  std::vector<std::pair<BlockCount, ImageId>> others;
  for (const ImageId& id : indexes_.indexed_images()) {
    if (id == borrower || related_ones.contains(id)) continue;
    if (const auto index = indexes_.index_of(id)) others.emplace_back(index->covered(), id);
  }
  std::ranges::sort(others, std::greater{});
  others.resize(std::min(others.size(), strangers));
  order.ask_for_few =
      order.images.size() + (known ? 0 : std::min(others.size(), strangers_for_few));
  for (const auto& [blocks, id] : others)
    order.images.push_back(id);
  return order;
}

std::vector<ImageId> SignatureBook::lenders_for(const ImageId& borrower, std::size_t wanted) {
  const auto part_of = [&](const Order& order) {
    const std::size_t count = wanted < few_blocks ? order.ask_for_few : order.images.size();
    const auto images = std::span(order.images).first(count);
    return std::vector(images.begin(), images.end());
  };
  {
    const Lock lock(mutex_);
    const auto found = orders_.find(borrower);
    if (found != orders_.end() && found->second.version == version_.load()) {
      return part_of(found->second);
    }
  }
  Order order = make_order(borrower);
  auto images = part_of(order);
  const Lock lock(mutex_);
  if (orders_.size() >= orders_kept && !orders_.contains(borrower)) orders_.clear();
  orders_[borrower] = std::move(order);
  return images;
}

}  // namespace weft
