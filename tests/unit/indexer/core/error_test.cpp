// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace weft {
namespace {

struct Row {
  Errc code;
  int as_errno;
  bool retriable;
};

// Every Errc, in the order of the enum: a new one must be given a line.
const Row rows[] = {
    {Errc::not_an_image, EIO, false},       {Errc::empty_image, EIO, false},
    {Errc::image_too_large, EIO, false},    {Errc::bad_image, EIO, false},
    {Errc::outside_file, EIO, false},       {Errc::helper_failed, EIO, false},
    {Errc::name_taken, EIO, false},         {Errc::bad_name, EIO, false},
    {Errc::unknown_image, ENOENT, false},   {Errc::image_in_use, EBUSY, false},
    {Errc::ambiguous_image, EIO, false},    {Errc::digest_mismatch, EIO, true},
    {Errc::not_resident, EIO, true},        {Errc::source_changed, EIO, false},
    {Errc::newer_state, EIO, false},        {Errc::damaged_state, EIO, false},
    {Errc::state_locked, EIO, false},       {Errc::bad_target, EIO, false},
    {Errc::already_mounted, EBUSY, false},  {Errc::not_mounted, EIO, false},
    {Errc::target_busy, EBUSY, false},      {Errc::peer_unreachable, EIO, true},
    {Errc::peer_version, EIO, false},       {Errc::peer_misbehaved, EIO, true},
    {Errc::no_source, EIO, true},           {Errc::deadline_passed, EIO, true},
    {Errc::cancelled, EINTR, false},        {Errc::queue_full, EAGAIN, true},
    {Errc::bad_request, EIO, false},        {Errc::bad_config, EIO, false},
    {Errc::no_daemon, EIO, false},          {Errc::not_permitted, EPERM, false},
    {Errc::unsupported, EOPNOTSUPP, false}, {Errc::over_budget, EIO, false},
};

TEST(Error, every_code_has_an_errno_and_is_retriable_or_not) {
  int expected = 1;
  for (const Row& row : rows) {
    ASSERT_EQ(static_cast<int>(row.code), expected++) << "a code is missing from this table";
    const Error error{row.code, Operation::none, ""};
    EXPECT_EQ(to_errno(error), row.as_errno) << error.message();
    EXPECT_EQ(is_retriable(error), row.retriable) << error.message();
  }
}

TEST(Error, every_code_says_something_of_its_own) {
  std::set<std::string> texts;
  for (const Row& row : rows)
    EXPECT_TRUE(texts.insert(make_error_code(row.code).message()).second);
  EXPECT_FALSE(texts.contains("unknown error"));
}

TEST(Error, errno_of_the_kernel_stays_what_it_is) {
  const Error full = fail_errno(ENOSPC, Operation::write).error();
  EXPECT_EQ(to_errno(full), ENOSPC);
  EXPECT_TRUE(full.is(std::errc::no_space_on_device));
  EXPECT_FALSE(is_retriable(full));
  EXPECT_TRUE(is_retriable(fail_errno(EINTR, Operation::read).error()));
  EXPECT_TRUE(is_retriable(fail_errno(EAGAIN, Operation::read).error()));
}

TEST(Error, what_is_not_an_errno_becomes_eio) {
  EXPECT_EQ(to_errno(Error{std::error_code(), Operation::none, ""}), EIO);
  EXPECT_EQ(to_errno(Error{std::error_code(-3, std::generic_category()), Operation::none, ""}),
            EIO);
  EXPECT_EQ(to_errno(Error{std::make_error_code(std::io_errc::stream), Operation::none, ""}), EIO);
}

TEST(Error, message_names_operation_kind_and_detail) {
  const Error error = fail(Errc::not_an_image, Operation::import, "/x: it is a directory").error();
  EXPECT_EQ(error.message(), "import: not a disk image: /x: it is a directory");
  EXPECT_EQ(Error(make_error_code(Errc::cancelled), Operation::none, "").message(), "cancelled");
}

Result<int> half(int n) {
  if (n % 2 != 0) return fail(Errc::bad_request, Operation::none, std::to_string(n));
  return n / 2;
}

Result<int> quarter(int n) {
  WEFT_TRY(const int h, half(n));
  WEFT_CHECK(half(h));
  WEFT_TRY(const int q, half(h));
  return q;
}

TEST(Error, macros_pass_the_first_error_on) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(7).error().detail, "7");
  EXPECT_EQ(quarter(6).error().detail, "3");
}

}  // namespace
}  // namespace weft
