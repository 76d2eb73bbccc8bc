// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/e2e/e2e_fixture.h"

#include <fstream>

#include <sys/stat.h>

namespace weft::testing {
namespace {

class BadInput : public E2eTest {
 protected:
  void SetUp() override {
    node_.start();
    expect_ok(node_.weft({"import", image_file("good.raw", 1), "--name", "good"}));
    before_ = images_of(node_);
  }
  /// Nothing has been lost, registered or left behind.
  void TearDown() override {
    EXPECT_EQ(images_of(node_), before_);
    EXPECT_EQ(unfinished_files(node_), 0U);
  }
  Finished import(const std::filesystem::path& file, const std::string& name = "bad") {
    return node_.weft({"import", file, "--name", name});
  }

  WeftNode node_{directory_ / "a" / "state"};
  std::string before_;
};

TEST_F(BadInput, directory_is_not_an_image) {
  expect_trouble(import(new_directory("folder")), ExitCode::bad_input, "directory");
}

TEST_F(BadInput, device_is_not_an_image) {
  expect_trouble(import("/dev/null"), ExitCode::bad_input, "/dev/null");
}

TEST_F(BadInput, disk_image_with_a_damaged_header_is_refused) {
  const auto file = image_file("disk.qcow2", 1);
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary) << "QFI\xfb";
  expect_trouble(import(file), ExitCode::bad_input, "disk.qcow2: qcow2 version");
}

TEST_F(BadInput, empty_file_is_refused) {
  std::ofstream(directory_ / "empty.raw").flush();
  expect_trouble(import(directory_ / "empty.raw"), ExitCode::bad_input, "empty");
}

TEST_F(BadInput, missing_file_is_not_found) {
  expect_trouble(import(directory_ / "nowhere.raw"), ExitCode::not_found, "nowhere.raw");
}

TEST_F(BadInput, name_taken_keeps_the_old_image) {
  expect_trouble(import(image_file("other.raw", 1, 2), "good"), ExitCode::exists, "good");
}

TEST_F(BadInput, name_that_is_none_is_refused) {
  expect_trouble(import(image_file("other.raw", 1, 2), "../up"), ExitCode::usage, "name");
}

TEST_F(BadInput, unknown_image_is_not_found) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"show", "nobody"}, {"rm", "nobody"}, {"materialize", "nobody"}}) {
    expect_trouble(node_.weft(arguments), ExitCode::not_found, "nobody");
  }
}

TEST_F(BadInput, unreachable_peer_is_told_with_its_address) {
  const auto nobody = "127.0.0.1:" + std::to_string(free_port());
  expect_trouble(node_.weft({"materialize", "elsewhere", "--peer", nobody}), ExitCode::unreachable,
                 nobody);
}

TEST_F(BadInput, peers_with_different_content_under_one_name_are_ambiguous) {
  WeftNode one(directory_ / "one" / "state");
  WeftNode two(directory_ / "two" / "state");
  std::uint64_t seed = 10;
  for (auto* peer : {&one, &two}) {
    peer->start();
    expect_ok(peer->weft({"import", image_file("content.raw", 1, ++seed), "--name", "same"}));
  }
  expect_trouble(
      node_.weft({"materialize", "same", "--peer", one.address(), "--peer", two.address()}),
      ExitCode::exists, "same");
  // By its id it is clear which one is meant.
  const auto id = one.query({"show", "same"}).at("id").as_string();
  expect_ok(node_.weft({"materialize", std::string(id)}));
  expect_ok(node_.weft({"rm", std::string(id)}));
}

TEST_F(BadInput, unreadable_file_is_named_when_the_node_is_not_root) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  const auto secret = image_file("secret.raw", 1);
  ::chmod(secret.c_str(), 0600);
  ::chmod(directory_.path().c_str(), 0755);
  const auto state = new_directory("theirs");
  ::chmod(state.c_str(), 0777);
  const auto refused = run({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                            weft_binary(), "--state", state / "state", "import", secret});
  expect_trouble(refused, ExitCode::not_permitted, "secret.raw");
}

TEST_F(BadInput, last_block_is_padded_and_the_size_is_exact) {
  const auto file = image_file("odd.raw", 1, 3);
  std::filesystem::resize_file(file, (1 << 20) - 1234);
  expect_ok(import(file, "odd"));
  const auto shown = node_.query({"show", "odd"});
  EXPECT_EQ(shown.at("size"), (1 << 20) - 1234);
  EXPECT_EQ(shown.at("blocks").at("total"), 256);
  // The same content again, padded by hand up to the block, is another image: the size counts.
  std::filesystem::resize_file(file, 1 << 20);
  expect_ok(import(file, "padded"));
  EXPECT_NE(node_.query({"show", "padded"}).at("id"), shown.at("id"));
  expect_ok(node_.weft({"rm", "odd"}));
  expect_ok(node_.weft({"rm", "padded"}));
}

}  // namespace
}  // namespace weft::testing
