// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/image_chain.h"
#include "indexer/import/importer.h"
#include "indexer/import/nbd/nbd_source.h"
#include "tests/support/indexer/qemu_image.h"
#include "tests/support/indexer/raw_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <sys/syscall.h>
#include <unistd.h>

// qemu-nbd is missing, dies or hangs: a clear error, and nothing is left.
namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

// The qemu-nbd that a thread of this process has started.
pid_t running_server() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream children(task.path() / "children");
    for (pid_t child = 0; children >> child;) {
      std::string name;
      std::ifstream("/proc/" + std::to_string(child) + "/comm") >> name;
      if (name == "qemu-nbd") return child;
    }
  }
  return 0;
}

class QemuNbdTrouble : public testing::Test {
 protected:
  QemuNbdTrouble() : image_(dir_ / "image.qcow2") {
    const auto raw = test::make_raw(dir_.path(), ByteCount(24 << 20));
    test::qemu_img({"convert", "-f", "raw", "-O", "qcow2", raw, image_});
  }
  std::unique_ptr<NbdSource> open(NbdSourceOptions options = {}) {
    auto top = open_source_file(posix_file_system(), image_);
    auto chain = open_chain(posix_file_system(), *std::move(top), DiskFormat::qcow2, {});
    auto source = NbdSource::open(posix_file_system(), *std::move(chain), options);
    EXPECT_TRUE(source) << source.error().message();
    return source ? *std::move(source) : nullptr;
  }
  Result<void> read(NbdSource& source) {
    std::vector<std::byte> bytes(300'000);
    return source.read(ByteOffset(0), bytes);
  }
  Result<Imported> import(std::function<void(const ImportProgress&)> progress,
                          std::stop_token stop = {}) {
    auto store = Store::open(posix_file_system(),
                             {.directory = dir_ / "state", .free_space_floor = ByteCount(0)});
    WorkerPool pool({.threads = 2});
    const auto outcome =
        import_file(**store, posix_file_system(), pool, {.name = "image", .path = image_},
                    std::move(progress), std::move(stop));
    EXPECT_EQ((*store)->list().value().size(), outcome ? 1U : 0U);
    EXPECT_EQ(running_server(), 0);
    return outcome;
  }
  test::TempDirectory dir_;
  std::filesystem::path image_;
};

TEST_F(QemuNbdTrouble, missing_program_is_named_with_its_package) {
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", dir_.path().c_str(), 1);
  const auto outcome = test::as_weft_reads(image_);
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(Errc::unsupported));
  EXPECT_THAT(outcome.error().detail, HasSubstr("qemu-utils"));
}

TEST_F(QemuNbdTrouble, program_that_fails_is_quoted) {
  const auto fake = dir_ / "qemu-nbd";
  std::ofstream(fake) << "#!/bin/sh\necho 'no luck today' >&2\nexit 3\n";
  std::filesystem::permissions(fake, std::filesystem::perms::owner_all);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", dir_.path().c_str(), 1);
  const auto outcome = test::as_weft_reads(image_);
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().detail, HasSubstr("exited with status 3"));
  EXPECT_THAT(outcome.error().detail, HasSubstr("no luck today"));
}

TEST_F(QemuNbdTrouble, program_cannot_read_other_files_of_the_host) {
  if (::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) < 1) GTEST_SKIP() << "no Landlock";
  const auto secret = dir_ / "secret";
  std::ofstream(secret) << "do not tell";
  std::filesystem::create_directory(dir_ / "bin");
  const auto fake = dir_ / "bin" / "qemu-nbd";
  std::ofstream(fake) << "#!/bin/sh\nread -r line <" << secret.string()
                      << " && echo \"$line\" >&2\necho x >" << secret.string() << "\nexit 3\n";
  std::filesystem::permissions(fake, std::filesystem::perms::owner_all);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", (dir_ / "bin").c_str(), 1);
  const auto outcome = test::as_weft_reads(image_);
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().detail, HasSubstr("Permission denied"));
  EXPECT_THAT(outcome.error().detail, Not(HasSubstr("do not tell")));
  EXPECT_EQ(std::filesystem::file_size(secret), 11U);
}

