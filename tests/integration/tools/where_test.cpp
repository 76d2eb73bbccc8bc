// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/fetcher/loopback_node.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/tools/test_node.h"
#include "tools/api/trouble.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <algorithm>

// What nodes learn of each other's images in the background, and what is answered from it.
namespace weft::tools {
namespace {

using fetcher::testing::LoopbackNode;
using test::TestNode;

/// A raw file of `blocks` random blocks, the first `changed` of which are others than in a file of
/// the same seed.
boost::json::object import_changed(TestNode& node, const std::string& name, std::uint64_t blocks,
                                   std::uint64_t changed, std::uint64_t seed = 1) {
  auto bytes = test::random_blocks(BlockCount(blocks), seed);
  const auto other = test::random_blocks(BlockCount(changed), seed + 1000);
  std::ranges::copy(other, bytes.begin());
  const auto file = node.path(name + ".raw");
  test::write_file(file, bytes);
  return node.must("POST", "v1/images", {{"file", file.string()}, {"name", name}});
}

boost::json::object peer_of(TestNode& node) {
  return node.must("GET", "v1/peers").at("peers").at(0).as_object();
}

std::uint64_t learnt(TestNode& node, const char* what) {
  const auto peer = peer_of(node);
  const auto* exchange = peer.if_contains("exchange");
  return exchange == nullptr ? 0 : exchange->at(what).to_number<std::uint64_t>();
}

std::uint64_t number(const boost::json::value& object, const char* member) {
  return object.at(member).to_number<std::uint64_t>();
}

boost::json::value node_at(const boost::json::object& where, bool here) {
  for (const auto& node : where.at("nodes").as_array()) {
    if (node.at("here").as_bool() == here) return node;
  }
  throw std::runtime_error("no such node");
}

TEST(Where, signatures_of_a_peers_images_are_learnt_once_and_kept) {
  TestNode a(TestNode::Kind::networked);
  TestNode b(TestNode::Kind::networked);
  import_changed(a, "base", 1024, 0);
  import_changed(a, "web", 1024, 256);
  static_cast<void>(b.must("POST", "v1/peers", {{"address", a.address()}}));
  ASSERT_TRUE(LoopbackNode::eventually([&] { return learnt(b, "signatures") == 2; }));
  EXPECT_EQ(learnt(b, "images"), 2u);
  EXPECT_GT(learnt(b, "signature_bytes"), 2u * 5000);
  EXPECT_LT(learnt(b, "signature_bytes"), 2u * 32 * 1024);
  b.restart();
  ASSERT_TRUE(LoopbackNode::eventually([&] { return learnt(b, "lists") == 1; }));
  EXPECT_EQ(learnt(b, "signatures"), 0u) << "they are in the catalog";
}

TEST(Where, an_image_at_a_peer_is_compared_with_what_is_here) {
  TestNode a(TestNode::Kind::networked);
  TestNode b(TestNode::Kind::networked);
  import_changed(a, "web", 1024, 256);
  import_changed(b, "base", 1024, 0);
  static_cast<void>(b.must("POST", "v1/peers", {{"address", a.address()}, {"price_per_gib", 2}}));
  ASSERT_TRUE(LoopbackNode::eventually([&] { return learnt(b, "lists") >= 1; }));
  const auto where = b.must("GET", "v1/images/web/where");
  EXPECT_EQ(number(where, "content"), 4u << 20);
  ASSERT_EQ(where.at("nodes").as_array().size(), 2u);
  const auto there = node_at(where, false);
  EXPECT_EQ(there, where.at("nodes").at(0)) << "the cheapest to start is the one that has it";
  EXPECT_EQ(number(there, "needs"), 0u);
  EXPECT_TRUE(there.at("exact").as_bool());
  EXPECT_EQ(there.at("address").as_string(), a.address());
  const auto here = node_at(where, true);
  EXPECT_EQ(number(here, "holds"), 3u << 20);
  EXPECT_EQ(number(here, "needs"), 1u << 20);
  if (!here.at("time").is_null()) {
    EXPECT_NEAR(here.at("price").to_number<double>(), 2.0 / 1024, 1e-6);
    EXPECT_EQ(here.at("sources").at(0).as_string(), a.address());
  } else {
    EXPECT_NE(here.at("note").as_string(), "");
  }
}

TEST(Where, an_image_nobody_has_is_not_found) {
  TestNode a(TestNode::Kind::networked);
  const auto nowhere = a.call("GET", "v1/images/nope/where");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(exit_code(nowhere.error()), ExitCode::not_found);
}

TEST(Where, a_peer_that_knows_no_signatures_is_listed_and_served_from) {
  LoopbackNode old("old");
  old.features = 0;
  const test::SampleImage image(test::random_blocks(BlockCount(256), 1));
  old.hold("disk", image);
  old.serve();
  TestNode b(TestNode::Kind::networked);
  static_cast<void>(b.must("POST", "v1/peers", {{"address", old.address()}}));
  ASSERT_TRUE(LoopbackNode::eventually([&] { return learnt(b, "lists") >= 1; }));
  const auto where = b.must("GET", "v1/images/disk/where");
  EXPECT_EQ(number(node_at(where, false), "needs"), 0u);
  EXPECT_EQ(learnt(b, "signature_bytes"), 0u) << "it was never asked";
  const auto job = b.must("POST", "v1/jobs", {{"image", "disk"}, {"wait", true}});
  EXPECT_EQ(job.at("state"), "done");
}

TEST(Where, a_price_is_kept_and_stays_when_the_peer_is_named_again) {
  TestNode node(TestNode::Kind::networked);
  const auto price = [&] { return peer_of(node).at("price_per_gib").to_number<double>(); };
  static_cast<void>(
      node.must("POST", "v1/peers", {{"address", "127.0.0.1:1"}, {"price_per_gib", 0.02}}));
  EXPECT_EQ(price(), 0.02);
  static_cast<void>(node.must("POST", "v1/peers", {{"address", "127.0.0.1:1"}}));
  node.restart();
  EXPECT_EQ(price(), 0.02);
  const auto bad = node.call("POST", "v1/peers", {{"address", "x:1"}, {"price_per_gib", -1}});
  EXPECT_TRUE(!bad && bad.error().is(Errc::bad_request));
}

TEST(Diff, changed_extents_are_listed_with_their_sum) {
  TestNode node(TestNode::Kind::store_only);
  const auto a = node.path("a.raw");
  const auto b = node.path("b.raw");
  test::write_raw(a, "abcd..ef");
  test::write_raw(b, "aXYd.Wefg", ByteCount(8 * 4096 + 100));
  for (const auto* name : {"a", "b"}) {
    static_cast<void>(
        node.must("POST", "v1/images", {{"file", node.path(name + std::string(".raw")).string()}}));
  }
  const auto diff = node.must("GET", "v1/images/a/diff/b");
  const auto expected = boost::json::parse(R"([{"offset": 4096, "length": 8192},
    {"offset": 20480, "length": 4096}, {"offset": 32768, "length": 100}])");
  EXPECT_EQ(diff.at("list"), expected);
  EXPECT_EQ(number(diff, "changed"), 12'388u);
  EXPECT_EQ(number(diff, "extents"), 3u);
  EXPECT_FALSE(diff.at("truncated").as_bool());
  const auto first = node.must("GET", "v1/images/a/diff/b?limit=1");
  EXPECT_EQ(first.at("list").as_array().size(), 1u);
  EXPECT_EQ(number(first, "extents"), 3u);
  EXPECT_TRUE(first.at("truncated").as_bool());
  EXPECT_EQ(number(node.must("GET", "v1/images/a/diff/a"), "extents"), 0u);
  EXPECT_FALSE(node.call("GET", "v1/images/a/diff/b?limit=x"));
}

TEST(Diff, a_tree_that_is_not_whole_here_is_an_error_that_says_what_to_do) {
  TestNode node(TestNode::Kind::store_only);
  import_changed(node, "base", 300, 0);
  const test::SampleImage lazy(test::random_blocks(BlockCount(300), 9));
  ASSERT_TRUE(node->store().adopt("lazy", lazy.info));
  for (const char* target : {"v1/images/base/diff/lazy", "v1/images/lazy/diff/base"}) {
    const auto diff = node.call("GET", target);
    ASSERT_FALSE(diff) << target;
    EXPECT_TRUE(diff.error().is(Errc::not_resident));
    EXPECT_NE(diff.error().detail.find("weft materialize lazy"), std::string::npos);
  }
  EXPECT_EQ(number(node.must("GET", "v1/images/lazy/diff/lazy"), "extents"), 0u)
      << "equal trees need not be here";
}

}  // namespace
}  // namespace weft::tools
