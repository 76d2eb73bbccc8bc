// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/relative_trees.h"

#include <utility>

namespace weft::fetcher {

bool RelativeTrees::refresh(const ImageId& image) {
  // First, so that a signature that comes in between is not taken for one that was looked at.
  const bool enough = store_.signature(image, 1).has_value() || !store_.has_others(image);
  std::vector<ImageId> found;
  if (const auto relatives = store_.relatives(image)) {
    for (const Relative& relative : *relatives) {
      if (relative.whole_tree && found.size() < most) found.push_back(relative.image);
    }
  }
  const Lock lock(mutex_);
  relatives_[image] = std::move(found);
  return enough;
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
