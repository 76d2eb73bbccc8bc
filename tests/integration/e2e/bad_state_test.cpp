// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/e2e/e2e_fixture.h"

#include <fstream>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

class BadState : public E2eTest {
 protected:
  Finished daemon(const std::filesystem::path& state) {
    return run({weft_binary(), "--state", state, "daemon", "--listen", "127.0.0.1:0"}, 20s);
  }
  WeftNode node_{directory_ / "a" / "state"};
};

TEST_F(BadState, second_daemon_on_a_state_directory_is_refused_and_the_first_goes_on) {
  node_.start();
  expect_ok(node_.weft({"import", image_file("x.raw", 1), "--name", "x"}));
  const auto refused = daemon(node_.state());
  EXPECT_EQ(refused.status.code, static_cast<int>(ExitCode::state)) << refused.err;
  EXPECT_NE(refused.err.find("is used by process"), std::string::npos) << refused.err;
  EXPECT_EQ(node_.query({"images"}).at("images").as_array().size(), 1U);
}

TEST_F(BadState, directory_of_a_newer_weft_is_refused_and_left_as_it_is) {
  node_.start();
  expect_ok(node_.weft({"import", image_file("x.raw", 1), "--name", "x"}));
  EXPECT_TRUE(node_.stop().ok());
  const auto format = node_.state() / "format";
  std::ofstream(format) << "weft state 999\n";
  const auto refused = daemon(node_.state());
  EXPECT_EQ(refused.status.code, static_cast<int>(ExitCode::state)) << refused.err;
  EXPECT_NE(refused.err.find("newer"), std::string::npos) << refused.err;
  expect_trouble(node_.weft({"images"}), ExitCode::state, "newer");
  std::string line;
  std::getline(std::ifstream(format) >> std::ws, line);
  EXPECT_EQ(line, "weft state 999");
  // Back at the weft that wrote it, everything is there.
  std::ofstream(format) << "weft state 1\n";
  node_.start();
  EXPECT_EQ(node_.query({"show", "x"}).at("blocks").at("missing"), 0);
}

TEST_F(BadState, damaged_catalog_is_named_not_replaced) {
  node_.start();
  expect_ok(node_.weft({"import", image_file("x.raw", 1), "--name", "x"}));
  EXPECT_TRUE(node_.stop().ok());
  const auto catalog = node_.state() / "catalog.sqlite";
  const auto saved = test::read_file(catalog);
  std::ofstream(catalog, std::ios::binary) << std::string(saved.size(), 'x');
  const auto refused = daemon(node_.state());
  EXPECT_EQ(refused.status.code, static_cast<int>(ExitCode::state)) << refused.err;
  EXPECT_NE(refused.err.find("catalog"), std::string::npos) << refused.err;
  test::write_file(catalog, saved);
  node_.start();
  EXPECT_EQ(node_.query({"show", "x"}).at("blocks").at("missing"), 0);
}

TEST_F(BadState, directory_that_cannot_be_made_is_named) {
  std::ofstream(directory_ / "file") << "in the way";
  const auto refused = daemon(directory_ / "file" / "state");
  EXPECT_FALSE(refused.status.ok());
  EXPECT_FALSE(refused.status.signalled);
  EXPECT_NE(refused.err.find("file"), std::string::npos) << refused.err;
}

}  // namespace
}  // namespace weft::testing
