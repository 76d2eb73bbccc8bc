// SPDX-License-Identifier: Apache-2.0
#include "tools/api/trouble.h"

#include "tools/api/error_json.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <future>
#include <set>

namespace weft::tools {
namespace {

constexpr int last_errc = static_cast<int>(Errc::over_budget);

Error error_of(int errc) {
  return {make_error_code(static_cast<Errc>(errc)), Operation::mount, "/mnt"};
}
Error errno_error(int number) {
  return {std::error_code(number, std::generic_category()), Operation::write, "pack"};
}

TEST(Trouble, every_errc_has_a_name_of_its_own_and_is_found_by_it) {
  std::set<std::string> names;
  for (int i = 1; i <= last_errc; ++i) {
    const auto trouble = classify(error_of(i));
    EXPECT_NE(trouble.name, "failure") << "Errc " << i << " is missing from the table";
    EXPECT_TRUE(names.insert(trouble.name).second) << trouble.name;
    EXPECT_EQ(errc_of_name(trouble.name), static_cast<Errc>(i));
    EXPECT_NE(trouble.exit, ExitCode::ok);
    EXPECT_GE(trouble.http_status, 400u);
    EXPECT_LE(trouble.http_status, 599u);
  }
}

TEST(Trouble, exit_codes) {
  const struct {
    Errc errc;
    ExitCode exit;
  } rows[] = {
      {Errc::unknown_image, ExitCode::not_found},
      {Errc::name_taken, ExitCode::exists},
      {Errc::already_mounted, ExitCode::exists},
      {Errc::image_in_use, ExitCode::busy},
      {Errc::target_busy, ExitCode::busy},
      {Errc::peer_unreachable, ExitCode::unreachable},
      {Errc::peer_version, ExitCode::unreachable},
      {Errc::no_source, ExitCode::unreachable},
      {Errc::no_daemon, ExitCode::unreachable},
      {Errc::deadline_passed, ExitCode::timed_out},
      {Errc::digest_mismatch, ExitCode::verification},
      {Errc::peer_misbehaved, ExitCode::verification},
      {Errc::not_an_image, ExitCode::bad_input},
      {Errc::empty_image, ExitCode::bad_input},
      {Errc::bad_image, ExitCode::bad_input},
      {Errc::outside_file, ExitCode::bad_input},
      {Errc::helper_failed, ExitCode::failure},
      {Errc::bad_config, ExitCode::bad_config},
      {Errc::state_locked, ExitCode::state},
      {Errc::newer_state, ExitCode::state},
      {Errc::not_permitted, ExitCode::not_permitted},
      {Errc::cancelled, ExitCode::cancelled},
      {Errc::bad_name, ExitCode::usage},
      {Errc::over_budget, ExitCode::over_budget},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(exit_code({make_error_code(row.errc), Operation::none, ""}), row.exit)
        << make_error_code(row.errc).message();
  }
}

TEST(Trouble, errno_values) {
  EXPECT_EQ(exit_code(errno_error(ENOENT)), ExitCode::not_found);
  EXPECT_EQ(exit_code(errno_error(ENOSPC)), ExitCode::no_space);
  EXPECT_EQ(exit_code(errno_error(EDQUOT)), ExitCode::no_space);
  EXPECT_EQ(exit_code(errno_error(EACCES)), ExitCode::not_permitted);
  EXPECT_EQ(classify(errno_error(ENOSPC)).name, "ENOSPC");
  EXPECT_EQ(classify(errno_error(ENOSPC)).http_status, 507u);
}

TEST(Trouble, is_total) {
  for (int number = 0; number < 200; ++number) {
    EXPECT_FALSE(classify(errno_error(number)).name.empty());
    EXPECT_FALSE(classify(error_of(number)).name.empty());
  }
  const Error foreign{std::make_error_code(std::future_errc::no_state), Operation::none, ""};
  EXPECT_EQ(exit_code(foreign), ExitCode::failure);
}

TEST(Trouble, every_exit_code_is_explained_once) {
  std::set<ExitCode> codes;
  int expected = 0;
  for (const auto& [code, meaning] : exit_meanings()) {
    EXPECT_EQ(static_cast<int>(code), expected++);
    EXPECT_FALSE(meaning.empty());
  }
  EXPECT_EQ(expected, 16);
}

TEST(Trouble, message_is_one_line_that_ends_in_advice) {
  const Error error{make_error_code(Errc::no_daemon), Operation::control, "web\nx\x1b[2J"};
  EXPECT_EQ(one_line(error), "control: no daemon answers: web x [2J: start one with `weft daemon`");
}

TEST(ErrorJson, comes_back_as_it_was_sent) {
  for (int i = 1; i <= last_errc; ++i) {
    const auto sent = error_of(i);
    const auto got = error_from_json(to_json(sent));
    EXPECT_EQ(got.code, sent.code);
    EXPECT_EQ(got.operation, sent.operation);
    EXPECT_EQ(got.detail, sent.detail);
  }
  EXPECT_EQ(error_from_json(to_json(errno_error(ENOSPC))).code, std::errc::no_space_on_device);
}

TEST(ErrorJson, what_is_not_an_error_becomes_one) {
  for (const boost::json::object& object :
       {boost::json::object{}, boost::json::object{{"error", 5}},
        boost::json::object{{"error", {{"code", "no_such_code"}, {"message", "hm"}}}},
        boost::json::object{{"error", {{"errno", -5}}}},
        boost::json::object{{"error", {{"errno", 1e300}, {"operation", nullptr}}}}}) {
    EXPECT_TRUE(error_from_json(object).is(Errc::bad_request));
  }
}

}  // namespace
}  // namespace weft::tools
