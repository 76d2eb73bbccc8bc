// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/e2e/e2e_fixture.h"

#include <fstream>
#include <span>
#include <sstream>

namespace weft::testing {
namespace {

namespace json = boost::json;

// Images put together from pieces of content that repeats nowhere else, so that what they share is
// known: base = A B, web = A B C, other = B D, alone = E; A has 300 blocks, the others 100 each.
class Similar : public E2eTest {
 protected:
  Finished weft(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--state", (directory_ / "state").string()});
    return run_weft(std::move(arguments));
  }
  json::value query(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    const auto finished = weft(std::move(arguments));
    expect_ok(finished);
    return json::parse(finished.out);
  }
  void import(const std::string& name, std::string_view pieces) {
    std::vector<std::byte> content;
    for (const char piece : pieces) {
      const auto blocks = test::random_blocks(BlockCount(piece == 'A' ? 300 : 100),
                                              static_cast<std::uint64_t>(piece));
      content.insert(content.end(), blocks.begin(), blocks.end());
    }
    const auto file = directory_ / (name + ".raw");
    test::write_file(file, content);
    expect_ok(weft({"import", file.string(), "--name", name}));
  }
  void import_all() {
    import("base", "AB");
    import("web", "ABC");
    import("other", "BD");
    import("alone", "E");
  }
  static std::uint64_t shared(const json::value& answer, std::string_view a, std::string_view b) {
    const auto label = [&](const json::value& index) {
      return std::string_view(
          answer.at("images").at(index.to_number<std::size_t>()).at("label").as_string());
    };
    for (const auto& pair : answer.at("pairs").as_array()) {
      const auto first = label(pair.at("a"));
      const auto second = label(pair.at("b"));
      if ((first == a && second == b) || (first == b && second == a)) {
        return pair.at("bytes").to_number<std::uint64_t>();
      }
    }
    return 0;
  }
};

TEST_F(Similar, every_pair_shares_exactly_what_it_was_made_of) {
  import_all();
  const auto answer = query({"similar"});
  EXPECT_EQ(answer.at("images").as_array().size(), 4u);
  EXPECT_EQ(answer.at("exact"), true);
  EXPECT_EQ(answer.at("pairs").as_array().size(), 3u);
  EXPECT_EQ(shared(answer, "base", "web"), 400u * 4096);
  EXPECT_EQ(shared(answer, "base", "other"), 100u * 4096);
  EXPECT_EQ(shared(answer, "web", "other"), 100u * 4096);
  EXPECT_EQ(shared(answer, "alone", "web"), 0u);

  const auto table = weft({"similar"});
  expect_ok(table);
  EXPECT_TRUE(table.out.contains("base")) << table.out;
  EXPECT_TRUE(table.out.contains("Shared data")) << table.out;
}

TEST_F(Similar, one_image_is_compared_with_all_and_several_with_each_other) {
  import_all();
  const auto one = query({"similar", "web"});
  EXPECT_EQ(one.at("images").as_array().size(), 4u);
  EXPECT_EQ(one.at("focus"), 0);
  EXPECT_EQ(one.at("pairs").as_array().size(), 2u) << "not that of base and other";
  const auto two = query({"similar", "base", "web"});
  EXPECT_EQ(two.at("images").as_array().size(), 2u);
  EXPECT_EQ(shared(two, "base", "web"), 400u * 4096);
}

TEST_F(Similar, clusters_are_the_pieces_by_the_images_they_are_in) {
  import_all();
  const auto answer = query({"clusters"});
  std::vector<std::string> rows;
  for (const auto& cluster : answer.at("clusters").as_array()) {
    rows.push_back(json::serialize(cluster.at("members")) + " " +
                   json::serialize(cluster.at("blocks")));
  }
  // A, then B, C, D and E by their bits: alone, base, other, web.
  EXPECT_EQ(rows, (std::vector<std::string>{R"(["base","web"] 300)", R"(["alone"] 100)",
                                            R"(["base","other","web"] 100)", R"(["other"] 100)",
                                            R"(["web"] 100)"}));
  EXPECT_EQ(answer.at("clusters").at(0).at("id"), "0101");
  EXPECT_EQ(query({"clusters", "--limit", "2"}).at("more"), 3);
  const auto table = weft({"clusters", "base", "web"});
  expect_ok(table);
  EXPECT_TRUE(table.out.contains("all")) << table.out;
}

TEST_F(Similar, follows_images_as_they_come_and_go) {
  import_all();
  expect_ok(weft({"rm", "web"}));
  EXPECT_EQ(query({"similar"}).at("pairs").as_array().size(), 1u);
  import("more", "AE");
  const auto answer = query({"similar"});
  EXPECT_EQ(shared(answer, "more", "base"), 300u * 4096);
  EXPECT_EQ(shared(answer, "more", "alone"), 100u * 4096);
}

TEST_F(Similar, heat_map_is_a_file_that_stands_alone) {
  import_all();
  const auto picture = directory_ / "images.svg";
  expect_ok(weft({"similar", "--svg", picture.string()}));
  std::ostringstream svg;
  svg << std::ifstream(picture).rdbuf();
  EXPECT_TRUE(svg.str().starts_with("<svg xmlns=")) << svg.str();
  EXPECT_TRUE(svg.str().ends_with("</svg>\n"));
  EXPECT_TRUE(svg.str().contains("web has 100.0% of base: 1.6 MiB")) << svg.str();
  EXPECT_FALSE(svg.str().contains("href"));
}

TEST_F(Similar, no_images_are_a_line_and_unknown_ones_an_exit_code) {
  const auto none = weft({"similar"});
  expect_ok(none);
  EXPECT_TRUE(none.out.starts_with("no images to compare"));
  EXPECT_TRUE(weft({"clusters"}).out.starts_with("no images"));
  EXPECT_EQ(query({"similar"}).at("images").as_array().size(), 0u);
  for (const char* verb : {"similar", "clusters"}) {
    expect_trouble(weft({verb, "nope"}), ExitCode::not_found, "unknown image");
  }
  expect_trouble(weft({"clusters", "--limit", "many"}), ExitCode::usage, "\"limit\" is a number");
  expect_trouble(weft({"similar", "--svg", (directory_ / "no" / "x.svg").string()}),
                 ExitCode::not_found, "x.svg");
}

}  // namespace
}  // namespace weft::testing
