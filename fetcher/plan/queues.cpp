// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/queues.h"

#include "fetcher/plan/links.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

namespace weft::fetcher::plan {
namespace {

// What a source gives of a class, in blocks.
struct Quota {
  SourceIndex source = 0;
  std::uint64_t blocks = 0;
  std::uint64_t given = 0;
  double exact = 0;
};

// A class while its blocks are divided.
struct Division {
  std::size_t begin = 0;  // of its quotas
  std::size_t end = 0;
  std::size_t current = 0;
  std::uint64_t left = 0;  // of the batch of `current`
  std::uint64_t blocks = 0;
  double bytes_a_block = 0;
};

// The end of a queue in time: `SourcePlan::time_of` for amounts that only grow.
class Arrival {
 public:
  explicit Arrival(const SourcePlan& source) : segments_(source.segments) {}

  double add(double bytes) {
    bytes_ += bytes;
    while (at_ + 1 < segments_.size() && bytes_ > before_ + segments_[at_].bytes + rounding_bytes)
      before_ += segments_[at_++].bytes;
    if (segments_.empty()) return 0;
    const Segment& segment = segments_[at_];
    const double part = segment.bytes > 0 ? (bytes_ - before_) / segment.bytes : 1;
    return segment.begin + (segment.end - segment.begin) * std::clamp(part, 0.0, 1.0);
  }

 private:
  std::span<const Segment> segments_;
  std::size_t at_ = 0;
  double before_ = 0;
  double bytes_ = 0;
};

class Divider {
 public:
  Divider(const Problem& problem, const Plan& plan, std::span<const Run> order)
      : problem_(problem),
        divisions_(problem.classes.size()),
        owed_(problem.sources.size(), 0),
        queues_(problem.sources.size()) {
    for (const SourcePlan& source : plan.sources)
      arrivals_.emplace_back(source);
    for (const Run& run : order)
      divisions_[run.transfer_class].blocks += run.blocks.count.value();
    const Links links = clean_links(problem);
    std::size_t share = 0;
    for (ClassIndex c = 0; c < divisions_.size(); ++c) {
      const std::size_t first = share;
      while (share < plan.shares.size() && plan.shares[share].transfer_class == c)
        ++share;
      set_quotas(c, std::span(plan.shares).subspan(first, share - first), links);
    }
  }

  Queues divide(std::span<const Run> order) {
    for (const Run& run : order) {
      Division& division = divisions_[run.transfer_class];
      if (division.begin == division.end) continue;  // nobody holds it
      divide(run, division);
    }
    return std::move(queues_);
  }

 private:
  void set_quotas(ClassIndex c, std::span<const Share> shares, const Links& links);
  void round_quotas(std::span<Quota> quotas, std::uint64_t blocks);
  void divide(const Run& run, Division& division);
  void next_batch(Division& division);
  void append(SourceIndex source, Tier tier, BlockRange blocks, double bytes);

  const Problem& problem_;
  std::vector<Quota> quotas_;
  std::vector<Division> divisions_;
  std::vector<double> owed_;  // blocks, by source
  std::vector<Arrival> arrivals_;
  Queues queues_;
};

void Divider::set_quotas(ClassIndex c, std::span<const Share> shares, const Links& links) {
  Division& division = divisions_[c];
  division.begin = division.end = division.current = quotas_.size();
  if (division.blocks == 0) return;
  const TransferClass& transfer_class = problem_.classes[c];
  const auto blocks = static_cast<double>(division.blocks);
  const auto bytes = static_cast<double>(transfer_class.bytes);
  if (shares.empty()) {  // nobody, or blocks that are said to take no bytes
    SourceIndex fastest = 0;
    double rate = 0;
    for (const SourceIndex p : problem_.holder_sets[transfer_class.holders])
      if (links.sources[p].rate > rate) fastest = p, rate = links.sources[p].rate;
    if (rate > 0 && transfer_class.bytes == 0) quotas_.push_back({fastest, division.blocks, 0, 0});
  } else {
    for (const Share& share : shares)
      quotas_.push_back({share.source, 0, 0, blocks * (static_cast<double>(share.bytes) / bytes)});
    round_quotas(std::span(quotas_).subspan(division.begin), division.blocks);
    division.bytes_a_block = bytes / blocks;
  }
  division.end = quotas_.size();
}

// Whole blocks; one that is left over goes to the source that has got too few so far.
void Divider::round_quotas(std::span<Quota> quotas, std::uint64_t blocks) {
  for (Quota& quota : quotas) {
    quota.blocks = std::min(static_cast<std::uint64_t>(quota.exact), blocks);
    blocks -= quota.blocks;
    owed_[quota.source] += quota.exact - static_cast<double>(quota.blocks);
  }
  while (blocks > 0) {
    const auto most = std::ranges::max_element(
        quotas, {}, [&](const Quota& quota) { return owed_[quota.source]; });
    const std::uint64_t extra = std::max<std::uint64_t>(1, blocks / quotas.size());
    most->blocks += extra;
    owed_[most->source] -= static_cast<double>(extra);
    blocks -= extra;
  }
}

// The source that has given the least part of what it is to give.
void Divider::next_batch(Division& division) {
  double least = never;
  for (std::size_t i = division.begin; i < division.end; ++i) {
    const Quota& quota = quotas_[i];
    if (quota.given == quota.blocks) continue;
    const double part = static_cast<double>(quota.given) / static_cast<double>(quota.blocks);
    if (part < least) least = part, division.current = i;
  }
  const Quota& quota = quotas_[division.current];
  division.left = std::min(batch_blocks, quota.blocks - quota.given);
}

void Divider::divide(const Run& run, Division& division) {
  BlockRange rest = run.blocks;
  while (!rest.empty()) {
    if (division.left == 0) next_batch(division);
    Quota& quota = quotas_[division.current];
    const BlockRange taken{rest.first, std::min(rest.count, BlockCount(division.left))};
    const std::uint64_t count = taken.count.value();
    append(quota.source, problem_.classes[run.transfer_class].tier, taken,
           static_cast<double>(count) * division.bytes_a_block);
    quota.given += count;
    division.left -= count;
    rest = BlockRange::between(taken.end(), rest.end());
  }
}

void Divider::append(SourceIndex source, Tier tier, BlockRange blocks, double bytes) {
  std::vector<QueueEntry>& queue = queues_[source];
  const double finish = arrivals_[source].add(bytes);
  if (!queue.empty() && queue.back().tier == tier && queue.back().blocks.end() == blocks.first) {
    queue.back().blocks.count += blocks.count;
    queue.back().finish = finish;
  } else {
    queue.push_back({blocks, tier, finish});
  }
}

}  // namespace

Queues make_queues(const Problem& problem, const Plan& plan, std::span<const Run> order) {
  return Divider(problem, plan, order).divide(order);
}

}  // namespace weft::fetcher::plan
