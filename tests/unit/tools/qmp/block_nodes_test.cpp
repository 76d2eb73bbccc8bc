// SPDX-License-Identifier: Apache-2.0
#include "tools/qmp/block_nodes.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace weft::tools {
namespace {

namespace json = boost::json;

// As QEMU 7.2 answers, shortened.
constexpr const char* answer = R"([
  {"ro": true, "node-name": "r", "drv": "raw", "cache": {"no-flush": false, "direct": false},
   "file": "/mnt/a.raw"},
  {"ro": true, "node-name": "#block096", "drv": "file",
   "cache": {"no-flush": true, "direct": true, "writeback": true}, "file": "/mnt/a.raw"},
  {"ro": false, "node-name": "b", "drv": "file", "file": "/mnt/b.raw"},
  {"drv": "file"}, 7, "x"])";

FileNode node() {
  return {.name = "disk", .file = "/mnt/a.raw", .read_only = true, .direct = true};
}

TEST(BlockNodes, only_those_that_read_a_file_count) {
  const auto nodes = file_nodes_of(json::parse(answer));
  ASSERT_TRUE(nodes);
  ASSERT_EQ(nodes->size(), 2u);
  EXPECT_EQ(nodes->front().name, "#block096");
  EXPECT_EQ(nodes->front().file, "/mnt/a.raw");
  EXPECT_TRUE(nodes->front().read_only);
  EXPECT_TRUE(nodes->front().direct);
  EXPECT_TRUE(nodes->front().no_flush);
  EXPECT_FALSE(nodes->back().read_only);
  EXPECT_FALSE(nodes->back().direct);
}

TEST(BlockNodes, what_is_no_list_is_refused) {
  EXPECT_TRUE(file_nodes_of(json::value(nullptr)).error().is(Errc::helper_failed));
  EXPECT_TRUE(file_nodes_of(json::object{}).error().is(Errc::helper_failed));
}

TEST(BlockNodes, file_is_told_by_its_words_or_by_what_is_there) {
  EXPECT_TRUE(names_file("/nowhere/a.raw", "/nowhere/a.raw"));
  EXPECT_TRUE(names_file("/proc/../etc/passwd", "/etc/passwd"));
  EXPECT_FALSE(names_file("/etc/group", "/etc/passwd"));
  EXPECT_FALSE(names_file("etc/passwd", "/etc/passwd"));
  EXPECT_FALSE(names_file("json:{}", "/etc/passwd"));
}

TEST(BlockNodes, no_path_is_looked_at_where_one_has_the_same_words) {
  const std::vector<FileNode> aliased{{.name = "alias", .file = "/proc/../etc/passwd"},
                                      {.name = "other", .file = "/etc/group"}};
  ASSERT_EQ(nodes_of_file(aliased, "/etc/passwd").size(), 1u);
  EXPECT_EQ(nodes_of_file(aliased, "/etc/passwd").front().name, "alias");
  std::vector<FileNode> both = aliased;
  both.push_back({.name = "exact", .file = "/etc/passwd"});
  ASSERT_EQ(nodes_of_file(both, "/etc/passwd").size(), 1u) << "or the alias was looked at";
  EXPECT_EQ(nodes_of_file(both, "/etc/passwd").front().name, "exact");
  EXPECT_TRUE(nodes_of_file(aliased, "/etc/shadow-of-nothing").empty());
}

TEST(ReopenGuesses, begin_with_what_qemu_tells) {
  EXPECT_EQ(json::serialize(ReopenGuesses().options(node(), false)),
            R"({"driver":"file","node-name":"disk","filename":"/mnt/a.raw","read-only":true,)"
            R"("cache":{"direct":false,"no-flush":false}})");
}

TEST(ReopenGuesses, go_through_the_values_of_an_option_that_is_refused) {
  ReopenGuesses guesses;
  for (const char* expected : {"io_uring", "native", "threads"}) {
    ASSERT_TRUE(guesses.learn("Option 'aio' cannot be reset to its default value"));
    EXPECT_EQ(guesses.options(node(), true).at("aio"), expected);
  }
  ASSERT_TRUE(guesses.learn("Cannot change the option 'locking'"));
  EXPECT_EQ(guesses.options(node(), true).at("locking"), "on");
  EXPECT_EQ(guesses.options(node(), true).at("aio"), "threads");
  EXPECT_FALSE(guesses.learn("Cannot change the option 'aio'")) << "there is no fourth";
}

TEST(ReopenGuesses, give_up_on_other_refusals) {
  ReopenGuesses guesses;
  EXPECT_FALSE(guesses.learn("Could not open '/mnt/a.raw': Permission denied"));
  EXPECT_FALSE(guesses.learn(""));
}

}  // namespace
}  // namespace weft::tools
