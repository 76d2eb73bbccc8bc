// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/unique_fd.h"

#include <gtest/gtest.h>

#include <fcntl.h>

namespace weft {
namespace {

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

UniqueFd open_null() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

TEST(UniqueFd, closes_what_it_owns_once) {
  int fd = -1;
  {
    const UniqueFd owner = open_null();
    fd = owner.get();
    EXPECT_TRUE(is_open(fd));
  }
  EXPECT_FALSE(is_open(fd));
}

TEST(UniqueFd, move_hands_over) {
  UniqueFd a = open_null();
  const int fd = a.get();
  UniqueFd b = std::move(a);
  EXPECT_EQ(b.get(), fd);
  UniqueFd c = open_null();
  const int replaced = c.get();
  c = std::move(b);
  EXPECT_FALSE(is_open(replaced));
  EXPECT_TRUE(is_open(fd));
}

TEST(UniqueFd, released_descriptor_stays_open) {
  UniqueFd owner = open_null();
  const int fd = owner.release();
  EXPECT_FALSE(static_cast<bool>(owner));
  owner.reset();
  EXPECT_TRUE(is_open(fd));
  ::close(fd);
}

}  // namespace
}  // namespace weft
