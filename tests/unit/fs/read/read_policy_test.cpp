// SPDX-License-Identifier: Apache-2.0
#include "fs/read/read_policy.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace weft::fs {
namespace {

Error error_of(Errc code) {
  return {make_error_code(code), Operation::fetch, {}};
}

TEST(ReadPolicy, names_are_parsed_as_they_are_printed) {
  for (const auto policy : {WhenMissing::hold, WhenMissing::eio, WhenMissing::eagain}) {
    EXPECT_EQ(parse_when_missing(to_string(policy)), policy);
  }
  EXPECT_FALSE(parse_when_missing("wait"));
}

TEST(ReadPolicy, eagain_is_only_seen_by_readers_that_asked_for_it) {
  for (const Errc code : {Errc::no_source, Errc::deadline_passed, Errc::queue_full,
                          Errc::not_resident, Errc::peer_unreachable}) {
    EXPECT_EQ(errno_of_failed_read(WhenMissing::hold, error_of(code)), EIO);
    EXPECT_EQ(errno_of_failed_read(WhenMissing::eio, error_of(code)), EIO);
    EXPECT_EQ(errno_of_failed_read(WhenMissing::eagain, error_of(code)), EAGAIN);
  }
}

TEST(ReadPolicy, lasting_trouble_keeps_its_errno_under_every_policy) {
  const Error full{std::make_error_code(std::errc::no_space_on_device), Operation::write, {}};
  EXPECT_EQ(errno_of_failed_read(WhenMissing::eagain, full), ENOSPC);
  EXPECT_EQ(errno_of_failed_read(WhenMissing::hold, error_of(Errc::damaged_state)), EIO);
  EXPECT_EQ(errno_of_failed_read(WhenMissing::hold, error_of(Errc::cancelled)), EINTR);
}

}  // namespace
}  // namespace weft::fs
