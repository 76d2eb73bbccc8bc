// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/render.h"

#include "tools/cli/progress_line.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <sstream>

namespace weft::tools {
namespace {

boost::json::object parse(const char* text) {
  return boost::json::parse(text).as_object();
}

TEST(Render, images) {
  const auto answer = parse(R"({"images": [
    {"name": "deb12-web", "id": "3f2a9c01be77d5d5aa", "size": 2147483648, "percent": 38.4,
     "physical": 851443712, "in_place": false, "source": ""},
    {"name": "deb12", "id": "aa11bb22cc33dd44ee", "size": 2147483648, "percent": 100,
     "physical": 8192, "in_place": true, "source": "/images/deb12.raw"}]})");
  EXPECT_EQ(render_images(answer),
            "NAME       ID               SIZE   LOCAL    ON DISK  FROM\n"
            "deb12-web  3f2a9c01be77  2.0 GiB   38.4%  812.0 MiB  peers\n"
            "deb12      aa11bb22cc33  2.0 GiB  100.0%    8.0 KiB  in place: /images/deb12.raw\n");
  EXPECT_EQ(render_images({}), "no images: `weft import FILE` makes one\n");
}

TEST(Render, image) {
  const auto image = parse(R"({"name": "web", "id": "3f2a", "size": 5000, "root": "77",
    "percent": 50, "complete": false, "physical": 4096, "source": "/a.raw",
    "blocks": {"total": 2, "resident": 1, "borrowed": 0, "zero": 0, "missing": 1}})");
  EXPECT_EQ(render_image(image),
            "name      web\n"
            "id        3f2a\n"
            "size      4.9 KiB (5000 bytes)\n"
            "root      77\n"
            "from      /a.raw\n"
            "local     50.0%\n"
            "blocks    4.0 KiB resident, 0 B borrowed, 0 B zero, 4.0 KiB missing\n"
            "on disk   4.0 KiB\n");
}

TEST(Render, removal_says_what_stays) {
  EXPECT_EQ(render_removal(parse(R"({"freed": 4096})")), "freed 4.0 KiB\n");
  EXPECT_EQ(render_removal(parse(R"({"freed": 0, "blocks_kept_for_borrowers": 2})")),
            "freed 0 B; 8.0 KiB stay because other images borrow them\n");
}

TEST(Render, a_peer_that_was_found_is_not_taken_for_one_of_the_operators) {
  const auto answer = parse(R"({"peers": [
    {"address": "c:7440", "origin": "swarm", "state": "connected", "banned_for": []}]})");
  EXPECT_NE(render_peers(answer).find("\nc:7440: fetches the same image\n"), std::string::npos);
}

TEST(Render, peers) {
  const auto answer = parse(R"({"peers": [
    {"address": "10.0.0.1:7440", "name": "node-a", "state": "connected", "rate": 12500000,
     "round_trip": 0.021, "received": 1048576, "sent": 4096, "last_error": "", "banned_for": [],
     "link": {"rate_in": {"mean": 12500000, "low": 11500000, "high": 13500000, "samples": 9},
              "loss": {"fraction": 0.0123, "per_hour": 2, "watched": 3600}}},
    {"address": "b:7440", "state": "waiting", "last_error": "connection refused", "retry_in": 4.0,
     "banned_for": ["aa"]}]})");
  EXPECT_EQ(render_peers(answer),
            "PEER           NAME    STATE                RATE   RTT      LOSS  RECEIVED     SENT\n"
            "10.0.0.1:7440  node-a  connected  11.9 MiB/s ±8%  21ms  1.2% 2/h   1.0 MiB  4.0 KiB\n"
            "b:7440         -       waiting                 -     -         -       0 B      0 B\n"
            "\nb:7440: connection refused; retry in 4s; sent wrong data, not used for 1 image\n");
}

