// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/state_directory.h"

#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

namespace weft {
namespace {

/// While it lives, no file of this process takes another byte, as on a full disk.
class NoRoom {
 public:
  NoRoom() : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~NoRoom() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    static_cast<void>(std::signal(SIGXFSZ, handler_));
  }
  NoRoom(const NoRoom&) = delete;
  NoRoom& operator=(const NoRoom&) = delete;

 private:
  void (*const handler_)(int);
  rlimit before_{};
};

class StateDirectoryTest : public ::testing::Test {
 protected:
  Result<StateDirectory> open() {
    return StateDirectory::open(posix_file_system(), dir_ / "state");
  }
  const test::TempDirectory dir_;
};

TEST_F(StateDirectoryTest, is_taken_though_there_is_no_room_to_say_by_whom) {
  ASSERT_TRUE(open());
  Result<StateDirectory> taken = [&] {
    const NoRoom full;
    return open();
  }();
  ASSERT_TRUE(taken) << taken.error().message();
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(Errc::state_locked));
  EXPECT_TRUE(second.error().detail.contains("another process")) << second.error().detail;
}

TEST_F(StateDirectoryTest, says_who_has_it) {
  const auto taken = open();
  ASSERT_TRUE(taken);
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().detail.contains("process " + std::to_string(::getpid())))
      << second.error().detail;
}

}  // namespace
}  // namespace weft
