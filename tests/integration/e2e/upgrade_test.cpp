// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/e2e/upgrade_fixture.h"
#include "tests/support/fs/byte_lock.h"

#include <optional>

#include <signal.h>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

TEST_F(Upgrade, reads_go_on_over_many_upgrades_in_a_row) {
  mount();
  VerifiedReads reads(image(), file_);
  for (int i = 0; i < upgrades; ++i) {
    const pid_t before = serving();
    expect_ok(upgrade());
    ASSERT_NE(serving(), before) << i;
    ASSERT_EQ(reads.trouble(), "") << i;
  }
  EXPECT_EQ(reads.stop(), "");
  EXPECT_GT(reads.count(), 1000U);
  EXPECT_LT(reads.longest(), 10s);
  RecordProperty("longest_read_ms", static_cast<int>(reads.longest() / 1ms));
  std::printf("%d upgrades, %zu reads, the longest %.3f s\n", upgrades, reads.count(),
              std::chrono::duration<double>(reads.longest()).count());
}

TEST_F(Upgrade, reads_that_wait_for_a_far_peer_are_answered_by_whoever_serves_next) {
  RunningRelay relay({.listen = "127.0.0.1:0",
                      .target = holder_.address(),
                      .round_trip = 300ms,
                      .bits_per_second = 20'000'000});
  expect_ok(node_.weft({"mount", "x", target_, "--peer", relay.address()}));
  VerifiedReads reads(image(), file_);
  for (int i = 0; i < 6; ++i) {
    const auto waits = [&] {
      const auto mounts = node_.query({"status"}).at("mounts").as_array();
      return !mounts.empty() && !mounts.at(0).at("waiting").as_array().empty();
    };
    ASSERT_TRUE(soon(waits));
    expect_ok(upgrade());
    ASSERT_EQ(reads.trouble(), "") << i;
  }
  EXPECT_GT(blocks_missing(node_), 0U) << "there was something to wait for to the end";
  EXPECT_EQ(reads.stop(), "");
  const auto failed = node_.query({"status"}).at("mounts").at(0).at("reads").at("failed");
  EXPECT_EQ(failed.to_number<int>(), 0);
}

TEST_F(Upgrade, a_daemon_told_to_stop_in_the_middle_of_it_stops_in_good_order) {
  mount();
  const auto from = node_.log().size();
  std::thread upgrading([&] { static_cast<void>(upgrade()); });
  ASSERT_TRUE(soon([&] { return node_.log().find("suspended", from) != std::string::npos; }));
  const auto ended = node_.stop();
  upgrading.join();
  EXPECT_TRUE(ended.ok()) << "exit " << ended.code;
  EXPECT_FALSE(std::filesystem::exists(image())) << "it is unmounted";
  node_.start();
  EXPECT_TRUE(std::filesystem::exists(image())) << "and on record";
}

TEST_F(Upgrade, a_binary_that_cannot_serve_leaves_the_old_worker_untouched) {
  mount();
  VerifiedReads reads(image(), file_);
  const pid_t before = serving();
  for (const std::string name :
       {"exits", "crashes", "other-version", "garbage", "refuses", "unmounts"}) {
    const auto refused = upgrade(bad_candidate(name));
    EXPECT_NE(refused.status.code, 0) << name;
    EXPECT_TRUE(refused.err.starts_with("weft: ")) << name << refused.err;
    EXPECT_EQ(serving(), before) << name;
  }
  EXPECT_NE(upgrade(bad_candidate("refuses")).err.find("no taste for this"), std::string::npos);
  for (const std::string path : {"/nonexistent", "/tmp", "/etc/hostname"}) {
    const auto refused = upgrade(path);
    EXPECT_NE(refused.status.code, 0) << path;
    EXPECT_EQ(serving(), before) << path;
  }
  EXPECT_EQ(reads.stop(), "");
  EXPECT_FALSE(node_.log().contains("suspended"));
  expect_ok(upgrade());
}

TEST_F(Upgrade, a_binary_that_hangs_is_given_up_at_a_deadline) {
  mount();
  const pid_t before = serving();
  const auto refused = upgrade(bad_candidate("hangs"));
  EXPECT_NE(refused.status.code, 0);
  EXPECT_NE(refused.err.find("stands by"), std::string::npos) << refused.err;
  EXPECT_EQ(serving(), before);
}

TEST_F(Upgrade, a_binary_that_fails_when_it_is_to_serve_gives_back_to_the_old_process) {
  mount();
  VerifiedReads reads(image(), file_);
  const pid_t before = serving();
  const auto failed = upgrade(bad_candidate("fails-to-serve"));
  EXPECT_NE(failed.status.code, 0);
  EXPECT_NE(failed.err.find("the old worker serves on"), std::string::npos) << failed.err;
  EXPECT_EQ(serving(), before);
  EXPECT_EQ(reads.stop(), "");
  expect_ok(upgrade());
  EXPECT_NE(serving(), before);
}

