// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/profile_source.h"
#include "fetcher/schedule/range_set.h"
#include "tests/unit/fetcher/service/engine_fixture.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

// How the engine fetches what a boot will read.
namespace weft::fetcher::testing {
namespace {

BlockRange blocks(std::uint64_t first, std::uint64_t count) {
  return {BlockIndex(first), BlockCount(count)};
}

struct KnownProfile final : ProfileKeeper {
  std::optional<BootProfile> profile;
  std::optional<BootProfile> find(const ImageId&) override { return profile; }
  Result<void> record(const BootProfile&) override { return {}; }
  Result<void> learn(const BootProfile&) override { return {}; }
  std::optional<BootProfile> find_own(const ImageId& of) override {
    return has(of) ? profile : std::nullopt;
  }
  bool has(const ImageId& of) override { return profile && profile->image == of; }
};

class EngineBoot : public EngineTest {
 protected:
  EngineBoot() {
    profiles.profile.emplace();
    profiles.profile->image = image.info.id;
  }
  ~EngineBoot() override {
    world.run([&] { return engine->shutdown(); });
  }

  void start() {
    FetcherOptions options;
    options.profiles = &profiles;
    make_engine(options);
    engine->attach(local);
  }
  /// The boot reads these blocks next, of which the content is that of `content` in the image.
  void reads(std::uint64_t first, std::uint64_t count, std::optional<std::uint64_t> content = {}) {
    for (std::uint64_t i = 0; i < count; ++i) {
      auto& entries = profiles.profile->entries;
      entries.push_back({.key = digest_key(image.digests.at(content.value_or(first) + i)),
                         .block = BlockIndex(first + i),
                         .at = std::chrono::milliseconds(entries.size())});
    }
  }
  /// The boot of the relative read what is not in this image.
  void reads_changed(std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      auto& entries = profiles.profile->entries;
      entries.push_back({.key = first + i,
                         .block = BlockIndex(first + i),
                         .at = std::chrono::milliseconds(entries.size())});
    }
  }
  /// Answers what the peer is asked until nothing more is; everything it was asked for, in order.
  std::vector<BlockRange> serve(ScriptedPeer& peer) {
    std::vector<BlockRange> asked;
    for (int round = 0; round < 40; ++round) {
      world.run_for(std::chrono::milliseconds(300));
      while (!peer.requests.empty()) {
        for (const BlockRange& range : peer.requests.front().ranges)
          append_run(asked, range);
        peer.answer();
        settle();
      }
    }
    return asked;
  }

