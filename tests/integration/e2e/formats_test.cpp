// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/e2e/e2e_fixture.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <signal.h>

// Disk images that are not raw, as the user of the command sees them.
namespace weft::testing {
namespace {

class FormatsThroughTheCommand : public E2eTest {
 protected:
  void SetUp() override { node_.start(); }

  std::filesystem::path converted(const std::filesystem::path& raw, const std::string& format,
                                  const std::string& name) {
    const auto image = directory_ / name;
    qemu_img({"convert", "-f", "raw", "-O", format, raw.string(), image.string()});
    return image;
  }
  static void qemu_img(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "qemu-img");
    expect_ok(run(std::move(arguments)));
  }
  Finished import(const std::filesystem::path& file, const std::string& name,
                  std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"import", file.string(), "--name", name};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return node_.weft(std::move(arguments));
  }
  /// 0: none runs.
  static pid_t qemu_nbd_of(WeftNode& node) {
    for (const pid_t process : descendants(node.daemon().pid())) {
      std::string name;
      std::ifstream("/proc/" + std::to_string(process) + "/comm") >> name;
      if (name == "qemu-nbd") return process;
    }
    return 0;
  }
  std::string id_of(const std::string& name) {
    return boost::json::serialize(node_.query({"show", name}).at("id"));
  }

  WeftNode node_{directory_ / "a" / "state"};
};

TEST_F(FormatsThroughTheCommand, image_is_the_same_in_whatever_format_it_comes) {
  const auto raw = image_file("disk.raw", 3);
  expect_ok(import(raw, "raw"));
  const std::string id = id_of("raw");
  for (const std::string format : {"qcow2", "vmdk", "vhdx", "vdi"}) {
    expect_ok(node_.weft({"rm", "raw"}));
    expect_ok(import(converted(raw, format, "disk." + format), "raw"));
    EXPECT_EQ(id_of("raw"), id) << format;
  }
}

TEST_F(FormatsThroughTheCommand, backing_file_elsewhere_is_refused_until_it_is_allowed) {
  new_directory("golden");
  const auto raw = image_file("golden/base.raw", 1);
  const auto overlay = new_directory("vms") / "vm.qcow2";
  qemu_img({"create", "-q", "-f", "qcow2", "-F", "raw", "-b", raw.string(), overlay.string()});
  expect_trouble(import(overlay, "vm"), ExitCode::bad_input, "--allow-backing");
  EXPECT_EQ(images_of(node_), "");
  expect_ok(import(overlay, "vm", {"--allow-backing", raw.parent_path().string()}));
}

TEST_F(FormatsThroughTheCommand, format_can_be_forced) {
  const auto image = converted(image_file("disk.raw", 1), "qcow2", "disk.qcow2");
  expect_ok(import(image, "container", {"--format", "raw"}));
  EXPECT_EQ(node_.query({"show", "container"}).at("size").to_number<std::uint64_t>(),
            std::filesystem::file_size(image));
  expect_trouble(import(image, "other", {"--format", "vdi"}), ExitCode::bad_input, "VDI");
  expect_trouble(import(image, "other", {"--format", "floppy"}), ExitCode::usage, "floppy");
}

TEST_F(FormatsThroughTheCommand, missing_backing_file_is_named) {
  const auto base = converted(image_file("disk.raw", 1), "qcow2", "base.qcow2");
  const auto overlay = directory_ / "vm.qcow2";
  qemu_img({"create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base.string(), overlay.string()});
  std::filesystem::remove(base);
  expect_trouble(import(overlay, "vm"), ExitCode::bad_input, base.string());
}

TEST_F(FormatsThroughTheCommand, damaged_qcow2_is_an_error_or_what_qemu_reads) {
  const auto image = converted(image_file("disk.raw", 4), "qcow2", "disk.qcow2");
  const auto whole = test::read_file(image);
  const auto cut = directory_ / "cut.qcow2";
  test::write_file(cut, std::span(whole).first(200));
  expect_trouble(import(cut, "cut"), ExitCode::bad_input, "cut.qcow2");
  auto bytes = whole;
  bytes.at(36) = std::byte{0x7f};  // size of the first table
  const auto damaged = directory_ / "damaged.qcow2";
  test::write_file(damaged, bytes);
  expect_trouble(import(damaged, "damaged"), ExitCode::bad_input, "damaged.qcow2");
  EXPECT_EQ(images_of(node_), "");
  expect_ok(import(image, "whole"));
}

TEST_F(FormatsThroughTheCommand, missing_qemu_nbd_is_named_with_its_package) {
  const auto image = converted(image_file("disk.raw", 1), "qcow2", "disk.qcow2");
  WeftNode bare(directory_ / "bare" / "state");
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", directory_.path().c_str(), 1);  // the daemon's
  bare.start();
  ::setenv("PATH", path.c_str(), 1);
  expect_trouble(bare.weft({"import", image, "--name", "disk"}), ExitCode::failure, "qemu-utils");
  EXPECT_EQ(images_of(bare), "");
  expect_ok(bare.weft({"import", directory_ / "disk.raw", "--name", "disk"}));
}

TEST_F(FormatsThroughTheCommand, qemu_nbd_killed_during_an_import_leaves_nothing) {
  const auto image = converted(image_file("disk.raw", 256), "qcow2", "disk.qcow2");
  Subprocess importing(
      {weft_binary(), "--state", node_.state(), "import", image.string(), "--name", "disk"});
  ASSERT_TRUE(soon([&] { return !importing.running() || unfinished_files(node_) > 0; }));
  const pid_t server = qemu_nbd_of(node_);
  ASSERT_NE(server, 0) << "the import was over before the kill";
  ::kill(server, SIGKILL);
  const auto ended = importing.wait(std::chrono::seconds(30));
  ASSERT_TRUE(ended) << "the import hangs";
  EXPECT_EQ(*ended, (ExitStatus{.code = static_cast<int>(ExitCode::failure)})) << importing.err();
  EXPECT_NE(importing.err().find("SIGKILL"), std::string::npos) << importing.err();
  EXPECT_EQ(images_of(node_), "");
  EXPECT_EQ(unfinished_files(node_), 0u);
  expect_ok(import(image, "disk"));
}

TEST_F(FormatsThroughTheCommand, only_raw_images_are_served_in_place) {
  const auto image = converted(image_file("disk.raw", 1), "qcow2", "disk.qcow2");
  expect_trouble(import(image, "vm", {"--in-place"}), ExitCode::failure, "qcow2");
}

}  // namespace
}  // namespace weft::testing
