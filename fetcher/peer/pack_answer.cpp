// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/pack_answer.h"

#include "fetcher/peer/prefix_choice.h"
#include "fetcher/wire/pack_codec.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weft::fetcher {
namespace {

constexpr std::uint64_t small_pack = 32;           // nodes, where memory is short
constexpr std::uint64_t table_memory = 8u << 20;   // of zstd and of the search
constexpr std::uint64_t most_prefix_per_node = 8;  // a short pack is not worth a long prefix
constexpr std::uint64_t least_prefix = 64;

std::uint64_t prefix_limit(std::uint64_t nodes) {
  return std::min<std::uint64_t>(least_prefix + most_prefix_per_node * nodes,
                                 wire::max_prefix_nodes);
}

std::uint64_t memory_for(std::uint64_t nodes) {
  return (2 * nodes + prefix_limit(nodes)) * block_size + table_memory;
}

using Base = std::shared_ptr<LocalImage>;

constexpr std::uint64_t leaves_at_a_time = tree_fanout;

/// Leaves of `run` with data below them. A look goes over few leaves, since it reads all of a run
/// of data; what is a hole costs next to nothing.
template <class Visit>
void for_each_data_leaf(LocalImage& base, wire::NodeRun run, Visit&& visit) {
  const std::uint64_t end = run.first + run.count;
  for (std::uint64_t at = run.first; at < end;) {
    const std::uint64_t stop = std::min(end, at + leaves_at_a_time);
    const BlockRange look = BlockRange::between(base.shape().blocks_below({1, at}).first,
                                                base.shape().blocks_below({1, stop - 1}).end());
    const auto data = base.next_data(look);
    if (!data) {
      at = stop;
      continue;
    }
    const std::uint64_t last = (data->end().value() - 1) / tree_fanout;
    for (at = data->first.value() / tree_fanout; at <= last; ++at) {
      if (!visit(TreeNode{1, at})) return;
    }
  }
}

template <class Visit>
void for_each_node(LocalImage& base, wire::NodeRun run, Visit&& visit) {
  if (run.level == 1) return for_each_data_leaf(base, run, visit);
  for (const TreeNode node : wire::to_nodes(std::span(&run, 1))) {
    if (!visit(node)) return;
  }
}

void append(std::vector<std::byte>& all, const NodeBytes& bytes) {
  all.insert(all.end(), bytes.begin(), bytes.end());
}

std::vector<wire::PrefixRun> choose_prefix(const std::vector<Base>& bases,
                                           std::span<const wire::NodeRun> wanted,
                                           std::span<const std::byte> nodes) {
  const std::uint64_t count = nodes.size() / block_size;
  PrefixChoice choice(nodes, prefix_limit(count));
  std::uint64_t left = nodes_to_search(count);
  for (std::uint8_t number = 0; number < bases.size() && !choice.done(); ++number) {
    LocalImage* base = bases[number].get();
    if (base == nullptr) continue;
    for (const wire::NodeRun& run : places_to_search(wanted, base->shape(), left)) {
      for_each_node(*base, run, [&](TreeNode node) {
        if (left == 0) return false;
        --left;
        if (const auto bytes = base->node(node)) choice.offer(number, node, *bytes);
        return !choice.done();
      });
    }
  }
  return choice.runs();
}

/// The bytes of a prefix; a run that cannot be read any more is dropped from the list.
std::vector<std::byte> load_prefix(const std::vector<Base>& bases,
                                   std::vector<wire::PrefixRun>& runs) {
  std::vector<std::byte> prefix;
  prefix.reserve(wire::count_nodes(runs) * block_size);
  std::erase_if(runs, [&](const wire::PrefixRun& run) {
    const std::size_t before = prefix.size();
    for (const TreeNode node : wire::to_nodes(std::span(&run.nodes, 1))) {
      const auto bytes = bases[run.base]->node(node);
      if (!bytes) {
        prefix.resize(before);
        return true;
      }
      append(prefix, *bytes);
    }
    return false;
  });
  return prefix;
}

class PackedNodes final : public Answer {
 public:
  PackedNodes(Store& store, std::shared_ptr<MemoryBudget> memory, wire::TreePackRequest request)
      : store_(store),
        memory_(std::move(memory)),
        request_(std::move(request)),
        nodes_(wire::to_nodes(request_.nodes)) {}

  Result<AnswerPart> next(int) override {
    if (image_ == nullptr) WEFT_CHECK(open());
    wire::TreePack piece;
    if (sent_ == packed_.size()) {
      WEFT_CHECK(make_pack(piece));
    } else {
      piece.continued = true;
    }
    const std::size_t size = std::min<std::size_t>(packed_.size() - sent_, wire::max_pack_piece);
    const auto from = packed_.begin() + static_cast<std::ptrdiff_t>(sent_);
    piece.bytes.assign(from, from + static_cast<std::ptrdiff_t>(size));
    sent_ += size;
    piece.more = sent_ < packed_.size() || (at_ < nodes_.size() && !piece.bytes.empty());
    const bool last = !piece.more;
    return AnswerPart{.message = std::move(piece), .last = last};
  }

 private:
  Result<void> open() {
    WEFT_TRY(image_, store_.image(request_.image));
    for (const TreeNode node : nodes_) {
      if (image_->shape().contains(node)) continue;
      return fail(Errc::bad_request, Operation::read,
                  "the tree of this image has no node " + std::to_string(node.index) +
                      " on level " + std::to_string(node.level));
    }
    for (const ImageId& id : request_.bases) {
      auto base = store_.image(id);
      bases_.push_back(base ? *std::move(base) : nullptr);
    }
    return {};
  }

  /// The next nodes that are here; leaves `packed_` empty if there are none.
  Result<void> make_pack(wire::TreePack& first_piece) {
    packed_.clear();
    sent_ = 0;
    const std::uint64_t left = nodes_.size() - at_;
    share_ = {};
    if (left > small_pack) share_ = memory_->take(memory_for(left));
    const std::uint64_t most = share_ ? left : std::min(left, small_pack);

    std::vector<TreeNode> here;
    std::vector<std::byte> nodes;
    for (; at_ < nodes_.size() && here.size() < most; ++at_) {
      const auto bytes = image_->node(nodes_[at_]);
      if (!bytes) continue;
      here.push_back(nodes_[at_]);
      append(nodes, *bytes);
    }
    if (here.empty()) return {};
    first_piece.nodes = wire::to_runs(std::move(here));
    first_piece.prefix = choose_prefix(bases_, first_piece.nodes, nodes);
    const std::vector<std::byte> prefix = load_prefix(bases_, first_piece.prefix);
    packed_ = wire::pack_nodes(prefix, nodes);
    share_.shrink(packed_.size());
    return {};
  }

  Store& store_;
  const std::shared_ptr<MemoryBudget> memory_;
  const wire::TreePackRequest request_;
  const std::vector<TreeNode> nodes_;
  std::shared_ptr<LocalImage> image_;
  std::vector<Base> bases_;  // null: not here
  std::size_t at_ = 0;       // in nodes_
  std::vector<std::byte> packed_;
  std::size_t sent_ = 0;  // of packed_
  MemoryBudget::Share share_;
};

}  // namespace

std::unique_ptr<Answer> answer_tree_pack(Store& store, std::shared_ptr<MemoryBudget> memory,
                                         wire::TreePackRequest request) {
  return std::make_unique<PackedNodes>(store, std::move(memory), std::move(request));
}

}  // namespace weft::fetcher