  KnownProfile profiles;
};

TEST_F(EngineBoot, fetches_what_the_profile_names_in_its_order_and_no_more) {
  reads(200, 64);  // the first slice
  reads(20, 50);
  reads(4, 4);
  start();
  ScriptedPeer& peer = connect("a");
  engine->prefetch_boot(local);
  EXPECT_EQ(serve(peer), (std::vector{blocks(200, 64), blocks(4, 4), blocks(20, 50)}));
  EXPECT_TRUE(local->readable(blocks(200, 64)));
}

TEST_F(EngineBoot, tells_what_it_goes_by_and_what_is_still_to_come) {
  reads(200, 64);
  start();
  ScriptedPeer& peer = connect("a");
  const auto boot = [&] { return engine->statistics().images.at(0).boot; };
  EXPECT_FALSE(boot()) << "nothing was asked for";
  engine->prefetch_boot(local);
  world.run_for(std::chrono::milliseconds(300));
  ASSERT_TRUE(boot());
  EXPECT_EQ(boot()->by, Foresight::own_profile);
  EXPECT_EQ(boot()->wanted, BlockCount(64));
  EXPECT_EQ(boot()->to_come, BlockCount(64));
  serve(peer);
  EXPECT_EQ(boot()->wanted, BlockCount(64));
  EXPECT_EQ(boot()->to_come, BlockCount(0));
  EXPECT_FALSE(boot()->looking);
}

TEST_F(EngineBoot, one_that_nobody_wants_any_more_when_it_begins_does_nothing) {
  reads(200, 64);
  start();
  ScriptedPeer& peer = connect("a");
  engine->prefetch_boot(local);
  engine->detach(local->info().id);
  EXPECT_TRUE(serve(peer).empty());
  EXPECT_TRUE(engine->statistics().images.empty()) << "the image was let go";
}

TEST_F(EngineBoot, an_own_profile_that_is_wrong_costs_no_fetch_of_other_blocks) {
  reads(200, 64);
  reads(20, 30, 100);  // says that 20 … 49 have the content of 100 … 129
  reads(60, 4);
  start();
  ScriptedPeer& peer = connect("a");
  engine->prefetch_boot(local);
  EXPECT_EQ(serve(peer), (std::vector{blocks(200, 64), blocks(60, 4)}));
}

TEST_F(EngineBoot, blocks_of_a_relative_are_found_where_they_are_in_this_image) {
  profiles.profile->image.bytes[0] ^= 1;
  reads(0, 64);
  reads(20 + 64, 10, 250);  // in the relative; here they are at 250
  reads(1000, 2, 290);      // beyond the end of this image
  start();
  ScriptedPeer& peer = connect("a");
  engine->prefetch_boot(local);
  RangeSet asked(serve(peer));
  EXPECT_TRUE(asked.covers(blocks(0, 64)));
  EXPECT_TRUE(asked.covers(blocks(250, 10))) << "moved";
  EXPECT_TRUE(asked.covers(blocks(290, 2)));
  EXPECT_EQ(asked.count(), BlockCount(64 + 10 + 2));
}

TEST_F(EngineBoot, what_a_relative_had_otherwise_is_fetched_where_it_must_be_now) {
  profiles.profile->image.bytes[0] ^= 1;
  reads(160, 20);
  reads_changed(180, 5);
  reads(185, 20, 190);  // it is five blocks longer here
  reads_changed(250, 3);
  start();
  ScriptedPeer& peer = connect("a");
  engine->prefetch_boot(local);
  RangeSet asked(serve(peer));
  EXPECT_TRUE(asked.covers(blocks(160, 50))) << "what lies between what was found, from both ends";
  EXPECT_TRUE(asked.covers(blocks(255, 3)));
  EXPECT_TRUE(asked.covers(blocks(0, 1))) << "what the image itself says: its first block";
  EXPECT_EQ(asked.count(), BlockCount(50 + 3 + 1));
}

TEST_F(EngineBoot, a_profile_of_something_else_fetches_what_no_profile_would) {
  profiles.profile->image.bytes[0] ^= 1;
  reads_changed(0, 200);
  start();
  ScriptedPeer& peer = connect("a");
  engine->prefetch_boot(local);
  EXPECT_EQ(serve(peer), (std::vector{blocks(0, 1)}));
}

TEST_F(EngineBoot, ends_with_the_last_mount) {
  reads(0, 64);
  reads(150, 120);
  start();
  script = [](ScriptedPeer& peer) { peer.measured.bytes_per_second = 1e5; };
  ScriptedPeer& peer = connect("a");
  engine->prefetch_boot(local);
  settle();
  ASSERT_FALSE(peer.requests.empty());
  engine->detach(image.info.id);
  const RangeSet asked(serve(peer));
  EXPECT_LE(asked.count(), BlockCount(64)) << "what was on its way came, the rest was not asked";
  EXPECT_TRUE(engine->statistics().images.empty()) << "nothing holds the image any more";
}

TEST_F(EngineBoot, a_profile_that_comes_late_is_followed) {
  const BootProfile known = *std::exchange(profiles.profile, std::nullopt);
  start();
  ScriptedPeer& peer = connect("a");
  engine->prefetch_boot(local);
  const RangeSet before(serve(peer));
  EXPECT_FALSE(before.covers(blocks(270, 4))) << "no profile, no file system: only its ends";
  profiles.profile = known;
  reads(256, 30);
  engine->profile_changed(image.info.id);
  const RangeSet after(serve(peer));
  EXPECT_TRUE(local->readable(blocks(256, 30)));
  EXPECT_TRUE(after.empty() || after.first() >= BlockIndex(256));
}

TEST_F(EngineBoot, a_materialization_brings_what_the_boot_reads_first) {
  give_tree();
  reads(240, 40);
  start();
  const auto job = engine->materialize(local, {}, nullptr, [] {});
  settle();
  ScriptedPeer& peer = connect("a");
  const std::vector<BlockRange> asked = serve(peer);
  ASSERT_FALSE(asked.empty());
  EXPECT_EQ(asked.front().first, BlockIndex(240));
  EXPECT_EQ(job->progress().state, JobState::done);
}

TEST_F(EngineBoot, a_materialization_in_image_order_brings_nothing_of_the_boot_before_the_rest) {
  give_tree();
  reads(240, 40);
  start();
  MaterializeOptions options;
  options.in_image_order = true;
  const auto job = engine->materialize(local, options, nullptr, [] {});
  settle();
  ScriptedPeer& peer = connect("a");
  engine->profile_changed(image.info.id);
  const std::vector<BlockRange> asked = serve(peer);
  ASSERT_FALSE(asked.empty());
  EXPECT_EQ(asked.front().first, BlockIndex(0));
  EXPECT_TRUE(std::ranges::is_sorted(asked, {}, &BlockRange::first));
  EXPECT_EQ(job->progress().state, JobState::done);
}

TEST_F(EngineBoot, a_boot_prefetch_outlives_a_cancelled_job) {
  reads(0, 64);
  reads(150, 100);
  start();
  engine->prefetch_boot(local);
  settle();
  const auto job = engine->materialize(local, {}, nullptr, [] {});
  settle();
  job->cancel();
  engine->wake_jobs();
  settle();
  ScriptedPeer& peer = connect("a");
  const RangeSet asked(serve(peer));
  EXPECT_EQ(asked.count(), BlockCount(164));
  EXPECT_TRUE(local->readable(blocks(150, 100)));
}

}  // namespace
}  // namespace weft::fetcher::testing
