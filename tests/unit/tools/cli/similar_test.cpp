// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/render_similar.h"
#include "tools/cli/similar_view.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace weft::tools {
namespace {

namespace json = boost::json;

json::object parse(const char* text) {
  return json::parse(text).as_object();
}

// Two local images and one of a peer, whose signature is a sample.
json::object three_images() {
  return parse(R"({
    "images": [
      {"label": "deb12", "name": "deb12", "node": "", "id": "aa", "bytes": 513802240},
      {"label": "deb12-web", "name": "deb12-web", "node": "", "id": "bb", "bytes": 545259520},
      {"label": "deb13@rack3-7", "name": "deb13", "node": "rack3-7", "id": "cc",
       "bytes": 629145600}],
    "pairs": [
      {"a": 0, "b": 1, "bytes": 503316480, "error": 0, "percent_of_a": 97.9, "percent_of_b": 92.3,
       "exact": true},
      {"a": 0, "b": 2, "bytes": 41943040, "error": 409600, "percent_of_a": 8.1,
       "percent_of_b": 6.6, "exact": false}],
    "exact": false, "focus": null,
    "left_out": [{"label": "new", "id": "dd", "reason": "its hash tree is not here yet"}]})");
}

TEST(RenderSimilar, percents_and_sizes_as_tables) {
  EXPECT_EQ(render_similar(three_images(), 80),
            "Percent of the image on the left that the one above has\n"
            "\n"
            "   IMAGE          DATA   1   2   3\n"
            "1  deb12          490M   ·  97  ~8\n"
            "2  deb12-web      520M  92   ·   -\n"
            "3  deb13@rack3-7  600M  ~6   -   ·\n"
            "\n"
            "Shared data\n"
            "\n"
            "   IMAGE          DATA     1     2     3\n"
            "1  deb12          490M     ·  480M  ~40M\n"
            "2  deb12-web      520M  480M     ·     -\n"
            "3  deb13@rack3-7  600M  ~40M     -     ·\n"
            "\n"
            "~ estimated from samples; --json shows the standard error\n"
            "\n"
            "left out: new: its hash tree is not here yet\n");
}

TEST(RenderSimilar, sizes_are_left_out_where_they_do_not_fit) {
  const auto text = render_similar(three_images(), 36);
  EXPECT_TRUE(text.contains("Percent"));
  EXPECT_FALSE(text.contains("Shared data"));
}

TEST(RenderSimilar, what_does_not_fit_at_all_is_a_list_of_the_closest) {
  const auto text = render_similar(three_images(), 30);
  EXPECT_TRUE(
      text.starts_with("IMAGE          DATA  SHARES MOST WITH\n"
                       "deb12          490M  deb12-web 480M 97%, deb13@rack3-7 ~40M ~8%\n"
                       "deb12-web      520M  deb12 480M 92%\n"
                       "deb13@rack3-7  600M  deb12 ~40M ~6%\n"))
      << text;
  EXPECT_TRUE(text.contains("--svg FILE"));
}

TEST(RenderSimilar, one_image_asked_for_is_a_list_of_its_relatives) {
  auto answer = three_images();
  answer["focus"] = 0;
  answer["left_out"] = json::array();
  EXPECT_EQ(render_similar(answer, 80),
            "deb12: 490.0 MiB of data\n"
            "\n"
            "IMAGE             SHARED  OF THIS  OF THAT\n"
            "deb12-web      480.0 MiB    97.9%    92.3%\n"
            "deb13@rack3-7  ~40.0 MiB    ~8.1%    ~6.6%\n"
            "\n"
            "~ estimated from samples; --json shows the standard error\n");
  answer["pairs"] = json::array();
  EXPECT_EQ(render_similar(answer, 80),
            "deb12: 490.0 MiB of data\nshares nothing with any image that is known here\n");
}

TEST(RenderSimilar, no_images_and_one_are_friendly_lines) {
  EXPECT_EQ(render_similar({}, 80), "no images to compare: `weft import FILE` makes one\n");
  EXPECT_EQ(render_similar(parse(R"({"images": [{"label": "web", "bytes": 4096}]})"), 80),
            "web: 4.0 KiB of data; there is no other image to compare it with\n");
}

TEST(RenderSimilar, answer_that_makes_no_sense_is_shown_as_far_as_it_does) {
  const auto answer = parse(R"({"images": [{"label": "a"}, 7], "focus": 9,
    "pairs": [{"a": 0, "b": 2, "bytes": 1}, "x", {"a": 1, "b": 0, "bytes": 8192}]})");
  EXPECT_TRUE(render_similar(answer, 80).contains("8.0K"));
}