TEST(Render, peers_show_price_and_site_where_one_is_set) {
  const auto answer = parse(R"({"peers": [
    {"address": "a:1", "state": "connected", "price_per_gib": 0.02, "site": "paris",
     "link": {"rate_in": {"mean": 1000, "low": 100, "high": 5000, "samples": 0.1},
              "loss": {"fraction": 0, "per_hour": 0, "watched": 60}}},
    {"address": "b:1", "state": "connected", "price_per_gib": 0, "site": ""}]})");
  EXPECT_EQ(render_peers(answer),
            "PEER  NAME  STATE      SITE         RATE  RTT  LOSS  PER GiB  RECEIVED  SENT\n"
            "a:1   -     connected  paris  1000 B/s ?    -     0     0.02       0 B   0 B\n"
            "b:1   -     connected  -               -    -     -        0       0 B   0 B\n");
}

TEST(Render, where_marks_estimates_and_what_is_not_known) {
  const auto answer = parse(R"({"name": "web", "image": "3f2a9c01be77d5d5aa", "content": 1073741824,
    "nodes": [
    {"name": "b", "address": "b:1", "here": false, "holds": 1073741824, "exact": true, "needs": 0,
     "time": 0, "price": 0, "sources": [], "note": ""},
    {"name": "a", "address": null, "here": true, "holds": 536870912, "exact": false,
     "needs": 536870912, "time": 43.2, "price": 0.01, "sources": ["b:1"], "note": ""},
    {"name": "", "address": "c:1", "here": false, "holds": null, "exact": null, "needs": null,
     "time": null, "price": null, "sources": [], "note": "not connected"}]})");
  EXPECT_EQ(render_where(answer),
            "web  3f2a9c01be77  1.0 GiB of content\n\n"
            "NODE  ADDRESS           HOLDS       NEEDS  TIME  PRICE  FROM  NOTE\n"
            "b     b:1             1.0 GiB         0 B   now      0  -\n"
            "a     (this node)  ~512.0 MiB  ~512.0 MiB   43s   0.01  b:1\n"
            "-     c:1                   ?           ?     ?      ?  -     not connected\n"
            "\n~ estimated from signatures of other images there\n");
}

TEST(Render, profile_shows_what_a_boot_needs_when_and_what_of_it_is_here) {
  const auto answer = parse(R"({"image": "3f2a9c01be77d5d5aa", "name": "web", "own": true,
    "boots": 3, "recorded": 2, "imported": 1, "from_peer": false, "blocks": 3072, "bytes": 12582912,
    "seconds": 11.25, "here": 4194304, "in_every_boot": 2000, "time_line": [
      {"begin": 0, "end": 4, "blocks": 2048, "here": 1024},
      {"begin": 4, "end": 8, "blocks": 0, "here": 0},
      {"begin": 8, "end": 12, "blocks": 1024, "here": 0}]})");
  EXPECT_EQ(render_profile(answer),
            "web  3f2a9c01be77\n"
            "  boots     3 (2 recorded here, 1 imported)\n"
            "  reads     12.0 MiB in 3072 blocks within 11.2s\n"
            "  in every  2000 of the blocks\n"
            "  here      4.0 MiB\n"
            "\n"
            "      0.0s  ####################--------------------  8.0 MiB\n"
            "      4.0s  \n"
            "      8.0s  --------------------  4.0 MiB\n"
            "\n"
            "  # here, - missing\n");
}

TEST(Render, profile_of_a_relative_says_so) {
  const auto answer = parse(R"({"image": "3f2a9c01be77d5d5aa", "name": "", "own": false,
    "recorded_for": "aa00bb11cc22dd33ee", "boots": 1, "from_peer": true, "blocks": 1, "held": 0.844})");
  EXPECT_TRUE(render_profile(answer).contains(
      "of        aa00bb11cc22: no boot of this image is known; it holds 84% of these blocks\n"));
  EXPECT_TRUE(render_profile(answer).contains("(from a peer)"));
  EXPECT_EQ(render_profiles(parse(R"({"profiles": []})")),
            "no boot profiles: a boot from a mount is recorded by itself\n");
}

