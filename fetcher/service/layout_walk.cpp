// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/layout_walk.h"

#include "fetcher/schedule/range_set.h"
#include "fetcher/service/graft.h"
#include "fetcher/service/lookup.h"

#include <array>
#include <set>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::size_t most_rounds = 64;

/// Reads what is here, and notes what is not.
class ResidentBytes final : public layout::ByteSource {
 public:
  explicit ResidentBytes(LocalImage& image) : image_(image) {}

  bool read(std::uint64_t offset, std::span<std::byte> out) override {
    const std::uint64_t end = offset + out.size();
    const BlockIndex last((end + block_size - 1) / block_size);
    const BlockRange blocks = BlockRange::between(BlockIndex(offset / block_size), last);
    if (image_.readable(blocks) && image_.read(ByteOffset(offset), out)) return true;
    needed_.add(blocks);
    return false;
  }
  [[nodiscard]] const RangeSet& needed() const { return needed_; }

 private:
  LocalImage& image_;
  RangeSet needed_;
};

/// Each need is a slice of the first tiers; what is needed soon, of the second stage.
std::vector<Urgency::Slice> in_order(const layout::Findings& findings, const RangeSet& needed) {
  std::vector<Urgency::Slice> order{{1, needed.ranges()}};
  for (std::size_t need = 0; need < layout::needs; ++need) {
    const bool soon = need == static_cast<std::size_t>(layout::Need::soon);
    const auto tier = soon ? soon_tier : static_cast<plan::Tier>(need + 1);
    order.push_back({tier, findings.blocks[need]});
  }
  return order;
}

}  // namespace

LayoutWalk::LayoutWalk(std::shared_ptr<LocalImage> image, std::shared_ptr<RelativeTrees> relatives)
    : image_(std::move(image)), relatives_(std::move(relatives)) {}

Result<BootWalk::Wanted> LayoutWalk::next(std::size_t /*bulk_nodes*/) {
  ResidentBytes bytes(*image_);
  const layout::Findings findings =
      layout::explore(bytes, image_->info().size.value(), layout::LayoutLimits{});
  Wanted wanted;
  wanted.order = in_order(findings, bytes.needed());
  RangeSet all;
  for (const Urgency::Slice& slice : *wanted.order) {
    for (const BlockRange& range : slice.blocks)
      all.add(range);
  }
  std::set<TreeNode> nodes;
  for (const BlockRange& range : all.ranges()) {
    resolve_missing(*image_, range);
    WEFT_TRY(const Missing missing, look_up_missing(*image_, range, relatives_.get()));
    wanted.blocks.insert(wanted.blocks.end(), missing.blocks.begin(), missing.blocks.end());
    nodes.insert(missing.nodes.begin(), missing.nodes.end());
  }
  wanted.nodes.assign(nodes.begin(), nodes.end());
  wanted.read_next = bytes.needed().ranges();
  wanted.finished = bytes.needed().empty() || ++rounds_ >= most_rounds;
  return wanted;
}

}  // namespace weft::fetcher