TEST_F(Upgrade, a_new_configuration_that_cannot_be_served_costs_no_mount) {
  mount();
  VerifiedReads reads(image(), file_);
  ASSERT_TRUE(soon([&] { return reads.count() > 0; }));
  const pid_t before = serving();
  const TakenPort port;
  write_config("metrics = \"" + port.address() + "\"\n");
  const auto refused = upgrade();
  EXPECT_NE(refused.status.code, 0);
  EXPECT_NE(refused.err.find(port.address()), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("the old worker serves on"), std::string::npos) << refused.err;
  EXPECT_EQ(serving(), before);
  const auto until = reads.count() + 100;
  EXPECT_TRUE(soon([&] { return reads.count() > until; }));
  EXPECT_EQ(reads.stop(), "");
}

TEST_F(Upgrade, readers_wait_while_no_successor_of_a_killed_worker_can_serve) {
  mount();
  VerifiedReads reads(image(), file_);
  ASSERT_TRUE(soon([&] { return reads.count() > 0; }));
  std::optional<TakenPort> port(std::in_place);
  write_config("metrics = \"" + port->address() + "\"\n");
  const auto from = node_.log().size();
  const pid_t old = node_.kill_worker();
  // Two of them have had the mount and have failed.
  ASSERT_TRUE(soon([&] { return times(node_.log().substr(from), "mount taken over") >= 2; }));
  EXPECT_EQ(reads.trouble(), "");
  port.reset();
  ASSERT_TRUE(node_.wait_for_new_worker(old, 20s));
  const auto until = reads.count() + 100;
  EXPECT_TRUE(soon([&] { return reads.count() > until; }));
  EXPECT_EQ(reads.stop(), "");
}

TEST_F(Upgrade, the_old_worker_serves_on_when_the_supervisor_dies_in_the_middle_of_it) {
  mount();
  VerifiedReads reads(image(), file_);
  ASSERT_TRUE(soon([&] { return reads.count() > 0; }));
  const pid_t before = serving();
  ASSERT_GT(before, 0);
  std::thread upgrading([&] { static_cast<void>(upgrade()); });
  while (!node_.log().contains("upgrade begins"))
    std::this_thread::sleep_for(500us);
  node_.daemon().signal(SIGSTOP);  // it lets no candidate serve
  const bool suspended = soon([&] { return node_.log().contains("suspended"); });
  node_.daemon().kill();
  upgrading.join();
  EXPECT_TRUE(suspended);
  const auto until = reads.count() + 100;
  EXPECT_TRUE(soon([&] { return reads.count() > until; })) << node_.log();
  EXPECT_EQ(reads.stop(), "");
  EXPECT_EQ(serving(), before);
  // Nobody else will end it.
  ASSERT_EQ(::kill(before, SIGTERM), 0);
  EXPECT_TRUE(soon([&] { return ::kill(before, 0) != 0; }));
}

TEST_F(Upgrade, commands_wait_for_the_successor_of_a_killed_worker) {
  mount();
  VerifiedReads reads(image(), file_);
  std::optional<TakenPort> port(std::in_place);
  write_config("metrics = \"" + port->address() + "\"\n");
  const auto from = node_.log().size();
  static_cast<void>(node_.kill_worker());
  ASSERT_TRUE(soon([&] { return node_.log().substr(from).contains("mount taken over"); }));
  const auto other = new_directory("node/other");
  std::atomic<bool> over = false;
  std::optional<Finished> mounted;
  std::thread mounting([&] {
    mounted = node_.weft({"mount", "x", other});
    over = true;
  });
  std::this_thread::sleep_for(1s);
  EXPECT_FALSE(over) << "no node of its own holds the state directory";
  port.reset();
  mounting.join();
  expect_ok(*mounted);
  expect_equal_files(file_, other / "x.raw");
  EXPECT_EQ(reads.stop(), "");
  EXPECT_EQ(node_.query({"status"}).at("mounts").as_array().size(), 2U);
}

TEST_F(Upgrade, a_daemon_that_cannot_serve_at_its_start_leaves_nothing_mounted) {
  mount();
  EXPECT_TRUE(node_.stop().ok());
  const TakenPort port;
  write_config("metrics = \"" + port.address() + "\"\n");
  EXPECT_THROW(node_.start(), std::runtime_error);
  EXPECT_TRUE(node_.log().contains("mount restored"));
  EXPECT_FALSE(std::filesystem::exists(image()));
  write_config("");
  node_.start();
  EXPECT_TRUE(std::filesystem::exists(image())) << "and on record";
}