TEST(ShortSize, takes_at_most_five_characters) {
  EXPECT_EQ(short_size(ByteCount(0)), "0");
  EXPECT_EQ(short_size(ByteCount(4096)), "4.0K");
  EXPECT_EQ(short_size(ByteCount(63 << 10)), "63K");
  EXPECT_EQ(short_size(ByteCount((1u << 20) - 1)), "1.0M");
  EXPECT_EQ(short_size(ByteCount(512u << 20)), "512M");
  EXPECT_EQ(short_size(ByteCount(std::uint64_t{1300} << 20)), "1.3G");
  EXPECT_EQ(short_size(ByteCount(std::uint64_t{64} << 40)), "64T");
}

TEST(RenderClusters, heaviest_first_with_members_that_fit) {
  const auto answer = parse(R"({
    "images": [{"label": "deb12", "bytes": 4096}, {"label": "deb12-web", "bytes": 4096},
               {"label": "deb13@rack3-7", "bytes": 4096}],
    "clusters": [
      {"id": "111", "members": ["deb12", "deb12-web", "deb13@rack3-7"], "blocks": 30000,
       "bytes": 122880000},
      {"id": "110", "members": ["deb12", "deb12-web"], "blocks": 512, "bytes": 2097152},
      {"id": "001", "members": ["deb13@rack3-7"], "blocks": 1, "bytes": 4096}],
    "more": 4, "exact": true, "left_out": []})");
  EXPECT_EQ(render_clusters(answer, 80),
            "CLUSTER  IMAGES  BLOCKS       DATA  IN\n"
            "111           3   30000  117.2 MiB  all\n"
            "110           2     512    2.0 MiB  deb12 deb12-web\n"
            "001           1       1    4.0 KiB  deb13@rack3-7\n"
            "and 4 smaller ones: --limit shows more\n"
            "\n"
            "bits, from the left: deb12 deb12-web deb13@rack3-7\n");
  EXPECT_EQ(render_clusters({}, 80), "no images: `weft import FILE` makes one\n");
}

TEST(RenderClusters, estimates_are_marked) {
  const auto answer = parse(R"({"images": [{"label": "a"}], "exact": false,
    "clusters": [{"id": "1", "members": ["a"], "blocks": 8, "bytes": 32768}]})");
  EXPECT_TRUE(render_clusters(answer, 80).contains("~8  ~32.0 KiB  a"));
}

TEST(RenderClusters, names_that_do_not_fit_are_counted) {
  json::array images;
  json::array members;
  for (int i = 0; i < 40; ++i) {
    images.push_back(json::object{{"label", fmt::format("image-{:02}", i)}});
    if (i > 0) members.emplace_back(fmt::format("image-{:02}", i));
  }
  const json::object answer{
      {"images", images},
      {"exact", true},
      {"clusters",
       {json::object{{"id", std::string(40, '1')}, {"members", members}, {"blocks", 1}}}}};
  const auto text = render_clusters(answer, 100);
  EXPECT_TRUE(text.contains("image-01 image-02 image-03 +36\n")) << text;
  EXPECT_TRUE(text.contains(std::string(31, '1') + "…")) << text;
  EXPECT_TRUE(text.contains("--json shows whole ids"));
}

// WEFT_UPDATE_GOLDEN=1 writes the file anew, and the test is skipped then.
TEST(HeatMap, is_as_drawn_before) {
  const std::string path = WEFT_SOURCE_DIR "/tests/unit/tools/cli/data/three_images.svg";
  const auto svg = heat_map_svg(three_images());
  if (std::getenv("WEFT_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << svg;
    GTEST_SKIP() << "written: " << path;
  }
  std::ostringstream golden;
  golden << std::ifstream(path, std::ios::binary).rdbuf();
  EXPECT_EQ(svg, golden.str());
}

TEST(HeatMap, text_of_labels_cannot_end_an_element) {
  const auto svg = heat_map_svg(parse(R"({"images": [{"label": "<a&\"b\">", "bytes": 4096}]})"));
  EXPECT_FALSE(svg.contains("<a"));
  EXPECT_TRUE(svg.contains("&lt;a&amp;&quot;b&quot;&gt;"));
}

TEST(HeatMap, cells_of_many_images_are_small_and_without_text) {
  json::array images;
  for (int i = 0; i < 60; ++i)
    images.push_back(json::object{{"label", fmt::format("i{}", i)}, {"bytes", 4096}});
  const auto svg = heat_map_svg({{"images", images}});
  EXPECT_FALSE(svg.contains("class=\"c\""));
  EXPECT_TRUE(svg.contains("<title>i59 has 0.0% of i0: 0 B</title>"));
}

}  // namespace
}  // namespace weft::tools
