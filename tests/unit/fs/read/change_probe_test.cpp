// SPDX-License-Identifier: Apache-2.0
#include "fs/read/change_probe.h"

#include <gtest/gtest.h>

#include <chrono>

namespace weft::fs {
namespace {

using namespace std::chrono_literals;

TEST(ChangeProbe, adds_up_each_kind_of_change) {
  ChangeProbe probe;
  probe.written(4096, 1ms, false);
  probe.written(512, 20ms, true);
  probe.zeroed(1 << 20, 2ms, false);
  probe.flushed(5ms);
  probe.failed();
  const ChangeStatistics seen = probe.statistics();
  EXPECT_EQ(seen.writes.count, 2U);
  EXPECT_EQ(seen.writes.total, 21ms);
  EXPECT_EQ(seen.writes.max, 20ms);
  EXPECT_EQ(seen.written, ByteCount(4608));
  EXPECT_EQ(seen.zeroed_ranges.count, 1U);
  EXPECT_EQ(seen.zeroed, ByteCount(1 << 20));
  EXPECT_EQ(seen.flushes.count, 1U);
  EXPECT_EQ(seen.flushes.max, 5ms);
  EXPECT_EQ(seen.waited, 1U);
  EXPECT_EQ(seen.failed, 1U);
}

}  // namespace
}  // namespace weft::fs
