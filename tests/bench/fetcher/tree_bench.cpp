// SPDX-License-Identifier: Apache-2.0
// What a tree costs on the wire against the trees of relatives, and how fast it is packed and
// unpacked. `tree_bench [--json] [TARGET.raw BASE.raw…]`: without images, synthetic ones.
#include "fetcher/peer/pack_answer.h"
#include "fetcher/service/graft.h"
#include "fetcher/wire/codec.h"
#include "indexer/core/hash.h"
#include "indexer/tree/tree_builder.h"
#include "tests/bench/report.h"
#include "tests/support/indexer/temp_directory.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace weft::fetcher::testing {
namespace {

using Digests = std::vector<Digest>;
using Seconds = std::chrono::duration<double>;

struct Tree {
  explicit Tree(Digests content) : digests(std::move(content)) {
    const ByteCount size(digests.size() * block_size);
    TreeBuilder builder(size, [this](TreeNode node, const NodeBytes& bytes) -> Result<void> {
      nodes[node] = bytes;
      return {};
    });
    const auto appended = builder.append(digests);
    const Digest root = appended ? builder.finish().value() : Digest{};
    info = {make_image_id(size, root), size, root};
  }
  Digests digests;
  std::map<TreeNode, NodeBytes> nodes;
  ImageInfo info;
};

Digests of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Digests digests;
  NodeBytes block;
  while (in.read(reinterpret_cast<char*>(block.data()), block_size))
    digests.push_back(digest_of_block(block));
  return digests;
}

Digest random_digest(std::mt19937_64& random) {
  Digest digest;
  std::ranges::generate(digest.bytes, [&] { return static_cast<std::uint8_t>(random()); });
  return digest;
}

/// `own` of the blocks are new, the rest runs of about `run` blocks of `base` at other places.
Digests rearranged(const Digests& base, double own, std::size_t run, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::bernoulli_distribution is_own(own);
  Digests digests;
  while (digests.size() < base.size()) {
    const std::size_t from = random() % base.size();
    const bool fresh = is_own(random);
    const std::size_t count = 1 + random() % (2 * run - 1);
    for (std::size_t i = 0; i < count && digests.size() < base.size(); ++i)
      digests.push_back(fresh ? random_digest(random) : base[(from + i) % base.size()]);
  }
  return digests;
}

/// Nodes below the root that no base has: each is a new digest in the node above it.
std::uint64_t changed_nodes(const Tree& target, const std::vector<Tree>& bases) {
  std::set<Digest> known;
  for (const Tree& base : bases) {
    for (const auto& [node, bytes] : base.nodes)
      known.insert(digest_of_node(bytes));
  }
  return static_cast<std::uint64_t>(std::ranges::count_if(target.nodes, [&](const auto& entry) {
    return entry.first.level < target.nodes.rbegin()->first.level &&
           !known.contains(digest_of_node(entry.second));
  }));
}

struct Cost {
  std::uint64_t wire = 0;  ///< both directions, frames included
  double pack_seconds = 0;
  double unpack_seconds = 0;
};

/// Asks for every node but the root, as a materialization does: 1024 at a time.
class Bench {
 public:
  explicit Bench(bench::Report& report) : report_(report) {
    auto opened = Store::open(posix_file_system(), {.directory = directory_.path() / "state",
                                                    .free_space_floor = ByteCount(0)});
    store_ = std::move(*opened);
  }

  void run(const std::string& name, const Tree& target, const std::vector<Tree>& bases,
           bench::Bound bound) {
    RelativeImages images;
    std::vector<ImageId> ids;
    std::set<Digest> known;
    hold(target);
    for (const Tree& base : bases) {
      images.push_back(hold(base));
      ids.push_back(base.info.id);
      known.insert(base.digests.begin(), base.digests.end());
    }
    std::uint64_t fresh = 0;
    std::uint64_t shared = 0;
    for (const Digest& digest : target.digests) {
      if (!digest.is_zero()) ++(known.insert(digest).second ? fresh : shared);
    }
    const Cost cost = transfer(target, ids, images);
    const std::uint64_t changed = changed_nodes(target, bases);
    const double beyond =
        static_cast<double>(cost.wire) - 32.0 * static_cast<double>(fresh + changed);
    const double megabytes = static_cast<double>(target.nodes.size() * block_size) / 1e6;
    report_.add(name + "_new_digests", static_cast<double>(fresh), "");
    report_.add(name + "_known_digests", static_cast<double>(shared), "");
    report_.add(name + "_changed_nodes", static_cast<double>(changed), "");
    report_.add(name + "_wire", static_cast<double>(cost.wire), "B");
    report_.add(name + "_per_known_digest", beyond / static_cast<double>(shared), "B", bound);
    report_.add(name + "_pack", megabytes / cost.pack_seconds, "MB/s");
    report_.add(name + "_unpack", megabytes / cost.unpack_seconds, "MB/s");
  }

