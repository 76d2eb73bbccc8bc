// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/alignment.h"

#include <cstddef>
#include <cstdint>

namespace weft::fetcher {
namespace {

constexpr std::uint64_t reach = 16384;  // blocks

/// A block by whose move those around it are placed. Distances wrap: only differences count.
struct Anchor {
  BlockIndex was;
  std::uint64_t moved_by;
};

std::vector<Anchor> anchors_of(std::span<const AlignedBlock> blocks) {
  std::vector<Anchor> found;
  for (const AlignedBlock& block : blocks) {
    if (block.is) found.push_back({block.was, block.is->value() - block.was.value()});
  }
  std::vector<Anchor> anchors;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const bool before = i > 0 && found[i - 1].moved_by == found[i].moved_by;
    const bool behind = i + 1 < found.size() && found[i + 1].moved_by == found[i].moved_by;
    if (before || behind) anchors.push_back(found[i]);
  }
  return anchors;
}

std::optional<BlockIndex> beside(const Anchor& anchor, BlockIndex was) {
  const std::uint64_t distance =
      was > anchor.was ? (was - anchor.was).value() : (anchor.was - was).value();
  if (distance > reach) return std::nullopt;
  return BlockIndex(was.value() + anchor.moved_by);
}

}  // namespace

std::vector<Guesses> guess_places(std::span<const AlignedBlock> blocks) {
  const std::vector<Anchor> anchors = anchors_of(blocks);
  std::vector<Guesses> all(blocks.size());
  std::size_t next = 0;  // the first anchor at or behind the block
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    while (next < anchors.size() && anchors[next].was < blocks[i].was)
      ++next;
    if (blocks[i].is) continue;
    auto& [before, behind] = all[i];
    if (next > 0) before = beside(anchors[next - 1], blocks[i].was);
    if (next < anchors.size()) behind = beside(anchors[next], blocks[i].was);
    if (before == behind) behind.reset();
  }
  return all;
}

}  // namespace weft::fetcher
