// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/block_ledger.h"

#include <algorithm>
#include <string>

namespace weft::fetcher {
namespace {

std::unexpected<Error> wrong(BlockIndex block, const char* why) {
  return fail(Errc::peer_misbehaved, Operation::receive,
              "block " + std::to_string(block.value()) + " was " + why);
}

}  // namespace

BlockLedger::BlockLedger(std::span<const BlockRange> asked) {
  runs_.reserve(asked.size());
  for (const BlockRange& range : asked)
    runs_.push_back({range, 0});
  std::ranges::sort(runs_, {}, [](const Run& run) { return run.range.first; });
  for (Run& run : runs_) {
    run.position = open_;
    open_ += run.range.count.value();
  }
  answered_.resize(open_);
}

Result<void> BlockLedger::accept(BlockRange range) {
  // A range of an answer may span runs that touch.
  while (!range.empty()) {
    auto after = std::ranges::upper_bound(runs_, range.first, {},
                                          [](const Run& run) { return run.range.first; });
    if (after == runs_.begin() || !std::prev(after)->range.contains(range.first)) {
      return wrong(range.first, "not asked for");
    }
    const Run& run = *std::prev(after);
    const BlockRange part = intersect(range, run.range);
    for (BlockIndex block = part.first; block < part.end(); ++block) {
      const std::size_t at = run.position + (block - run.range.first).value();
      if (answered_[at]) return wrong(block, "answered twice");
      answered_[at] = true;
      --open_;
    }
    range = BlockRange::between(part.end(), range.end());
  }
  return {};
}

Result<void> BlockLedger::accept(const wire::BlockBatch& batch) {
  for (const auto* ranges : {&batch.ranges, &batch.zero, &batch.absent}) {
    for (const BlockRange& range : *ranges)
      WEFT_CHECK(accept(range));
  }
  if (batch.last && open_ > 0) {
    return fail(Errc::peer_misbehaved, Operation::receive,
                std::to_string(open_) + " blocks were asked for and not answered");
  }
  return {};
}

}  // namespace weft::fetcher
