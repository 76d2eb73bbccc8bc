// SPDX-License-Identifier: Apache-2.0
// What is here already, in whatever image, is not sent: bytes over the link against the reference.
#include "indexer/tree/tree_shape.h"
#include "tests/integration/e2e/e2e_fixture.h"
#include "tests/support/tools/link_ledger.h"
#include "tests/support/tools/reference_transfer.h"

#include <array>
#include <cstring>
#include <span>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;
using Bytes = std::vector<std::byte>;

/// Beyond the reference: greetings, requests, frame headers, and a signature of at most 32 KiB.
constexpr double allowance = 48 << 10;

/// Distinct blocks of which zstd saves about half.
Bytes blocks(std::uint64_t count, std::uint64_t seed) {
  Bytes bytes = test::random_blocks(BlockCount(count), seed);
  for (std::size_t at = 0; at < bytes.size(); at += 2)
    bytes[at] = std::byte{'x'};
  return bytes;
}

std::span<std::byte> at(Bytes& image, std::uint64_t block, std::uint64_t count) {
  return std::span(image).subspan(block * block_size, count * block_size);
}

void put(Bytes& image, std::uint64_t block, std::span<const std::byte> content) {
  std::ranges::copy(content, at(image, block, content.size() / block_size).begin());
}

class RedundancyTest : public E2eTest {
 protected:
  ImageContent write(const std::string& name, const Bytes& bytes) {
    test::write_file(directory_ / name, bytes);
    return content_of(directory_ / name);
  }

  static void publish(const WeftNode& node, const ImageContent& image) {
    expect_ok(node.weft({"import", image.file, "--name", image.file.filename(), "--in-place"}));
  }

  /// A node that holds `local` gets `wanted`; returns the bytes over the link, and leaves a copy of
  /// what arrived beside `wanted.file`.
  std::uint64_t transfer(const ImageContent& wanted, std::span<const ImageContent* const> local) {
    WeftNode source(directory_ / "s/state");
    WeftNode target(directory_ / "t/state");
    source.start();
    target.start();
    publish(source, wanted);
    for (const ImageContent* image : local)
      publish(target, *image);
    RunningRelay relay({.listen = "127.0.0.1:0",
                        .target = source.address(),
                        .round_trip = {},
                        .bits_per_second = 100'000'000,
                        .tap = ledger_.tap()});
    expect_ok(
        target.weft({"materialize", wanted.file.filename(), "--peer", relay.address()}, 2min));
    const auto counts = relay.counts();
    relay.command("down");
    EXPECT_EQ(blocks_missing(target, wanted.file.filename()), 0u);
    return counts.to_client + counts.to_target;
  }

  void expect_near_reference(const ImageContent& wanted,
                             std::span<const ImageContent* const> local) {
    const ReferenceTransfer reference = reference_transfer(wanted, local);
    const auto bytes = static_cast<double>(transfer(wanted, local));
    EXPECT_LE(bytes, 1.05 * static_cast<double>(reference.bytes()) + allowance +
                         static_cast<double>(changed_leaves(wanted, local) * block_size))
        << table();
    EXPECT_EQ(ledger_.blocks().blocks, reference.blocks) << table();
  }

  /// Leaves that no local image has at the same place: they come whole from a peer that does not
  /// hold those images.
  static std::uint64_t changed_leaves(const ImageContent& wanted,
                                      std::span<const ImageContent* const> local) {
    constexpr std::size_t leaf = tree_fanout;
    const auto same_in = [](const ImageContent& a, const ImageContent& b, std::size_t first) {
      const std::size_t end = std::min(first + leaf, a.blocks.size());
      for (std::size_t i = first; i < end; ++i) {
        if (i >= b.blocks.size() || a.blocks[i] != b.blocks[i]) return false;
      }
      return end - first == leaf || a.blocks.size() == b.blocks.size();
    };
    std::uint64_t changed = 0;
    for (std::size_t first = 0; first < wanted.blocks.size(); first += leaf) {
      const bool known = std::ranges::any_of(
          local, [&](const ImageContent* image) { return same_in(wanted, *image, first); });
      changed += known ? 0U : 1U;
    }
    return changed;
  }

  [[nodiscard]] std::string table() const {
    std::string text;
    for (const auto& [name, line] : ledger_.lines())
      text += name + ": " + std::to_string(line.bytes) + " bytes\n";
    return text;
  }

  static std::uint64_t blocks_missing(const WeftNode& node, const std::string& image) {
    return node.query({"show", image}).at("blocks").at("missing").to_number<std::uint64_t>();
  }

  LinkLedger ledger_;
};

TEST_F(RedundancyTest, only_the_changed_blocks_of_a_changed_image_are_sent) {
  Bytes image = blocks(6144, 1);
  const auto before = write("before", image);
  for (std::uint64_t run = 0; run < 24; ++run)
    put(image, 100 + run * 250, blocks(1 + run, 1000 + run));
  const auto after = write("after", image);
  expect_near_reference(after, std::array{&before});
}

TEST_F(RedundancyTest, blocks_that_moved_are_not_sent) {
  Bytes image = blocks(6144, 1);
  const auto before = write("before", image);
  const Bytes moved(at(image, 1000, 2000).begin(), at(image, 1000, 2000).end());
  put(image, 1037, moved);
  put(image, 5000, blocks(300, 77));
  const auto after = write("after", image);
  expect_near_reference(after, std::array{&before});
}

TEST_F(RedundancyTest, blocks_of_several_local_images_come_together_in_one) {
  const Bytes first = blocks(3000, 1);
  const Bytes second = blocks(3000, 2);
  Bytes image = blocks(6144, 3);
  put(image, 0, first);
  put(image, 3100, second);
  const auto a = write("a", first);
  const auto b = write("b", second);
  const auto both = write("both", image);
  expect_near_reference(both, std::array{&a, &b});
}

TEST_F(RedundancyTest, equal_blocks_of_an_image_without_relatives_are_sent_once) {
  Bytes image = blocks(4096, 1);
  const Bytes again(at(image, 100, 504).begin(), at(image, 100, 504).end());
  put(image, 3592, again);
  const auto wanted = write("twins", image);
  expect_near_reference(wanted, {});
}

}  // namespace
}  // namespace weft::testing
