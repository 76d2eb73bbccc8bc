// SPDX-License-Identifier: Apache-2.0
#include "tools/api/views.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace weft::tools {
namespace {

using namespace std::chrono_literals;

TEST(Views, hundred_percent_is_only_shown_when_nothing_is_missing) {
  ImageUsage usage;
  usage.total = BlockCount(1'000'000);
  usage.missing = BlockCount(1);
  EXPECT_EQ(resident_percent(usage), 99.9);
  usage.missing = BlockCount(0);
  EXPECT_EQ(resident_percent(usage), 100);
  usage.missing = usage.total;
  EXPECT_EQ(resident_percent(usage), 0);
}

TEST(Views, image) {
  ImageEntry entry;
  entry.name = "web";
  entry.info.size = ByteCount(8192);
  entry.usage = {BlockCount(2), BlockCount(1),   BlockCount(1), BlockCount(0),
                 BlockCount(0), ByteCount(4096), true};
  entry.source = "/images/web.raw";
  const std::string zeros(64, '0');
  EXPECT_EQ(boost::json::serialize(to_json(entry)),
            R"({"name":"web","id":")" + zeros + R"(","size":8192,"root":")" + zeros +
                R"(","complete":true,"percent":1E2,"blocks":{"total":2,"zero":1,"resident":1,)"
                R"("borrowed":0,"missing":0},"physical":4096,"in_place":false,)"
                R"("source":"/images/web.raw"})");
}

TEST(Views, a_mount_tells_how_its_files_are_served_and_what_keeps_them_from_passthrough) {
  fs::MountStatus mount;
  EXPECT_EQ(to_json(mount, nullptr).at("mode"), "-");
  EXPECT_EQ(to_json(mount, nullptr).at("passthrough"), "ready");
  mount.opens.counts = {.cached = 2, .direct = 1, .passthrough = 0};
  mount.opens.obstacle = "cached opens are held";
  const auto view = to_json(mount, nullptr);
  EXPECT_EQ(view.at("mode"), "cached");
  EXPECT_EQ(view.at("opens").at("direct"), 1);
  EXPECT_EQ(view.at("passthrough"), "no: cached opens are held");
}

TEST(Views, a_waiting_mount_says_which_block_and_why) {
  fs::MountStatus mount;
  mount.target = "/mnt";
  fetcher::ImageFetchStatus fetch;
  EXPECT_TRUE(to_json(mount, &fetch).at("waiting_for").is_null()) << "nothing waits";
  mount.waiting.push_back({{BlockIndex(7), BlockCount(4)}, 1500ms, 42, fetcher::FetchTicket{5}});
  EXPECT_EQ(to_json(mount, &fetch).at("waiting_for"), "being answered") << "not waiting any more";
  fetch.waits.push_back({.ticket = fetcher::FetchTicket{4}, .first_missing = BlockIndex(1)});
  fetch.waits.push_back({.ticket = fetcher::FetchTicket{5},
                         .first_missing = BlockIndex(9),
                         .missing = BlockCount(2),
                         .reason = fetcher::WaitReason::not_held});
  EXPECT_EQ(to_json(mount, &fetch).at("waiting_for"), "block 9: no connected peer holds it");
  fetch.waits.back().reason = fetcher::WaitReason::asked;
  fetch.waits.back().peers = {"a:1", "b:2"};
  fetch.disk_full = true;
  const auto view = to_json(mount, &fetch);
  EXPECT_EQ(view.at("waiting_for"),
            "block 9: asked of a:1, b:2; the disk is full, reads are served without being stored");
  const auto& read = view.at("waiting").at(0).as_object();
  EXPECT_EQ(read.at("first_block").to_number<int>(), 7);
  EXPECT_EQ(read.at("missing_block").to_number<int>(), 9);
  EXPECT_EQ(read.at("missing").to_number<int>(), 2);
  EXPECT_EQ(read.at("reason"), "asked");
  EXPECT_EQ(read.at("peers").as_array().size(), 2U);
  EXPECT_EQ(read.at("age").to_number<double>(), 1.5);
}

TEST(Views, reads_are_shown_by_where_their_blocks_came_from) {
  fs::MountStatus mount;
  auto& wan = mount.reads.by_origin[static_cast<std::size_t>(fs::ReadOrigin::wan_peer)];
  wan.latency = {.count = 3, .p50 = 20ms, .p99 = 40ms, .max = 50ms, .total = 70ms};
  const auto view = to_json(mount, nullptr).at("reads").at("by_origin");
  EXPECT_EQ(view.at("wan_peer").at("reads").to_number<int>(), 3);
  EXPECT_EQ(view.at("wan_peer").at("max").to_number<double>(), 0.05);
  EXPECT_EQ(view.at("borrowed").at("reads").to_number<int>(), 0);
}

TEST(Views, a_mount_shows_what_is_fetched_for_its_boot) {
  const fs::MountStatus mount;
  fetcher::ImageFetchStatus fetch;
  EXPECT_TRUE(to_json(mount, nullptr).at("boot_prefetch").is_null());
  EXPECT_TRUE(to_json(mount, &fetch).at("boot_prefetch").is_null()) << "nothing is foreseen";
  fetch.boot = {fetcher::Foresight::relatives_profile, BlockCount(10), BlockCount(4), true};
  EXPECT_EQ(boost::json::serialize(to_json(mount, &fetch).at("boot_prefetch")),
            R"({"by":"relatives_profile","wanted":40960,"to_come":16384,"looking":true})");
}

TEST(Views, only_disks_show_changes) {
  fs::MountStatus mount;
  mount.changes.written = ByteCount(4096);
  mount.changes.writes = {.count = 2, .p50 = 1ms, .p99 = 2ms, .max = 3ms, .total = 4ms};
  EXPECT_TRUE(to_json(mount, nullptr).at("changes").is_null());
  mount.disk = true;
  const auto changes = to_json(mount, nullptr).at("changes");
  EXPECT_EQ(changes.at("written").to_number<int>(), 4096);
  EXPECT_EQ(changes.at("writes").at("count").to_number<int>(), 2);
  EXPECT_EQ(changes.at("writes").at("max").to_number<double>(), 0.003);
}

TEST(Views, job_with_unknown_time_left_has_null) {
  JobView job{ImageId{}, "web", {}};
  EXPECT_EQ(to_json(job).at("percent").to_number<double>(), 0) << "not looked at yet";
  job.progress.total = BlockCount(10);
  job.progress.done = BlockCount(5);
  job.progress.note = "no connected peer holds what is missing";
  const auto view = to_json(job);
  EXPECT_TRUE(view.at("eta").is_null());
  EXPECT_TRUE(view.at("error").is_null());
  EXPECT_EQ(view.at("percent").to_number<double>(), 50);
  EXPECT_EQ(view.at("total").to_number<int>(), 40960);
  job.progress.eta = 90s;
  EXPECT_EQ(to_json(job).at("eta").to_number<double>(), 90);
}

TEST(Views, peer_without_a_network_is_of_unknown_state) {
  const KnownPeer peer{"a:1", PeerOrigin::recorded};
  EXPECT_EQ(to_json(peer, nullptr).at("state"), "unknown");
}

}  // namespace
}  // namespace weft::tools
