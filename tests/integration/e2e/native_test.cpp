// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/unique_fd.h"
#include "tests/integration/e2e/e2e_fixture.h"

#include <fcntl.h>

// A complete image at the speed of a plain file, and as one: passthrough through `kill -9` of the
// worker, and `weft detach`.
namespace weft::testing {
namespace {

using namespace std::chrono_literals;

class Native : public E2eTest {
 protected:
  void SetUp() override {
    node_.start();
    file_ = image_file("web.raw", 16);
    ASSERT_TRUE(node_.weft({"import", file_, "--name", "web"}).status.ok());
  }
  boost::json::object mount() { return node_.query({"status"}).at("mounts").at(0).as_object(); }
  std::string passthrough() { return std::string(mount().at("passthrough").as_string()); }
  std::uint64_t reads() { return mount().at("reads").at("resident").to_number<std::uint64_t>(); }
  bool equal(const std::filesystem::path& other) { return run({"cmp", file_, other}).status.ok(); }
  std::vector<std::string> files_in(const std::filesystem::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
      names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }

  WeftNode node_{directory_ / "node" / "state"};
  std::filesystem::path file_;
};

TEST_F(Native, files_open_in_passthrough_go_on_through_kill_9_and_can_be_opened_again) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  const auto target = new_directory("mounted");
  ASSERT_TRUE(node_.weft({"mount", "web", target}).status.ok());
  const auto mounted = target / "web.raw";
  if (passthrough().contains("kernel")) GTEST_SKIP() << passthrough();
  // Of a complete image the first boot is recorded, unless somebody does not want that.
  static_cast<void>(node_.weft({"profile", "record", target, "stop"}));
  ASSERT_TRUE(soon([&] { return passthrough() == "ready"; })) << passthrough();

  const UniqueFd held(::open(mounted.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(held);
  EXPECT_EQ(mount().at("mode"), "passthrough");
  EXPECT_TRUE(equal(mounted));
  EXPECT_EQ(reads(), 0u);
  for (int round = 0; round < 3; ++round) {
    const auto old = node_.kill_worker();
    ASSERT_TRUE(node_.wait_for_new_worker(old, 20s)) << node_.log();
    // At once: the successor has not compared the pack yet, and passthrough is still held.
    char byte = 0;
    EXPECT_EQ(::pread(held.get(), &byte, 1, 1 << 20), 1) << "nobody is needed for that";
    EXPECT_TRUE(equal(mounted)) << round;
    EXPECT_EQ(passthrough(), "ready");
    EXPECT_EQ(mount().at("opens").at("passthrough"), 1) << round;
    EXPECT_EQ(reads(), 0u);
  }
}

TEST_F(Native, passthrough_can_be_switched_off) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  WeftNode other(directory_ / "other" / "state", {"--passthrough", "off"});
  other.start();
  ASSERT_TRUE(other.weft({"import", file_, "--name", "web"}).status.ok());
  const auto target = new_directory("mounted");
  ASSERT_TRUE(other.weft({"mount", "web", target}).status.ok());
  EXPECT_TRUE(equal(target / "web.raw"));
  const auto mounted = other.query({"status"}).at("mounts").at(0);
  EXPECT_EQ(mounted.at("passthrough"), "no: passthrough is off");
  EXPECT_GT(mounted.at("reads").at("resident").to_number<std::uint64_t>(), 0u);
}

TEST_F(Native, detached_files_are_the_image_and_say_their_root) {
  const auto out = new_directory("out");
  const auto raw = node_.query({"detach", "web", "--to", out / "web.raw"});
  EXPECT_TRUE(equal(out / "web.raw"));
  const auto image = node_.query({"show", "web"});
  EXPECT_EQ(raw.at("root"), image.at("root"));
  EXPECT_EQ(raw.at("id"), image.at("id"));
  EXPECT_EQ(raw.at("hashed"), 16 << 20);

  const auto qcow2 = node_.query({"detach", "web", "--to", out / "web.qcow2", "--format", "qcow2"});
  EXPECT_EQ(qcow2.at("root"), image.at("root"));
  EXPECT_TRUE(run({"qemu-img", "compare", "-f", "raw", "-F", "qcow2", file_, out / "web.qcow2"})
                  .status.ok());
  EXPECT_EQ(files_in(out), (std::vector<std::string>{"web.qcow2", "web.raw"}));
}

TEST_F(Native, detach_without_a_daemon_does_the_same) {
  node_.stop();
  const auto out = new_directory("out");
  const auto done = node_.weft({"detach", "web", "--to", out / "web.raw"});
  EXPECT_TRUE(done.status.ok()) << done.err;
  EXPECT_TRUE(done.out.contains("proof: ")) << done.out;
  EXPECT_TRUE(equal(out / "web.raw"));
}

TEST_F(Native, detach_refuses_what_it_cannot_do_and_leaves_nothing) {
  const auto out = new_directory("out");
  test::write_file(out / "there", test::random_blocks(BlockCount(1), 5));
  expect_trouble(node_.weft({"detach", "web", "--to", out / "there"}), ExitCode::exists, "--force");
  expect_trouble(node_.weft({"detach", "web", "--to", out}), ExitCode::usage, "regular file");
  expect_trouble(node_.weft({"detach", "nope", "--to", out / "x"}), ExitCode::not_found, "nope");
  expect_trouble(node_.weft({"detach", "web", "--to", out / "absent" / "x"}), ExitCode::not_found,
                 "absent");
  expect_trouble(node_.weft({"detach", "web", "--to", out / "x", "--format", "vdi"}),
                 ExitCode::usage, "qcow2");
  expect_trouble(node_.weft({"detach", "web", "--to", node_.state() / "x"}), ExitCode::usage,
                 "state directory");
  EXPECT_EQ(files_in(out), std::vector<std::string>{"there"});
  EXPECT_TRUE(node_.weft({"detach", "web", "--to", out / "there", "--force"}).status.ok());
  EXPECT_TRUE(equal(out / "there"));
}

TEST_F(Native, detach_of_an_incomplete_image_names_what_is_missing_or_waits_for_it) {
  WeftNode other(directory_ / "other" / "state", {"--peers", node_.address()});
  other.start();
  const auto out = new_directory("out");
  const auto target = new_directory("mounted");
  if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  ASSERT_TRUE(other.weft({"mount", "web", target}).status.ok());
  expect_trouble(other.weft({"detach", "web", "--to", out / "web.raw"}), ExitCode::not_found,
                 "weft materialize web");
  EXPECT_TRUE(files_in(out).empty());
  const auto done = other.weft({"detach", "web", "--to", out / "web.raw", "--wait"});
  EXPECT_TRUE(done.status.ok()) << done.err;
  EXPECT_TRUE(equal(out / "web.raw"));
}

}  // namespace
}  // namespace weft::testing