TEST_F(QemuNbdTrouble, start_that_hangs_can_be_cancelled) {
  const auto fake = dir_ / "qemu-nbd";
  std::ofstream(fake) << "#!/bin/sh\nexec /bin/sleep 1000\n";
  std::filesystem::permissions(fake, std::filesystem::perms::owner_all);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", dir_.path().c_str(), 1);
  std::stop_source stop;
  SourceOptions options;
  options.stop = stop.get_token();
  std::jthread other([&] { stop.request_stop(); });
  const auto outcome = open_source(posix_file_system(), image_, options);
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(Errc::cancelled)) << outcome.error().message();
}

TEST_F(QemuNbdTrouble, death_in_the_middle_is_an_error_that_says_so) {
  const auto source = open();
  ASSERT_TRUE(source);
  ASSERT_TRUE(read(*source));
  ::kill(source->server(), SIGKILL);
  const auto outcome = read(*source);
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(Errc::helper_failed)) << outcome.error().message();
  EXPECT_THAT(outcome.error().detail, HasSubstr("SIGKILL"));
  EXPECT_FALSE(source->next_data(ByteOffset(0)));
}

TEST_F(QemuNbdTrouble, one_that_hangs_is_given_up_after_the_deadline) {
  NbdSourceOptions options;
  options.request_timeout = 200ms;
  auto source = open(options);
  ASSERT_TRUE(source);
  const pid_t server = source->server();
  ::kill(server, SIGSTOP);
  EXPECT_TRUE(read(*source).error().is(Errc::deadline_passed));
  source.reset();
  EXPECT_EQ(::kill(server, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(QemuNbdTrouble, interrupt_ends_a_read_that_hangs) {
  const auto source = open();
  ASSERT_TRUE(source);
  ::kill(source->server(), SIGSTOP);
  std::jthread other([&] { source->interrupt(); });
  EXPECT_TRUE(read(*source).error().is(Errc::cancelled));
}

TEST_F(QemuNbdTrouble, reads_go_on_in_parallel) {
  NbdSourceOptions options;
  options.readers = 3;
  const auto source = open(options);
  ASSERT_TRUE(source);
  const auto expected = test::as_qemu_reads(image_);
  std::vector<std::jthread> threads;
  for (std::size_t thread = 0; thread < 5; ++thread) {
    threads.emplace_back([&, thread] {
      std::vector<std::byte> bytes(100'000);
      for (std::size_t at = thread * 7000; at + bytes.size() < expected.size(); at += 900'000) {
        ASSERT_TRUE(source->read(ByteOffset(at), bytes));
        ASSERT_TRUE(std::ranges::equal(bytes, std::span(expected).subspan(at, bytes.size())));
      }
    });
  }
}

TEST_F(QemuNbdTrouble, import_whose_server_dies_registers_nothing) {
  const auto outcome = import([](const ImportProgress& p) {
    if (p.data.value() > 1 << 20) {
      if (const pid_t server = running_server(); server != 0) ::kill(server, SIGKILL);
    }
  });
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(Errc::helper_failed)) << outcome.error().message();
  EXPECT_TRUE(import({}));
}

TEST_F(QemuNbdTrouble, cancelled_import_leaves_no_process) {
  std::stop_source stop;
  const auto outcome = import(
      [&](const ImportProgress& p) {
        if (p.data.value() > 0) stop.request_stop();
      },
      stop.get_token());
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(Errc::cancelled)) << outcome.error().message();
}

TEST_F(QemuNbdTrouble, image_changed_during_the_import_is_not_registered) {
  bool changed = false;
  const auto outcome = import([&](const ImportProgress& p) {
    if (p.data.value() == 0 || changed) return;
    changed = true;
    std::ofstream(image_, std::ios::binary | std::ios::app).put('x');
  });
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(Errc::source_changed)) << outcome.error().message();
}

TEST_F(QemuNbdTrouble, only_raw_images_are_reflinked_or_served_in_place) {
  for (const ImportMode mode : {ImportMode::reflink, ImportMode::in_place}) {
    auto store = Store::open(posix_file_system(),
                             {.directory = dir_ / "state", .free_space_floor = ByteCount(0)});
    WorkerPool pool({.threads = 2});
    const auto outcome = import_file(**store, posix_file_system(), pool,
                                     {.name = "image", .path = image_, .mode = mode}, {}, {});
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(outcome.error().is(Errc::unsupported));
    EXPECT_THAT(outcome.error().detail, HasSubstr("qcow2"));
  }
}

}  // namespace
}  // namespace weft
