// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/link_floor.h"

#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>

namespace weft::testing {
namespace {

using std::chrono::milliseconds;

constexpr double link_rate = 409'600;  // 100 blocks a second

class LinkFloor : public ::testing::Test {
 protected:
  LinkFloor() {
    std::mt19937 random(1);
    std::string content(std::size_t{100} * 4096, '\0');
    for (std::size_t i = 0; i < std::size_t{50} * 4096; ++i)
      content[i] = static_cast<char>(random());
    std::ofstream(disk_) << content;  // the second half is zero
  }
  [[nodiscard]] double ready(const ReadTrace& trace, double scale = 1) const {
    const EarliestArrivals arrivals(trace, disk_);
    return earliest_ready(trace, scale, arrivals, link_rate, milliseconds(80)).count();
  }

  test::TempDirectory scratch_;
  std::filesystem::path disk_ = scratch_ / "disk.raw";
};

TEST_F(LinkFloor, is_what_the_bytes_need_where_the_guest_thinks_less) {
  const ReadTrace trace{{{0, 40 * 4096, std::nullopt, milliseconds(10)}}, milliseconds(500)};
  EXPECT_NEAR(ready(trace), 0.08 + 0.4 + 0.5, 0.01);
  EXPECT_NEAR(ready(trace, 0.1), 0.08 + 0.4 + 0.05, 0.01);
}

TEST_F(LinkFloor, is_what_the_guest_thinks_where_that_is_longer) {
  const ReadTrace trace{
      {{0, 4096, std::nullopt, milliseconds(1000)}, {4096, 39 * 4096, 0, milliseconds(1000)}},
      milliseconds(500)};
  EXPECT_NEAR(ready(trace), 2.5, 1e-9);
}

TEST_F(LinkFloor, counts_each_block_once_and_zero_blocks_not_at_all) {
  const ReadTrace trace{{{0, 20 * 4096, std::nullopt, {}},
                         {512, 512, 0, {}},
                         {60 * 4096, 30 * 4096, 1, {}},
                         {20 * 4096, 20 * 4096, 2, {}}},
                        {}};
  const EarliestArrivals arrivals(trace, disk_);
  EXPECT_NEAR(static_cast<double>(arrivals.bytes()), 40 * 4096, 100);
  EXPECT_EQ(arrivals.before(trace.reads[2]), 0U);
  EXPECT_NEAR(ready(trace), 0.08 + 0.4, 0.01);
}

TEST_F(LinkFloor, reads_nobody_waits_for_do_not_delay_those_after_them) {
  const ReadTrace trace{{{0, 4096, std::nullopt, {}},
                         {4096, 48 * 4096, 0, {}},
                         {60 * 4096, 4096, 0, milliseconds(50)}},
                        milliseconds(10)};
  EXPECT_NEAR(ready(trace), 0.08 + 0.49 + 0.01, 0.01) << "the guest is ready after its last read";
}

}  // namespace
}  // namespace weft::testing
