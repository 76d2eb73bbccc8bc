// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/read_trace.h"

#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>

namespace weft::testing {
namespace {

using std::chrono::milliseconds;

TEST(ReadTrace, read_waits_for_the_last_completion_before_it_was_issued) {
  const auto trace = trace_of({{0, 4096, milliseconds(10), milliseconds(12)},
                               {4096, 4096, milliseconds(20), milliseconds(21)}},
                              milliseconds(4), milliseconds(30));
  ASSERT_EQ(trace.reads.size(), 2U);
  EXPECT_EQ(trace.reads[0].after, std::nullopt);
  EXPECT_EQ(trace.reads[0].think, milliseconds(6));
  EXPECT_EQ(trace.reads[1].after, 0U);
  EXPECT_EQ(trace.reads[1].think, milliseconds(8));
  EXPECT_EQ(trace.rest, milliseconds(9));
}

TEST(ReadTrace, reads_that_were_in_flight_together_do_not_wait_for_each_other) {
  const auto trace = trace_of({{0, 512, milliseconds(1), milliseconds(2)},
                               {512, 512, milliseconds(3), milliseconds(9)},
                               {1024, 512, milliseconds(4), milliseconds(5)},
                               {1536, 512, milliseconds(6), milliseconds(8)}},
                              milliseconds(0), milliseconds(10));
  EXPECT_EQ(trace.reads[1].after, 0U);
  EXPECT_EQ(trace.reads[2].after, 0U);
  EXPECT_EQ(trace.reads[3].after, 2U) << "the second was still under way";
  EXPECT_EQ(trace.rest, milliseconds(1));
}

TEST(ReadTrace, reads_after_the_guest_was_ready_are_left_out) {
  const auto trace = trace_of(
      {{0, 512, milliseconds(1), milliseconds(2)}, {512, 512, milliseconds(11), milliseconds(12)}},
      milliseconds(0), milliseconds(10));
  EXPECT_EQ(trace.reads.size(), 1U);
  EXPECT_EQ(trace.rest, milliseconds(8));
}

TEST(ReadTrace, thinking_is_the_longest_chain_without_the_disk) {
  const auto trace = trace_of({{0, 512, milliseconds(5), milliseconds(105)},
                               {512, 512, milliseconds(108), milliseconds(208)}},
                              milliseconds(0), milliseconds(215));
  EXPECT_EQ(trace.thinking(), milliseconds(5 + 3 + 7));
}

TEST(ReadTrace, replay_keeps_the_order_of_dependent_reads_and_scales_the_thinking) {
  const test::TempDirectory scratch;
  const auto file = scratch / "disk.raw";
  std::ofstream(file) << std::string(16384, 'x');
  const ReadTrace trace{
      .reads = {{0, 4096, std::nullopt, milliseconds(40)}, {4096, 8192, 0, milliseconds(60)}},
      .rest = milliseconds(100)};
  const Replayed whole = replay(trace, file, 1);
  EXPECT_GE(whole.ready.count(), 0.2);
  const Replayed tenth = replay(trace, file, 0.1);
  EXPECT_GE(tenth.ready.count(), 0.02);
  EXPECT_LT(tenth.ready.count(), whole.ready.count());
}

TEST(ReadTrace, replay_says_which_read_failed) {
  const test::TempDirectory scratch;
  const auto file = scratch / "disk.raw";
  std::ofstream(file) << std::string(4096, 'x');
  const ReadTrace trace{.reads = {{1 << 20, 4096, std::nullopt, {}}}};
  try {
    static_cast<void>(replay(trace, file, 1));
    FAIL() << "a read behind the end of the file passed";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("1048576"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace weft::testing
