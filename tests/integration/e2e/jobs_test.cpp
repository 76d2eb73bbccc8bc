// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/e2e/linked_nodes.h"

#include <optional>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

/// Materialize jobs under control, over a link of 80 Mbit/s: 32 MiB take 3.4 s at least.
class Jobs : public LinkedNodes {
 protected:
  static constexpr unsigned mib = 32;

  void SetUp() override {
    E2eMountTest::SetUp();
    if (IsSkipped()) return;
    start(file_, 80'000'000);
  }
  void begin(const std::string& limit = "") {
    std::vector<std::string> command{"materialize", "x", "--background", "--peer",
                                     relay_->address()};
    if (!limit.empty()) command.insert(command.end(), {"--limit", limit});
    expect_ok(node_.weft(command));
  }
  [[nodiscard]] boost::json::object job() const {
    return node_.query({"jobs", "show", "x"}).as_object();
  }
  [[nodiscard]] std::string state() const { return job().at("state").as_string().c_str(); }
  [[nodiscard]] std::uint64_t done() const { return job().at("done").to_number<std::uint64_t>(); }
  [[nodiscard]] std::uint64_t came() { return relay_->counts().to_client; }
  /// Nothing but greetings and what was in flight.
  void expect_silence(std::chrono::milliseconds time) {
    std::this_thread::sleep_for(500ms);
    const auto before = came();
    std::this_thread::sleep_for(time);
    EXPECT_LT(came() - before, 256U << 10);
  }

  std::filesystem::path file_ = image_file("x.raw", mib);
};

TEST_F(Jobs, a_paused_job_rests_over_the_death_of_its_worker_and_a_restart_until_it_is_resumed) {
  begin("16Mbit");
  ASSERT_TRUE(soon([&] { return done() > 0; }));
  expect_ok(node_.weft({"jobs", "pause", "x"}));
  ASSERT_TRUE(soon([&] { return state() == "paused"; }));
  expect_silence(1500ms);
  const pid_t old = node_.kill_worker();
  ASSERT_TRUE(node_.wait_for_new_worker(old, 20s));
  ASSERT_TRUE(soon([&] { return state() == "paused"; }));
  EXPECT_TRUE(node_.stop().ok());
  node_.start();
  ASSERT_TRUE(soon([&] { return state() == "paused"; }));
  EXPECT_EQ(job().at("limit").to_number<double>(), 2e6) << "its cap is kept, too";
  expect_silence(1500ms);
  expect_ok(node_.weft({"jobs", "limit", "x", "0"}));
  EXPECT_TRUE(job().at("limit").is_null());
  EXPECT_EQ(state(), "paused") << "another cap does not resume it";
  expect_ok(node_.weft({"jobs", "resume", "x"}));
  ASSERT_TRUE(soon([&] { return state() == "done"; }, 60s));
  EXPECT_LT(came(), (std::uint64_t{mib} << 20) * 5 / 4);
}

TEST_F(Jobs, the_cap_of_a_running_job_changes_at_once) {
  begin("4Mbit");
  ASSERT_TRUE(soon([&] { return done() > 0; }));
  const auto amount_in = [&](std::chrono::milliseconds time) {
    const auto before = came();
    std::this_thread::sleep_for(time);
    return came() - before;
  };
  std::this_thread::sleep_for(1s);
  EXPECT_LT(amount_in(2s), 2'500'000U) << "4 Mbit/s are 1 MB in 2 s";
  expect_ok(node_.weft({"jobs", "limit", "x", "40Mbit"}));
  std::this_thread::sleep_for(500ms);
  EXPECT_GT(amount_in(2s), 4'000'000U) << "40 Mbit/s are 10 MB in 2 s";
  const auto shown = node_.weft({"jobs"});
  EXPECT_NE(shown.out.find("at most"), std::string::npos) << shown.out;
}

TEST_F(Jobs, a_cancelled_job_keeps_what_came_and_is_forgotten) {
  begin("16Mbit");
  ASSERT_TRUE(soon([&] { return done() > (4U << 20); }));
  expect_ok(node_.weft({"jobs", "cancel", "x"}));
  ASSERT_TRUE(soon([&] { return state() == "cancelled"; }));
  EXPECT_GT(done(), 4U << 20);
  EXPECT_EQ(node_.weft({"jobs", "pause", "x"}).status.code, static_cast<int>(ExitCode::not_found));
  ASSERT_TRUE(soon([&] { return node_.log().contains("job ended"); }));
  EXPECT_TRUE(node_.stop().ok());
  node_.start();
  EXPECT_TRUE(node_.query({"jobs"}).at("jobs").as_array().empty());
}

TEST_F(Jobs, a_mount_reads_what_a_job_fetched_and_a_job_skips_what_a_mount_read) {
  expect_ok(node_.weft({"mount", "x", target_, "--peer", relay_->address()}));
  const auto image = (target_ / "x.raw").string();
  const auto read = [&](unsigned from, unsigned count) {
    return run({"dd", "if=" + image, "of=/dev/null", "bs=1M", "skip=" + std::to_string(from),
                "count=" + std::to_string(count)},
               60s);
  };
  expect_ok(read(8, 8));
  const auto by_reads = came();
  EXPECT_GE(by_reads, 8U << 20);
  begin();
  ASSERT_TRUE(soon([&] { return state() == "done"; }, 60s));
  const auto in_all = came();
  EXPECT_LT(in_all, (std::uint64_t{mib} << 20) * 11 / 10) << "what was read came once";
  expect_ok(read(0, mib));
  EXPECT_LT(came() - in_all, 64U << 10) << "all of it is here";
  expect_equal_files(file_, image);
  const auto reads = node_.query({"status"}).at("mounts").at(0).at("reads").at("by_origin");
  EXPECT_GT(reads.at("resident").at("reads").to_number<int>(), 0);
  EXPECT_GT(reads.at("wan_peer").at("reads").to_number<int>(), 0) << "10 ms away";
  EXPECT_EQ(reads.at("lan_peer").at("reads").to_number<int>(), 0);
}

}  // namespace
}  // namespace weft::testing
