// SPDX-License-Identifier: Apache-2.0
#include "tests/support/indexer/raw_image.h"
#include "tests/support/tools/test_node.h"
#include "tools/api/trouble.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>

#include <unistd.h>

namespace weft::tools {
namespace {

using test::TestNode;

class Images : public ::testing::Test {
 protected:
  Reply import(const std::string& file, const std::string& name, CallContext context = {}) {
    return node_.call("POST", "v1/images", {{"file", file}, {"name", name}}, std::move(context));
  }
  std::size_t count() { return node_.must("GET", "v1/images").at("images").as_array().size(); }

  TestNode node_{TestNode::Kind::store_only};
};

TEST_F(Images, imported_image_is_listed_shown_and_removed) {
  const auto image = node_.import_random("web", 2, 1);
  EXPECT_EQ(image.at("size").to_number<std::uint64_t>(), 2u << 20);
  EXPECT_TRUE(image.at("complete").as_bool());
  const std::string id(image.at("id").as_string());
  EXPECT_EQ(node_.must("GET", "v1/images/web").at("id").as_string(), id);
  EXPECT_EQ(node_.must("GET", "v1/images/" + id.substr(0, 8)).at("name"), "web");
  EXPECT_GE(node_.must("DELETE", "v1/images/web").at("freed").to_number<std::uint64_t>(), 2u << 20);
  EXPECT_EQ(count(), 0u);
}

TEST_F(Images, every_refusal_has_its_exit_code_and_registers_nothing) {
  node_.import_random("taken", 1, 1);
  const auto file = [&](const char* name, std::size_t blocks, std::uint64_t seed) {
    test::write_file(node_.path(name), test::random_blocks(BlockCount(blocks), seed));
    return node_.path(name).string();
  };
  const auto other = file("other.raw", 3, 2);
  const struct {
    const char* what;
    std::string file;
    std::string name;
    ExitCode exit;
  } rows[] = {
      {"name taken", other, "taken", ExitCode::exists},
      {"bad name", other, "../x", ExitCode::usage},
      {"absent", node_.path("absent").string(), "x", ExitCode::not_found},
      {"directory", node_.path("").string(), "x", ExitCode::bad_input},
      {"empty", file("empty.raw", 0, 3), "x", ExitCode::bad_input},
      {"relative path", "x.raw", "x", ExitCode::usage},
  };
  for (const auto& row : rows) {
    const auto reply = import(row.file, row.name);
    ASSERT_FALSE(reply) << row.what;
    EXPECT_EQ(exit_code(reply.error()), row.exit) << row.what << ": " << reply.error().message();
  }
  EXPECT_EQ(count(), 1u);
}

TEST_F(Images, unknown_ones_are_not_found) {
  for (const char* method : {"GET", "DELETE"}) {
    const auto reply = node_.call(method, "v1/images/nope");
    ASSERT_FALSE(reply);
    EXPECT_TRUE(reply.error().is(Errc::unknown_image));
  }
}

TEST_F(Images, cancelled_import_leaves_nothing_and_can_be_started_again) {
  const auto file = node_.path("big.raw");
  test::write_file(file, test::random_blocks(BlockCount(32 * 256), 5));
  std::stop_source stop;
  CallContext context;
  context.stop = stop.get_token();
  context.progress = [&](const boost::json::object&) { stop.request_stop(); };
  const auto cancelled = import(file.string(), "big", context);
  ASSERT_FALSE(cancelled) << "it was to end in the middle";
  EXPECT_EQ(exit_code(cancelled.error()), ExitCode::cancelled) << cancelled.error().message();
  EXPECT_EQ(count(), 0u);
  EXPECT_EQ(node_.must("GET", "v1/status").at("disk").at("physical").to_number<std::uint64_t>(),
            0u);
  EXPECT_TRUE(import(file.string(), "big"));
}

TEST_F(Images, survive_a_restart) {
  const auto before = node_.import_random("web", 1, 1);
  node_.restart();
  EXPECT_EQ(node_.must("GET", "v1/images/web"), before);
}

TEST_F(Images, a_misspelt_or_unknown_request_is_refused) {
  EXPECT_FALSE(node_.call("POST", "v1/images", {{"fiel", "/x"}}));
  EXPECT_FALSE(node_.call("PUT", "v1/images"));
  const auto reply = node_.call("GET", "v1/nothing");
  ASSERT_FALSE(reply);
  EXPECT_EQ(classify(reply.error()).http_status, 400u);
}

TEST(StateDirectory, has_one_node_at_a_time) {
  TestNode first(TestNode::Kind::store_only);
  const auto second = Node::start(first.options());
  ASSERT_FALSE(second);
  EXPECT_EQ(exit_code(second.error()), ExitCode::state);
  EXPECT_TRUE(second.error().detail.contains(std::to_string(::getpid())))
      << second.error().message();
}

TEST(StateDirectory, of_a_newer_weft_is_left_alone) {
  TestNode node(TestNode::Kind::store_only);
  const auto options = node.options();
  node.stop();
  std::filesystem::path catalog;
  for (const auto& entry : std::filesystem::directory_iterator(options.config.state)) {
    std::array<char, 15> magic{};
    std::ifstream(entry.path()).read(magic.data(), magic.size());
    if (std::string_view(magic.data(), magic.size()) == "SQLite format 3") catalog = entry.path();
  }
  ASSERT_FALSE(catalog.empty());
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(catalog.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "PRAGMA user_version = 999", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  const auto opened = Node::start(options);
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().is(Errc::newer_state)) << opened.error().message();
}

}  // namespace
}  // namespace weft::tools
