// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/failure_code.h"

#include "fetcher/wire/codec.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace weft::fetcher::wire {
namespace {

TEST(FailureCode, numbers_are_those_of_the_specification) {
  struct Row {
    Errc errc;
    std::uint16_t code;
  };
  for (const Row& row :
       {Row{Errc::bad_request, 1}, Row{Errc::unknown_image, 2}, Row{Errc::ambiguous_image, 3},
        Row{Errc::not_resident, 4}, Row{Errc::queue_full, 5}, Row{Errc::cancelled, 6},
        Row{Errc::peer_version, 7}, Row{Errc::peer_misbehaved, 8}, Row{Errc::unsupported, 9},
        Row{Errc::deadline_passed, 10}, Row{Errc::not_permitted, 11}}) {
    EXPECT_EQ(to_failure_code({make_error_code(row.errc), Operation::none, {}}), row.code);
    EXPECT_EQ(from_failure_code(row.code), row.errc);
  }
}

TEST(FailureCode, errors_of_the_disk_stay_at_home_and_can_be_asked_elsewhere) {
  const Error disk = fail_errno(EIO, Operation::read, "/dev/sda").error();
  EXPECT_EQ(make_failure(disk), (Failure{internal_failure, "internal error"}));
  EXPECT_TRUE(is_retriable(to_error(make_failure(disk), Operation::fetch, "a")));
}

TEST(FailureCode, unknown_numbers_are_the_peers_fault) {
  EXPECT_EQ(from_failure_code(0), Errc::peer_misbehaved);
  EXPECT_EQ(from_failure_code(999), Errc::peer_misbehaved);
}

TEST(FailureCode, any_error_makes_a_failure_within_bounds) {
  const Error error = fail(Errc::bad_request, Operation::read, std::string(5000, '\x01')).error();
  EXPECT_TRUE(check(make_failure(error)));
}

}  // namespace
}  // namespace weft::fetcher::wire