 private:
  std::shared_ptr<LocalImage> hold(const Tree& tree) {
    auto local = store_->adopt("image-" + std::to_string(++count_), tree.info).value();
    for (auto node = tree.nodes.rbegin(); node != tree.nodes.rend(); ++node)
      (void)local->add_node(node->first, node->second);
    return local;
  }

  Cost transfer(const Tree& target, const std::vector<ImageId>& ids, const RelativeImages& images) {
    Cost cost;
    std::vector<TreeNode> nodes;
    for (auto node = ++target.nodes.rbegin(); node != target.nodes.rend(); ++node)
      nodes.push_back(node->first);
    while (!nodes.empty()) {
      const std::size_t size = std::min<std::size_t>(nodes.size(), wire::max_packed_nodes);
      const std::vector<TreeNode> part(nodes.end() - static_cast<std::ptrdiff_t>(size),
                                       nodes.end());
      nodes.resize(nodes.size() - size);
      ask({target.info.id, ids, wire::to_runs(part)}, target, images, cost);
    }
    return cost;
  }

  void ask(const wire::TreePackRequest& request, const Tree& target, const RelativeImages& images,
           Cost& cost) {
    cost.wire += wire::encode(request, 1, wire::Priority::prefetch).size();
    const auto began = std::chrono::steady_clock::now();
    const auto answer =
        answer_tree_pack(*store_, std::make_shared<MemoryBudget>(pack_memory), request);
    PackLedger ledger(request);
    for (bool last = false; !last;) {
      AnswerPart part = answer->next(0).value();
      last = part.last;
      cost.wire += wire::encode(part.message, 1, wire::Priority::prefetch).size();
      if (!ledger.accept(std::get<wire::TreePack>(std::move(part.message))))
        return report_.failed("an answer that was not asked for");
    }
    const std::vector<NodePack> packs = ledger.take();
    const auto packed = std::chrono::steady_clock::now();
    const auto unpacked = unpack(packs, images);
    cost.pack_seconds += Seconds(packed - began).count();
    cost.unpack_seconds += Seconds(std::chrono::steady_clock::now() - packed).count();
    if (!unpacked) return report_.failed(unpacked.error().message());
    for (const auto& entry : unpacked->nodes) {
      if (entry.bytes != target.nodes.at(entry.node)) return report_.failed("a wrong node");
    }
  }

  bench::Report& report_;
  test::TempDirectory directory_;
  std::unique_ptr<Store> store_;
  int count_ = 0;
};

void synthetic(Bench& bench) {
  std::mt19937_64 random(1);
  Digests digests(131'072);  // 512 MiB
  std::ranges::generate(digests, [&] { return random_digest(random); });
  const std::vector<Tree> base = {Tree(digests)};
  using bench::Bound;
  bench.run("updated", Tree(rearranged(digests, 0.3, 32, 2)), base, Bound::at_most(0.4));
  bench.run("scattered", Tree(rearranged(digests, 0.05, 1, 3)), base, Bound::at_most(6));
  for (std::size_t i = 70'000; i < 70'300; ++i)
    digests[i] = random_digest(random);
  bench.run("edited", Tree(digests), base, Bound::at_most(0.02));
}

}  // namespace
}  // namespace weft::fetcher::testing

int main(int argc, char** argv) {
  using namespace weft::fetcher::testing;
  weft::bench::Report report("tree", argc, argv);
  Bench bench(report);
  std::vector<Tree> trees;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--json") trees.emplace_back(of_file(argv[i]));
  }
  if (trees.empty()) {
    synthetic(bench);
  } else {
    const Tree target = std::move(trees.front());
    trees.erase(trees.begin());
    bench.run("image", target, trees, {});
  }
  return report.finish();
}
