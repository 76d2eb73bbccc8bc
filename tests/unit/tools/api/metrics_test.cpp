// SPDX-License-Identifier: Apache-2.0
#include "tools/api/metrics.h"

#include "tests/support/tools/metrics_parser.h"
#include "tools/api/metrics_server.h"
#include "tools/api/metrics_text.h"

#include <gtest/gtest.h>

namespace weft::tools {
namespace {

using namespace std::chrono_literals;
using testing::parse_metrics;

MetricsInput input() {
  MetricsInput in;
  in.version = "1.2.3";
  fs::MountStatus mount;
  mount.target = "/mnt/\"a\\b\nc";
  mount.name = "web";
  auto& wan = mount.reads.by_origin[static_cast<std::size_t>(fs::ReadOrigin::wan_peer)];
  wan.latency = {.count = 3, .p50 = 20ms, .p99 = 40ms, .max = 40ms, .total = 70ms};
  wan.bytes = ByteCount(12288);
  wan.below.fill(1);
  wan.below.back() = 3;
  mount.waiting.push_back({{BlockIndex(7), BlockCount(1)}, 1500ms, 42});
  in.mounts.push_back(mount);
  fs::MountStatus disk;
  disk.target = "/srv/vm7";
  disk.name = "vm7";
  disk.disk = true;
  disk.changes.written = ByteCount(8192);
  disk.changes.flushes.count = 5;
  in.mounts.push_back(disk);
  in.jobs.push_back({ImageId{}, "web", {}, 1e6});
  fetcher::PeerStatus peer;
  peer.address = "10.0.0.7:7440";
  peer.state = fetcher::PeerState::connected;
  peer.received = ByteCount(4096);
  in.peers.push_back(peer);
  ImageEntry image;
  image.name = "web";
  image.usage.missing = BlockCount(5);
  in.images = {image, image};
  return in;
}

TEST(MetricsText, label_values_are_escaped_and_empty_families_left_out) {
  MetricsText out;
  out.family("weft_nothing", "gauge", "Has no sample.");
  out.family("weft_a_total", "counter", "A.");
  out.sample({{"path", "a\"b\\c\nd"}}, std::uint64_t{18446744073709551615U});
  out.family("weft_b", "gauge", "B.");
  out.sample({}, 0.25);
  EXPECT_EQ(out.text(),
            "# HELP weft_a_total A.\n# TYPE weft_a_total counter\n"
            "weft_a_total{path=\"a\\\"b\\\\c\\nd\"} 18446744073709551615\n"
            "# HELP weft_b B.\n# TYPE weft_b gauge\nweft_b 0.25\n");
}

TEST(Metrics, keep_the_rules_of_the_format) {
  const auto parsed = parse_metrics(metrics_text(input()));
  EXPECT_EQ(parsed.trouble, "");
  EXPECT_GT(parsed.samples.size(), 50U);
}

TEST(Metrics, say_what_the_node_counted) {
  const auto parsed = parse_metrics(metrics_text(input()));
  const auto at = [&](const std::string& key) {
    const auto found = parsed.samples.find(key);
    EXPECT_NE(found, parsed.samples.end()) << key;
    return found == parsed.samples.end() ? -1 : found->second;
  };
  const std::string mount = "mount=\"/mnt/\\\"a\\\\b\\nc\",image=\"web\"";
  EXPECT_EQ(at("weft_read_duration_seconds_count{" + mount + ",origin=\"wan_peer\"}"), 3);
  EXPECT_EQ(at("weft_read_duration_seconds_sum{" + mount + ",origin=\"wan_peer\"}"), 0.07);
  EXPECT_EQ(at("weft_read_duration_seconds_bucket{" + mount + ",origin=\"wan_peer\",le=\"+Inf\"}"),
            3);
  EXPECT_EQ(at("weft_read_bytes_total{" + mount + ",origin=\"wan_peer\"}"), 12288);
  EXPECT_EQ(at("weft_reads_waiting{" + mount + "}"), 1);
  EXPECT_EQ(at("weft_read_oldest_wait_seconds{" + mount + "}"), 1.5);
  EXPECT_EQ(at("weft_disk_written_bytes_total{mount=\"/srv/vm7\",disk=\"vm7\"}"), 8192);
  EXPECT_EQ(at("weft_disk_flushes_total{mount=\"/srv/vm7\",disk=\"vm7\"}"), 5);
  EXPECT_FALSE(parsed.samples.contains("weft_disk_flushes_total{" + mount + "}")) << "no disk";
  EXPECT_EQ(at("weft_peer_received_bytes_total{peer=\"10.0.0.7:7440\"}"), 4096);
  const std::string image = "id=\"" + std::string(64, '0') + "\",image=\"web\"";
  EXPECT_EQ(at("weft_image_blocks{" + image + ",state=\"missing\"}"), 5)
      << "two names of one image are one series";
  EXPECT_EQ(at("weft_job_limit_bytes_per_second{" + image + "}"), 1e6);
}

TEST(MetricsServer, answers_nothing_but_metrics) {
  const MetricsServer::Render render = [] { return Result<std::string>("weft_x 1\n"); };
  const auto status = [&](std::string_view head) {
    return answer_metrics_request(head, render).substr(9, 3);
  };
  EXPECT_EQ(status("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), "200");
  EXPECT_EQ(status("GET /metrics?x=1 HTTP/1.0\r\n\r\n"), "200");
  EXPECT_EQ(status("GET /v1/status HTTP/1.1\r\n\r\n"), "404");
  EXPECT_EQ(status("GET /metricsx HTTP/1.1\r\n\r\n"), "404");
  EXPECT_EQ(status("DELETE /metrics HTTP/1.1\r\n\r\n"), "405");
  EXPECT_EQ(status("GET /metrics HTTP/1.1\r\n"), "400") << "cut short";
  EXPECT_EQ(status("\x16\x03\x01\r\n\r\n"), "400");
  EXPECT_TRUE(answer_metrics_request("GET /metrics HTTP/1.1\r\n\r\n", render)
                  .ends_with("Content-Length: 9\r\nConnection: close\r\n\r\nweft_x 1\n"));
}

}  // namespace
}  // namespace weft::tools