TEST(Render, plan_says_who_sends_what_until_when_and_why) {
  const auto answer = parse(R"({"name": "web", "image": "3f2a9c01be77d5d5aa", "content": 4194304,
    "missing": 2097152, "wire": 1048576, "unheld": 4096, "estimated": true, "finish": 2.25,
    "finish_earliest": 2, "finish_latest": 2.5, "bound": 2.25, "cost": 0.01, "least_cost": 0.005,
    "tiers": [{"tier": 1, "bytes": 4096, "finish": 0.25, "bound": 0.25, "why": "w1"},
              {"tier": 3, "bytes": 1044480, "finish": 2.25, "bound": 2.25, "why": "w3"}],
    "sources": [
      {"address": "a:1", "site": "paris", "rate": 1048576, "measured": {"mean": 1048576}, "delay": 0.02, "price_per_gib": 0.5,
       "bytes": 1048576, "finish": 2.25, "cost": 0.01, "why": "fastest",
       "tiers": [{"tier": 1, "bytes": 4096}, {"tier": 3, "bytes": 1044480}],
       "segments": [{"begin": 0, "end": 2.25, "bytes": 1048576}]},
      {"address": "b:1", "site": "", "rate": 1024, "measured": null, "delay": 0, "bytes": 0, "finish": null,
       "cost": 0, "why": "not used", "tiers": []}],
    "pareto": [{"budget": 0.005, "cost": 0.005, "finish": 200}],
    "left_out": [{"address": "c:1", "reason": "not connected"}], "notes": ["estimated"]})");
  const auto text = render_plan(answer, 120, true);
  const char* head =
      "web  3f2a9c01be77  4.0 MiB of content, ~2.0 MiB to come (1.0 MiB on the wire)\n"
      "4.0 KiB of it no connected peer is known to hold\n"
      "here in 2.2s (2.0s to 2.5s, as sure as the links are), at a cost of 0.01; "
      "no plan is faster than 2.2s, none cheaper than 0.005\n"
      "\n"
      "TIER  ON THE WIRE  HERE IN  BOUND  WHY\n"
      "   1      4.0 KiB    250ms  250ms  w1\n"
      "   3   1020.0 KiB     2.2s   2.2s  w3\n"
      "\n"
      "FROM  SITE         RATE   RTT  PER GiB                     AMOUNT\n"
      "a:1   paris   1.0 MiB/s  20ms      0.5  1: 4.0 KiB, 3: 1020.0 KiB\n"
      "b:1   -      ~1.0 KiB/s   0ms        0                          -\n";
  EXPECT_TRUE(text.starts_with(head)) << text;
  const char* end =
      "\n"
      "BUDGET   COST   HERE IN\n"
      " 0.005  0.005  3min 20s\n"
      "\n"
      "c:1: not connected\n"
      "~ estimated\n";
  EXPECT_TRUE(text.ends_with(end)) << text;
  EXPECT_TRUE(text.contains("fastest")) << "the picture says why\n" << text;
  EXPECT_EQ(render_plan(parse(R"({"name": "web", "image": "3f2a9c01be77d5", "content": 4096,
                                  "missing": 0, "wire": 0, "estimated": true})"),
                        80, true),
            "web  3f2a9c01be77  4.0 KiB of content, 0 B to come: all of it is here\n");
}

TEST(Render, diff_lists_extents_and_their_sum) {
  EXPECT_EQ(render_diff(parse(R"({"changed": 0, "extents": 0, "list": []})")), "no difference\n");
  const auto answer = parse(R"({"changed": 12288, "extents": 3, "truncated": true,
    "list": [{"offset": 0, "length": 4096}, {"offset": 40960, "length": 4096}]})");
  EXPECT_EQ(render_diff(answer),
            "OFFSET  LENGTH\n     0    4096\n 40960    4096\n… and 1 more\n"
            "\n12.0 KiB (12288 bytes) changed in 3 extents\n");
}

