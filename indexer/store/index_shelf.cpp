// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/index_shelf.h"

#include <utility>

namespace weft {

std::shared_ptr<const DigestIndex> IndexShelf::get(FileSystem& fs, const ImagePaths& paths,
                                                   const ImageId& id) {
  std::uint64_t drops_before = 0;
  {
    const Lock lock(mutex_);
    if (const auto found = indexes_.find(id); found != indexes_.end()) return found->second;
    drops_before = drops_;
  }
  auto file = fs.open(paths.index, OpenMode::read);
  if (!file) return nullptr;
  auto index = DigestIndex::open(std::move(*file), id);
  if (!index) return nullptr;
  const Lock lock(mutex_);
  // It may have been replaced while it was read: good for this caller, not for later ones.
  if (drops_ != drops_before || indexes_.contains(id)) return *index;
  if (order_.size() >= kept) {
    indexes_.erase(order_.front());
    order_.pop_front();
  }
  order_.push_back(id);
  indexes_[id] = *index;
  return *index;
}

void IndexShelf::drop(const ImageId& id) {
  const Lock lock(mutex_);
  ++drops_;
  if (indexes_.erase(id) > 0) std::erase(order_, id);
}

}  // namespace weft
