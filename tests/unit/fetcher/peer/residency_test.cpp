// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/residency_runs.h"
#include "tests/support/fetcher/peer_pair.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>

namespace weft::fetcher::testing {
namespace {

using namespace std::chrono_literals;

// "##..#": '#' = there.
Runs runs(std::string_view picture) {
  Runs result;
  for (std::size_t i = 0; i < picture.size(); ++i) {
    if (picture[i] != '#') continue;
    if (i > 0 && picture[i - 1] == '#') {
      result.back().count += BlockCount(1);
    } else {
      result.push_back({BlockIndex(i), BlockCount(1)});
    }
  }
  return result;
}

void apply(std::string& picture, const std::vector<BlockRange>& ranges, char mark) {
  for (const BlockRange& range : ranges) {
    for (BlockIndex b = range.first; b < range.end() && b.value() < picture.size(); ++b) {
      picture[b.value()] = mark;
    }
  }
}

void apply(std::string& picture, const wire::Residency& announcement) {
  if (announcement.complete) picture.assign(picture.size(), '#');
  apply(picture, announcement.added, '#');
  apply(picture, announcement.removed, '.');
}

TEST(ResidencyRuns, difference_is_what_only_the_first_has) {
  struct Row {
    const char* a;
    const char* b;
    const char* rest;
  };
  for (const Row& row : {Row{"", "", ""}, Row{"####", "", "####"}, Row{"####", "####", "...."},
                         Row{"####", ".##.", "#..#"}, Row{".##.", "####", "...."},
                         Row{"##.##", "#.#.#", ".#.#."}, Row{"######", "#.#.#.", ".#.#.#"}}) {
    EXPECT_EQ(difference(runs(row.a), runs(row.b)), runs(row.rest)) << row.a << " - " << row.b;
  }
}

TEST(ResidencyRuns, announcements_lead_from_any_state_to_any_other) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    const std::size_t size = round % 10 == 0 ? 6000 : 40;
    const auto picture = [&] {
      std::string text(size, '.');
      for (char& c : text)
        c = random() % 2 == 0 ? '#' : '.';
      return text;
    };
    std::string known = picture();
    const std::string now = picture();
    const bool from_complete = round % 7 == 0;
    if (from_complete) known.assign(size, '#');
    const Holdings before{from_complete, from_complete ? Runs{} : runs(known)};
    const Holdings after{false, runs(now)};
    for (const auto& frame : announcements(ImageId{}, before, after, false)) {
      EXPECT_LE(frame.added.size(), wire::max_ranges);
      EXPECT_LE(frame.removed.size(), wire::max_ranges);
      apply(known, frame);
    }
    EXPECT_EQ(known, now);
  }
}

TEST(ResidencyRuns, a_limit_makes_the_announcement_say_less_never_more) {
  MemoryImage image(mixed_content(400));
  for (std::uint64_t b = 1; b < 400; b += 8)
    image.drop({BlockIndex(b), BlockCount(1)});
  const Holdings all = holdings_of(image, 1000);
  const Holdings some = holdings_of(image, 10);
  EXPECT_EQ(some.runs.size(), 10u);
  EXPECT_TRUE(difference(some.runs, all.runs).empty());
}

TEST(ResidencyWatch, the_whole_is_announced_first_and_then_what_changes) {
  PeerPair pair;
  const auto image = pair.store.add("deb12", mixed_content(40));
  image->drop({BlockIndex(0), BlockCount(40)});
  std::string known(40, '?');
  std::size_t frames = 0;
  bool complete = false;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    known.assign(40, '.');
    session.watch_residency(image->info().id, [&](const wire::Residency& residency) {
      ++frames;
      complete = residency.complete;
      apply(known, residency);
    });
    co_await sleep_until(pair.world.timers(), pair.in(100ms));
    EXPECT_EQ(known, "#...#...#...#...#...#...#...#...#...#...");
    image->restore({BlockIndex(4), BlockCount(4)});
    co_await sleep_until(pair.world.timers(), pair.in(600ms));
    EXPECT_EQ(known, "#...#####...#...#...#...#...#...#...#...");
    EXPECT_EQ(frames, 2u);
    image->drop({BlockIndex(5), BlockCount(1)});
    co_await sleep_until(pair.world.timers(), pair.in(600ms));
    EXPECT_EQ(known, "#...#.###...#...#...#...#...#...#...#...");
    co_await sleep_until(pair.world.timers(), pair.in(10s));
    EXPECT_EQ(frames, 3u) << "nothing changed, nothing is sent";
    image->restore({BlockIndex(0), BlockCount(40)});
    co_await sleep_until(pair.world.timers(), pair.in(600ms));
    EXPECT_TRUE(complete);
    session.unwatch_residency(image->info().id);
    image->drop({BlockIndex(5), BlockCount(1)});
    co_await sleep_until(pair.world.timers(), pair.in(5s));
    EXPECT_EQ(frames, 4u);
  });
}

TEST(ResidencyWatch, an_unknown_image_is_silence_and_the_session_goes_on) {
  PeerPair pair;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    session.watch_residency(ImageId{{3}}, [](const wire::Residency&) { FAIL(); });
    co_await sleep_until(pair.world.timers(), pair.in(2s));
    EXPECT_TRUE(co_await session.images(pair.in(1s)));
  });
}

TEST(ResidencyWatch, an_image_that_comes_later_is_announced_when_it_has_come) {
  PeerPair pair;
  PeerPair elsewhere;
  const ImageId id = elsewhere.store.add("deb12", mixed_content(40))->info().id;
  bool complete = false;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    session.watch_residency(id, [&](const wire::Residency& what) { complete = what.complete; });
    co_await sleep_until(pair.world.timers(), pair.in(1s));
    pair.store.add("deb12", mixed_content(40));
    co_await sleep_until(pair.world.timers(), pair.in(1s));
    EXPECT_TRUE(complete);
  });
}

TEST(ResidencyWatch, an_image_that_was_long_in_coming_is_noticed_all_the_same) {
  PeerPair pair;
  PeerPair elsewhere;
  const ImageId id = elsewhere.store.add("deb12", mixed_content(40))->info().id;
  bool complete = false;
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    session.watch_residency(id, [&](const wire::Residency& what) { complete = what.complete; });
    co_await sleep_until(pair.world.timers(), pair.in(100s));
    pair.store.add("deb12", mixed_content(40));
    co_await sleep_until(pair.world.timers(), pair.in(6s));
    EXPECT_TRUE(complete);
  });
}

TEST(ResidencyWatch, an_image_that_is_removed_is_announced_as_gone) {
  PeerPair pair;
  auto image = pair.store.add("deb12", mixed_content(40));
  const ImageId id = image->info().id;
  image->drop({BlockIndex(0), BlockCount(40)});
  std::string known(40, '.');
  pair.run([&](PeerSession& session) -> Awaitable<void> {
    session.watch_residency(id, [&](const wire::Residency& what) { apply(known, what); });
    co_await sleep_until(pair.world.timers(), pair.in(1s));
    EXPECT_EQ(std::ranges::count(known, '#'), 10);
    EXPECT_TRUE(pair.store.remove("deb12"));
    image.reset();
    co_await sleep_until(pair.world.timers(), pair.in(6s));
    EXPECT_EQ(known, std::string(40, '.'));
  });
}

}  // namespace
}  // namespace weft::fetcher::testing
