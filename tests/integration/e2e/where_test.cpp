// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/e2e/e2e_fixture.h"

#include <fstream>

// `weft where` and `weft diff` as their users have them.
namespace weft::testing {
namespace {

class WhereTest : public E2eTest {
 protected:
  /// A copy of `from` with 16 KiB at 1 MiB overwritten.
  std::filesystem::path changed(const std::filesystem::path& from) {
    const auto path = directory_ / "changed.raw";
    std::filesystem::copy_file(from, path);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(1 << 20);
    const std::string other(16 * 1024, 'x');
    file.write(other.data(), static_cast<std::streamsize>(other.size()));
    return path;
  }
  static bool listed(const WeftNode& node) {
    const auto peers = node.query({"peers"});
    const auto* exchange = peers.at("peers").at(0).as_object().if_contains("exchange");
    return exchange != nullptr && exchange->at("lists").to_number<int>() > 0;
  }
};

TEST_F(WhereTest, where_tells_the_holder_from_the_node_that_lacks_some) {
  WeftNode a(directory_ / "a" / "state");
  WeftNode b(directory_ / "b" / "state");
  a.start();
  b.start();
  const auto base = image_file("base.raw", 4);
  expect_ok(a.weft({"import", changed(base), "--name", "web"}));
  expect_ok(b.weft({"import", base, "--name", "base"}));
  expect_ok(b.weft({"peers", "add", a.address(), "--price", "0.5"}));
  ASSERT_TRUE(soon([&] { return listed(b); }));
  const auto where = b.query({"where", "web"});
  ASSERT_EQ(where.at("nodes").as_array().size(), 2u);
  EXPECT_EQ(where.at("nodes").at(0).at("address").as_string(), a.address());
  EXPECT_EQ(where.at("nodes").at(0).at("needs").to_number<int>(), 0);
  // Four equal blocks are one, which has to come.
  EXPECT_EQ(where.at("nodes").at(1).at("needs").to_number<int>(), 4096);
  const auto table = b.weft({"where", "web"});
  expect_ok(table);
  EXPECT_NE(table.out.find("NODE"), std::string::npos);
  EXPECT_NE(table.out.find("(this node)"), std::string::npos);
  EXPECT_NE(b.weft({"peers"}).out.find("PER GiB"), std::string::npos);
  expect_trouble(b.weft({"where", "nothing"}), ExitCode::not_found, "nothing");
  expect_trouble(b.weft({"peers", "add", a.address(), "--price", "cheap"}), ExitCode::bad_config,
                 "cheap");
}

TEST_F(WhereTest, diff_works_without_a_daemon_and_says_what_is_missing) {
  const WeftNode node(directory_ / "a" / "state");
  const auto base = image_file("base.raw", 4);
  expect_ok(node.weft({"import", base, "--name", "base"}));
  expect_ok(node.weft({"import", changed(base), "--name", "web"}));
  const auto diff = node.query({"diff", "base", "web"});
  EXPECT_EQ(diff.at("changed").to_number<int>(), 16 * 1024);
  EXPECT_EQ(diff.at("list").at(0).at("offset").to_number<int>(), 1 << 20);
  const auto table = node.weft({"diff", "base", "web"});
  EXPECT_NE(table.out.find("1048576   16384"), std::string::npos) << table.out;
  EXPECT_EQ(node.weft({"diff", "base", "base"}).out, "no difference\n");
  expect_trouble(node.weft({"diff", "base", "gone"}), ExitCode::not_found, "gone");
  expect_trouble(node.weft({"where", "base"}), ExitCode::unreachable, "daemon");
}

}  // namespace
}  // namespace weft::testing