TEST(Render, status_shows_what_waits_and_why) {
  const auto status = parse(R"({
    "node": {"name": "b", "id": "00112233445566778899aabbccddeeff", "version": "0.1.0",
             "uptime": 65, "listen": null, "network": true},
    "disk": {"physical": 4096, "free": 1073741824, "floor": 268435456, "flush_failing": true},
    "fetch": {"received": 8192, "received_wire": 4096, "received_for_demand": 4096},
    "served": {"sent": 0},
    "images": [],
    "mounts": [{"target": "/mnt/vm", "name": "deb12", "waiting_for": "fetching from 1 peer",
      "waiting": [{"age": 0.25}, {"age": 0.1}],
      "opens": {"cached": 2, "direct": 1, "passthrough": 0},
      "reads": {"resident": 10, "missing": 5, "failed": 0, "stall": 1.5, "missing_p99": 0.08}}],
    "jobs": [{"name": "deb12", "state": "running", "percent": 50, "done": 4096, "total": 8192,
              "rate": 4096, "eta": 1, "note": "", "error": null}],
    "peers": []})");
  EXPECT_EQ(render_status(status),
            "node b (001122334455), weft 0.1.0, up 1min 5s, serving no peers\n"
            "disk: 4.0 KiB used, 1.0 GiB free (floor 256.0 MiB)\n"
            "disk: WRITES DO NOT BECOME DURABLE: see the log\n"
            "fetched: 8.0 KiB (4.0 KiB on the wire), 4.0 KiB for reads; sent to peers: 0 B\n"
            "\n"
            "MOUNT    IMAGE  MODE                READS  WAITED  FAILED  STALL   P99  WAITING NOW\n"
            "/mnt/vm  deb12  cached 2, direct 1     15       5       0     2s  80ms  2 for up to "
            "250ms: fetching from "
            "1 peer\n"
            "\n"
            "MATERIALIZE  STATE    PROGRESS\n"
            "deb12        running  50.0%  4.0 KiB of 8.0 KiB  4.0 KiB/s  1s left\n");
}

TEST(Render, status_shows_where_the_time_of_reads_went) {
  const auto status = parse(R"({
    "mounts": [{"target": "/mnt/vm", "name": "deb12", "waiting": [],
      "reads": {"resident": 7, "missing": 2, "failed": 0, "stall": 1.5, "missing_p99": 0.8,
        "by_origin": {
          "resident": {"reads": 7, "total": 0.007, "p50": 0.001, "p99": 0.002, "max": 0.002},
          "borrowed": {"reads": 0, "total": 0, "p50": 0, "p99": 0, "max": 0},
          "wan_peer": {"reads": 2, "total": 1.5, "p50": 0.7, "p99": 0.8, "max": 0.8}}}}]})");
  const auto text = render_status(status);
  EXPECT_NE(text.find("\n"
                      "MOUNT    BLOCKS FROM  READS  TOTAL    P50    P99    MAX\n"
                      "/mnt/vm  own pack         7    7ms    1ms    2ms    2ms\n"
                      "/mnt/vm  WAN peer         2     2s  700ms  800ms  800ms\n"),
            std::string::npos)
      << text;
}

TEST(Render, status_shows_what_is_fetched_for_a_boot) {
  const auto text = render_status(parse(R"({"mounts": [
    {"target": "/mnt/vm", "name": "deb12", "boot_prefetch":
      {"by": "relatives_profile", "wanted": 8388608, "to_come": 4194304, "looking": true}},
    {"target": "/mnt/old", "name": "deb11", "boot_prefetch":
      {"by": "own_profile", "wanted": 8388608, "to_come": 0, "looking": false}},
    {"target": "/mnt/web", "name": "web", "boot_prefetch": null}]})"));
  EXPECT_TRUE(
      text.contains("\n"
                    "MOUNT     BOOT FORESEEN BY      MISSING AT FIRST  TO COME\n"
                    "/mnt/vm   a relative's profile           8.0 MiB  4.0 MiB  looking for more\n"
                    "/mnt/old  its profile                    8.0 MiB        -\n"))
      << text;
}

