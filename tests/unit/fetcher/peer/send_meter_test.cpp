// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/link_meter.h"

#include <gtest/gtest.h>

#include <chrono>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t batch = 256 * 1024;

TEST(SendMeter, waits_for_requests_count_where_the_kernel_takes_every_write_at_once) {
  SendMeter meter;
  for (int i = 0; i < 64; ++i) {
    meter.written(batch, 1us, 1us);
    meter.waited(20ms);  // 12.5 MB/s: the receiver asks again when the last batch has come through
  }
  EXPECT_NEAR(meter.bytes_per_second(), 13.1e6, 0.2e6);
  EXPECT_EQ(compression_level(meter.bytes_per_second(), meter.pace()), 5);
}

TEST(SendMeter, a_pause_of_the_peer_is_not_the_link) {
  SendMeter meter;
  for (int i = 0; i < 16; ++i) {
    meter.written(batch, 1ms, 1ms);
    if (i % 2 == 1) meter.waited(10s);
  }
  EXPECT_EQ(meter.bytes_per_second(), 0);
  for (int i = 0; i < 4; ++i)
    meter.written(batch, 1ms, 1ms);
  EXPECT_NEAR(meter.bytes_per_second(), batch * 1000.0, 1e6);
}

}  // namespace
}  // namespace weft::fetcher