TEST_F(Upgrade, later_workers_are_of_the_new_binary_even_when_its_file_is_gone) {
  mount();
  const auto copy = directory_ / "weft-copy";
  std::filesystem::copy_file(weft_binary(), copy);
  expect_ok(upgrade(copy));
  EXPECT_EQ(executable(), copy.string());
  std::filesystem::remove(copy);
  const pid_t old = node_.kill_worker();
  ASSERT_TRUE(node_.wait_for_new_worker(old, 20s));
  EXPECT_TRUE(executable().starts_with(copy.string())) << executable();
  expect_equal_files(file_, image());
}

TEST_F(Upgrade, open_files_and_locks_go_on) {
  mount();
  const UniqueFd file(::open(image().c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file);
  ASSERT_TRUE(lock_byte(file.get(), F_RDLCK, 100));
  expect_ok(upgrade());
  std::vector<std::byte> buffer(block_size);
  EXPECT_EQ(::pread(file.get(), buffer.data(), buffer.size(), 8 * 4096), std::ssize(buffer));
  const UniqueFd other(::open(image().c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(other);
  EXPECT_EQ(lock_in_the_way(other.get(), 100), F_RDLCK);
}

TEST_F(Upgrade, a_materialize_job_goes_on) {
  mount();
  expect_ok(node_.weft({"materialize", "x", "--background", "--limit", "24Mbit"}));
  const auto done = [&] {
    return node_.query({"jobs", "show", "x"}).at("done").to_number<std::uint64_t>();
  };
  ASSERT_TRUE(soon([&] { return done() > (1U << 20); }));
  const auto before = done();
  expect_ok(upgrade());
  EXPECT_EQ(node_.query({"jobs", "show", "x"}).at("limit").to_number<double>(), 3e6);
  ASSERT_TRUE(soon([&] { return done() > before + (1U << 20); }));
  expect_ok(node_.weft({"jobs", "limit", "x", "0"}));
  ASSERT_TRUE(soon([&] { return done() == std::uint64_t{mib} << 20; }, 60s));
  expect_equal_files(file_, image());
}

TEST_F(Upgrade, commands_wait_while_nobody_answers) {
  mount();
  for (int i = 0; i < 3; ++i) {
    std::optional<Finished> upgraded;
    std::thread upgrading([&] { upgraded = upgrade(); });
    while (!upgraded && !node_.log().contains("suspended"))
      std::this_thread::sleep_for(1ms);
    const auto status = node_.weft({"status"});
    EXPECT_TRUE(status.status.ok()) << status.err;
    EXPECT_NE(status.out.find(target_.string()), std::string::npos) << status.out;
    upgrading.join();
    expect_ok(*upgraded);
  }
}

struct Step {
  const char* name;
  const char* line;  ///< in the log, when the step is reached
  bool candidate;    ///< killed is the candidate, else the old worker
};

class UpgradeKilled : public Upgrade, public ::testing::WithParamInterface<Step> {};

TEST_P(UpgradeKilled, no_read_fails_and_the_node_serves) {
  mount();
  VerifiedReads reads(image(), file_);
  const pid_t old = serving();
  for (int round = 0; round < 2; ++round) {
    const pid_t before = serving();
    const auto from = node_.log().size();
    std::atomic<bool> over = false;
    std::thread killer([&] {
      while (!over && node_.log().find(GetParam().line, from) == std::string::npos)
        std::this_thread::sleep_for(500us);
      const pid_t victim = GetParam().candidate ? candidate_since(from) : before;
      if (victim > 0) ::kill(victim, SIGKILL);
    });
    static_cast<void>(upgrade());  // either way
    over = true;
    killer.join();
    ASSERT_TRUE(soon([&] { return serving() > 0; }, 30s));
    ASSERT_EQ(reads.trouble(), "");
  }
  EXPECT_EQ(reads.stop(), "") << "the first worker was " << old;
  expect_ok(upgrade());
  expect_equal_files(file_, image());
}

INSTANTIATE_TEST_SUITE_P(Steps, UpgradeKilled,
                         ::testing::Values(Step{"candidate_started", "is checked, process", true},
                                           Step{"candidate_standing_by", "standing by", true},
                                           Step{"candidate_announced", "upgrade begins", true},
                                           Step{"candidate_serving", "suspended", true},
                                           Step{"candidate_adopting", "mount taken over", true},
                                           Step{"candidate_ready", "node ready", true},
                                           Step{"old_while_checked", "is checked, process", false},
                                           Step{"old_standing_by", "standing by", false},
                                           Step{"old_announced", "upgrade begins", false},
                                           Step{"old_suspended", "suspended", false},
                                           Step{"old_adopting", "mount taken over", false},
                                           Step{"old_handed_over", "handed over", false}),
                         [](const auto& step) { return std::string(step.param.name); });

}  // namespace
}  // namespace weft::testing
