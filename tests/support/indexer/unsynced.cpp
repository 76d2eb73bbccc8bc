// SPDX-License-Identifier: Apache-2.0
#include "tests/support/indexer/unsynced.h"

#include "indexer/core/hash.h"
#include "indexer/core/range.h"

#include <algorithm>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace weft::test {
namespace fs = std::filesystem;

namespace {

// The real disk under a test is not supposed to fail.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error("the real disk failed: " + result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace

void UnsyncedPages::before_change(Extent extent) {
  before_resize();
  const BlockRange pages = blocks_touched(extent.offset, extent.length);
  for (BlockIndex page = pages.first; page < pages.end(); ++page) {
    if (before_.contains(page.value())) continue;
    Page old{};
    must(real_->read_at(offset_of(page), old));
    before_.emplace(page.value(), old);
  }
}

void UnsyncedPages::before_resize() {
  if (!size_before_) size_before_ = must(real_->stat()).size;
}

void UnsyncedPages::synced() {
  before_.clear();
  size_before_.reset();
}

void UnsyncedPages::cut(const Survives& survives) {
  if (!size_before_) return;
  const ByteCount size = survives() ? must(real_->stat()).size : *size_before_;
  for (const auto& [page, old] : before_) {
    if (survives()) continue;
    const ByteOffset at(page * block_size);
    if (is_all_zero(old)) {
      must(real_->punch(Extent{at, ByteCount(block_size)}));
    } else {
      must(real_->write_at(at, old));
    }
  }
  must(real_->truncate(size));
  synced();
}

std::optional<fs::path> UnsyncedEntries::save(const fs::path& path) {
  if (!fs::is_regular_file(fs::symlink_status(path))) return std::nullopt;
  fs::path name = saved_ / std::to_string(next_name_++);
  fs::create_hard_link(path, name);
  return name;
}

void UnsyncedEntries::created(const fs::path& path) {
  changes_.push_back({{path.parent_path()}, [path] { fs::remove(path); }});
}

void UnsyncedEntries::created_directory(const fs::path& path) {
  changes_.push_back({{path.parent_path()}, [path] { fs::remove_all(path); }});
}

void UnsyncedEntries::before_rename(const fs::path& from, const fs::path& to) {
  const auto replaced = save(to);
  changes_.push_back({{from.parent_path(), to.parent_path()}, [from, to, replaced] {
                        if (fs::exists(to)) fs::rename(to, from);
                        if (replaced) fs::rename(*replaced, to);
                      }});
}

void UnsyncedEntries::before_remove(const fs::path& path) {
  const bool directory = fs::is_directory(path);
  const auto removed = save(path);
  changes_.push_back({{path.parent_path()}, [path, directory, removed] {
                        if (directory) fs::create_directory(path);
                        if (removed) fs::rename(*removed, path);
                      }});
}

void UnsyncedEntries::synced(const fs::path& dir) {
  std::erase_if(changes_, [&](const Change& change) {
    return std::ranges::find(change.dirs, dir) != change.dirs.end();
  });
}

void UnsyncedEntries::cut(const Survives& survives) {
  const auto first_lost =
      std::ranges::find_if(changes_, [&](const Change&) { return !survives(); });
  for (const Change& change :
       std::ranges::subrange(first_lost, changes_.end()) | std::views::reverse) {
    change.undo();
  }
  changes_.clear();
}

}  // namespace weft::test
