// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fetcher/boots.h"
#include "tests/support/fetcher/memory_profiles.h"
#include "tests/unit/fetcher/service/engine_fixture.h"

#include <algorithm>

namespace weft::fetcher::testing {
namespace {

class EngineProfiles : public EngineTest {
 protected:
  EngineProfiles() {
    FetcherOptions options;
    options.profiles = &profiles;
    make_engine(options);
  }
  BootProfile boot_of(const ImageId& id) {
    BootProfile profile = test::boot({{1, 0}, {2, 5}});
    profile.image = id;
    return profile;
  }
  ImageId id() const { return image.info.id; }
  std::ptrdiff_t times_asked(const std::string& address, const char* what) {
    return std::ranges::count(peers.at(address)->calls, what);
  }
  static Result<BootProfile> none(const wire::ProfileRequest&) {
    return fail(Errc::not_resident, Operation::read);
  }

  MemoryProfiles profiles;
};

TEST_F(EngineProfiles, attached_image_gets_its_profile_from_a_holder) {
  script = [&](ScriptedPeer& peer) {
    peer.know_profiles([&](const wire::ProfileRequest& r) { return boot_of(r.image); });
  };
  connect("a");
  engine->attach(local);
  world.run_for(std::chrono::seconds(1));
  EXPECT_TRUE(profiles.has(id()));
  EXPECT_EQ(times_asked("a", "profile"), 1);
  engine->detach(id());
}

TEST_F(EngineProfiles, image_whose_boots_are_known_asks_nobody) {
  ASSERT_TRUE(profiles.record(boot_of(id())));
  script = [&](ScriptedPeer& peer) { peer.know_profiles(none); };
  connect("a");
  engine->attach(local);
  world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(times_asked("a", "profile"), 0);
  engine->detach(id());
}

TEST_F(EngineProfiles, every_holder_is_asked_for_the_images_own_before_one_for_a_relatives) {
  const ImageId relative{{9}};
  script = [&](ScriptedPeer& peer) {
    peer.know_profiles([&](const wire::ProfileRequest& r) -> Result<BootProfile> {
      if (r.relatives) return boot_of(relative);
      return fail(Errc::not_resident, Operation::read);
    });
  };
  connect("a");
  connect("b");
  engine->attach(local);
  world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(times_asked("a", "profile"), 1);
  EXPECT_EQ(times_asked("b", "profile"), 1);
  EXPECT_EQ(times_asked("a", "profile of a relative") + times_asked("b", "profile of a relative"),
            1);
  EXPECT_TRUE(profiles.has(relative));
  engine->detach(id());
}

TEST_F(EngineProfiles, peer_that_comes_while_the_guest_boots_is_asked_then) {
  engine->attach(local);
  world.run_for(std::chrono::seconds(5));
  script = [&](ScriptedPeer& peer) {
    peer.know_profiles([&](const wire::ProfileRequest& r) { return boot_of(r.image); });
  };
  connect("a");
  world.run_for(std::chrono::seconds(1));
  EXPECT_TRUE(profiles.has(id()));
  engine->detach(id());
}

TEST_F(EngineProfiles, after_a_minute_nobody_is_asked_any_more) {
  engine->attach(local);
  world.run_for(std::chrono::seconds(61));
  script = [&](ScriptedPeer& peer) {
    peer.know_profiles([&](const wire::ProfileRequest& r) { return boot_of(r.image); });
  };
  connect("a");
  world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(times_asked("a", "profile"), 0);
  engine->detach(id());
}

TEST_F(EngineProfiles, shutdown_does_not_wait_for_peers_that_may_come) {
  engine->attach(local);
  settle();
  const TimePoint before = world.timers().now();
  world.run([&] { return engine->shutdown(); });
  EXPECT_LT(world.timers().now() - before, std::chrono::seconds(1));
}

TEST_F(EngineProfiles, detached_image_is_let_go_at_once) {
  script = [&](ScriptedPeer& peer) { peer.know_profiles(none); };
  connect("a");
  engine->attach(local);
  world.run_for(std::chrono::seconds(1));
  EXPECT_GT(local.use_count(), 1);
  engine->detach(id());
  settle();
  EXPECT_EQ(local.use_count(), 1) << "nobody waits for peers on its behalf";
}

}  // namespace
}  // namespace weft::fetcher::testing
