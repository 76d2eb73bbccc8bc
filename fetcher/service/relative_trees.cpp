// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/relative_trees.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace weft::fetcher {

bool RelativeTrees::wants_signature(const ImageId& image) {
  if (store_.signature(image, 1)) return false;
  const auto images = store_.list();
  return images && std::ranges::any_of(
                       *images, [&](const ImageEntry& entry) { return entry.info.id != image; });
}

void RelativeTrees::learn(const Signature& signature) {
  // A hint, checked by whoever uses it: one that is not kept only costs bytes.
  if (const auto learnt = store_.learn_signature(signature); !learnt) {
    spdlog::debug("signature of image {} not kept: {}", to_hex(signature.image),
                  learnt.error().message());
  }
}

void RelativeTrees::refresh(const ImageId& image) {
  std::vector<ImageId> found;
  if (const auto relatives = store_.relatives(image)) {
    for (const Relative& relative : *relatives) {
      if (relative.whole_tree && found.size() < most) found.push_back(relative.image);
    }
  }
  const Lock lock(mutex_);
  relatives_[image] = std::move(found);
}

void RelativeTrees::forget(const ImageId& image) {
  const Lock lock(mutex_);
  relatives_.erase(image);
}

std::vector<ImageId> RelativeTrees::of(const ImageId& image) {
  const Lock lock(mutex_);
  const auto it = relatives_.find(image);
  return it == relatives_.end() ? std::vector<ImageId>() : it->second;
}

std::vector<std::shared_ptr<LocalImage>> RelativeTrees::open(const std::vector<ImageId>& ids) {
  std::vector<std::shared_ptr<LocalImage>> images;
  for (const ImageId& id : ids)
    images.push_back(store_.image(id).value_or(nullptr));
  return images;
}

}  // namespace weft::fetcher
