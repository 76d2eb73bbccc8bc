// SPDX-License-Identifier: Apache-2.0
#include "tools/api/progress_feed.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace weft::tools {
namespace {

using namespace std::chrono_literals;

TEST(ProgressFeed, thins_out_what_comes_often_but_always_tells_the_end) {
  std::vector<boost::json::object> lines;
  CallContext context;
  context.progress = [&](boost::json::object line) { lines.push_back(std::move(line)); };
  const TimePoint start{};
  ProgressFeed feed(context, start, 250ms);
  constexpr ByteCount total(1000);
  for (int i = 1; i <= 100; ++i)
    feed.update(ByteCount(static_cast<std::uint64_t>(i)), total, start + i * 10ms);
  EXPECT_EQ(lines.size(), 4u) << "at 10, 260, 510 and 760 ms";
  feed.update(total, total, start + 1001ms);
  ASSERT_EQ(lines.size(), 5u);
  const auto& last = lines.back().at("progress").as_object();
  EXPECT_EQ(last.at("done").to_number<std::uint64_t>(), 1000u);
  EXPECT_EQ(last.at("percent").to_number<double>(), 100.0);
}

TEST(ProgressFeed, says_nothing_to_nobody) {
  const CallContext context;
  ProgressFeed feed(context, TimePoint{});
  feed.update(ByteCount(1), ByteCount(1), TimePoint{} + 1s);
}

}  // namespace
}  // namespace weft::tools
