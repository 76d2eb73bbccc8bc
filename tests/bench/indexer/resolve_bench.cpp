// SPDX-License-Identifier: Apache-2.0
#include "indexer/similarity/signature.h"
#include "indexer/store/store.h"
#include "indexer/tree/tree_builder.h"
#include "indexer/tree/tree_node.h"
#include "tests/bench/measure.h"
#include "tests/bench/must.h"
#include "tests/bench/report.h"
#include "tests/support/indexer/temp_directory.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

// What it costs to find the blocks of an image of 10^6 blocks in ten local relatives of that size,
// to answer a have query, and to say who is related to whom. The images have made-up digests and
// sparse files for content: nothing here reads a block. Times are of the
// processor: all of it is one thread's work over files in the page cache.
//   resolve_bench [--json]
namespace {

using namespace weft;
using bench::must;

constexpr std::uint64_t blocks = 1'000'000;
constexpr std::uint64_t relatives = 10;
constexpr std::uint64_t shared_with_each = 90'000;

std::vector<Digest> made_up_digests(std::uint64_t seed, std::uint64_t count) {
  std::mt19937_64 random(seed);
  std::vector<Digest> out(count);
  for (Digest& digest : out) {
    for (std::size_t at = 0; at < Digest::size; at += 8) {
      const std::uint64_t word = random();
      std::memcpy(digest.bytes.data() + at, &word, sizeof word);
    }
  }
  return out;
}

struct Tree {
  ImageInfo info;
  std::map<TreeNode, NodeBytes> nodes;

  explicit Tree(std::span<const Digest> digests) {
    const ByteCount size = bytes_of(BlockCount(digests.size()));
    TreeBuilder builder(size, [this](TreeNode node, const NodeBytes& bytes) -> Result<void> {
      nodes[node] = bytes;
      return {};
    });
    must(builder.append(digests));
    const Digest root = must(builder.finish());
    info = ImageInfo{make_image_id(size, root), size, root};
  }
  /// As packs of nodes from a peer would, `batch` nodes at a time.
  void land(LocalImage& image, std::size_t batch) const {
    std::vector<PlacedNode> placed;
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
      placed.push_back({node->first, node->second});
      if (placed.size() < batch && std::next(node) != nodes.rend()) continue;
      for (auto& outcome : image.add_nodes(placed))
        must(std::move(outcome));
      placed.clear();
    }
  }
};

/// In place over a sparse file: the store believes the digests until it reads a block.
void import_made_up(Store& store, const std::filesystem::path& file, const std::string& name,
                    std::span<const Digest> digests) {
  const ByteCount size = bytes_of(BlockCount(digests.size()));
  std::ofstream(file).close();
  std::filesystem::resize_file(file, size.value());
  auto writer = must(store.begin_import({name, size, PackKind::in_place, file}));
  constexpr std::uint64_t piece = 1000;
  const std::vector<std::byte> bytes(piece * block_size, std::byte{1});
  for (std::uint64_t at = 0; at < digests.size(); at += piece)
    must(writer->put(BlockIndex(at), bytes, digests.subspan(at, piece)));
  must(writer->publish());
}

/// Kibibytes, from /proc/self/status.
std::uint64_t memory(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stoull(line.substr(field.size() + 1));
  }
  return 0;
}

void reset_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

void measure(bench::Report& report) {
  const test::TempDirectory dir;
  auto store = must(Store::open(posix_file_system(), {dir / "state", ByteCount(0)}));

  auto digests = made_up_digests(0, blocks);
  const Tree tree(digests);
  auto target = must(store->adopt("target", tree.info));
  report.add("land_tree_alone", bench::processor_seconds([&] { tree.land(*target, 1024); }), "s");
  report.add("flush_with_index", bench::processor_seconds([&] { must(store->flush()); }), "s");

  for (std::uint64_t r = 0; r < relatives; ++r) {
    auto of_relative = made_up_digests(r + 1, blocks);
    std::copy_n(digests.begin() + static_cast<std::ptrdiff_t>(r * shared_with_each),
                shared_with_each, of_relative.begin() + 1234);
    import_made_up(*store, dir / ("relative" + std::to_string(r)), "r" + std::to_string(r),
                   of_relative);
  }

  std::size_t found = 0;
  report.add("relatives", bench::processor_seconds([&] {
                            found = must(store->relatives(tree.info.id)).size();
                          }) * 1e3,
             "ms");
  report.add("relatives_found", static_cast<double>(found), "", bench::Bound::at_least(relatives));
  report.add("signature_16384_keys",
             bench::processor_seconds([&] { must(store->signature(tree.info.id, 16384)); }) * 1e3,
             "ms");

  reset_peak();
  const std::uint64_t before = memory("VmRSS");
  BlockCount borrowed;
  // Not slower than hashing the same blocks on one core, which is what fetching them would cost.
  report.add("resolve", bench::processor_seconds([&] {
               borrowed = must(target->resolve({BlockIndex(0), BlockCount(blocks)}));
             }),
             "s", bench::Bound::at_most(3));
  report.add("resolve_memory", static_cast<double>(memory("VmHWM") - before) / 1024, "MiB",
             bench::Bound::at_most(64));
  report.add("resolved", static_cast<double>(borrowed.value()), "",
             bench::Bound::at_least(relatives * shared_with_each));
  report.add("resolve_again", bench::processor_seconds([&] {
                                must(target->resolve({BlockIndex(0), BlockCount(blocks)}));
                              }) * 1e3,
             "ms");

  std::vector<DigestKey> keys;
  for (std::uint64_t i = 0; i < 65536; ++i)
    keys.push_back(digest_key(digests[i * 15]) >> 24);
  std::ranges::sort(keys);
  // A small part of the round trips of a thin link.
  report.add("holds_65536_keys",
             bench::processor_seconds([&] { must(store->holds(keys, 5)); }) * 1e3, "ms",
             bench::Bound::at_most(250));

  must(store->flush());
  target.reset();
  must(store->remove("target"));
  auto again = must(store->adopt("target", tree.info));
  report.add("land_tree_with_relatives", bench::processor_seconds([&] { tree.land(*again, 1024); }),
             "s", bench::Bound::at_most(6));
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report("resolve", argc, argv);
  return report.run([&] { measure(report); });
}