TEST(Render, status_shows_what_guests_do_to_disks) {
  const auto text = render_status(parse(R"({"mounts": [
    {"target": "/mnt/web", "name": "web", "changes": null},
    {"target": "/srv/vm7", "name": "vm7", "changes":
      {"writes": {"count": 12, "p99": 0.002}, "written": 1048576, "zeroed": 4096,
       "zeroed_ranges": {"count": 1}, "flushes": {"count": 3, "p99": 0.02}, "waited": 2,
       "failed": 0}}]})"));
  EXPECT_TRUE(
      text.contains("\n"
                    "DISK  WRITES  WRITTEN  P99  DISCARDED  FLUSHES   P99  WAITED  FAILED\n"
                    "vm7       12  1.0 MiB  2ms    4.0 KiB        3  20ms       2       0\n"))
      << text;
}

TEST(Render, jobs_show_their_cap) {
  const auto text = render_jobs(parse(R"({"jobs": [{"name": "deb12", "state": "paused",
    "percent": 50, "done": 4096, "total": 8192, "rate": 4096, "limit": 1048576, "eta": null,
    "note": "", "error": null}]})"));
  EXPECT_EQ(text,
            "MATERIALIZE  STATE   PROGRESS\n"
            "deb12        paused  50.0%  4.0 KiB of 8.0 KiB  4.0 KiB/s (at most 1.0 MiB/s)\n");
  EXPECT_EQ(render_jobs(parse(R"({"jobs": []})")), "");
}

TEST(Render, an_answer_of_another_shape_is_shown_as_far_as_it_goes) {
  for (const char* text : {"{}", R"({"images": 5, "mounts": [1, null], "peers": {"a": 1}})",
                           R"({"images": [{"name": 7, "size": -1, "percent": "x"}]})",
                           R"({"jobs": [[]], "node": "x", "fetch": {"received": 1e300}})"}) {
    EXPECT_FALSE(render_status(parse(text)).empty()) << text;
  }
}

TEST(Render, bar_fits_the_terminal) {
  const auto progress =
      parse(R"({"percent": 25, "done": 1048576, "total": 4194304, "rate": 1048576, "eta": 3})");
  EXPECT_EQ(render_bar(progress, 80),
            "[#######.......................]  25.0%  1.0 MiB of 4.0 MiB  1.0 MiB/s  3s left");
  for (int columns = 0; columns < 200; ++columns) {
    EXPECT_LE(static_cast<int>(render_bar(progress, columns).size()), std::max(0, columns - 1));
  }
}

TEST(Render, money_is_shown_where_something_costs) {
  EXPECT_EQ(render_progress(parse(R"({"percent": 25, "done": 1048576, "total": 4194304,
                "spent": 0.0125, "budget": 0.05, "expected_cost": 0.0475})")),
            "25.0%  1.0 MiB of 4.0 MiB  spent 0.0125 of 0.05, 0.0475 in the end");
  EXPECT_EQ(render_progress(parse(R"({"percent": 25, "done": 1048576, "total": 4194304,
                "spent": 0, "budget": null, "expected_cost": 0.0})")),
            "25.0%  1.0 MiB of 4.0 MiB");
}

TEST(Render, that_the_budget_falls_short_is_said_once_even_without_a_terminal) {
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{out, err};
  ProgressLine line(terminal, true);
  line.show(parse(R"({"progress": {"name": "web", "note": "", "falls_short": false}})"));
  EXPECT_EQ(err.str(), "");
  for (int i = 0; i < 3; ++i) {
    line.show(parse(R"({"progress": {"name": "web", "note": "too little", "falls_short": true}})"));
  }
  EXPECT_EQ(err.str(), "weft: web: too little\n");
}

TEST(Render, version) {
  EXPECT_EQ(render_version(parse(R"({"version": "0.1.0", "api": 1, "protocol": 1,
                                     "daemon": {"version": "0.0.9", "pid": 77}})")),
            "weft 0.1.0 (control API 1, wire protocol 1)\ndaemon 0.0.9 (pid 77)\n");
}

}  // namespace
}  // namespace weft::tools
