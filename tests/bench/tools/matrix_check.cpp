// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/tools/matrix_check.h"

#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>

namespace weft::bench {
namespace {

namespace json = boost::json;

constexpr std::uint64_t block_bytes = 4096;

using Members = std::set<std::string>;  // names of images

std::map<Members, std::uint64_t> clusters_in(const std::vector<NamedContent>& images) {
  std::map<Digest, std::vector<std::size_t>> found;
  for (std::size_t i = 0; i < images.size(); ++i) {
    for (const Digest& digest : images[i].content->unique)
      found[digest].push_back(i);
  }
  std::map<std::vector<std::size_t>, std::uint64_t> blocks;
  for (const auto& [digest, members] : found)
    ++blocks[members];
  std::map<Members, std::uint64_t> clusters;
  for (const auto& [members, count] : blocks) {
    Members names;
    for (const std::size_t i : members)
      names.insert(images[i].name);
    clusters[names] = count * block_bytes;
  }
  return clusters;
}

std::map<Members, std::uint64_t> clusters_of(const testing::WeftNode& node) {
  std::map<Members, std::uint64_t> clusters;
  const json::value answer = node.query({"clusters", "--limit", "10000"});
  if (!answer.at("exact").as_bool()) throw std::runtime_error("the clusters are estimates");
  for (const json::value& cluster : answer.at("clusters").as_array()) {
    Members names;
    for (const json::value& member : cluster.at("members").as_array())
      names.insert(json::value_to<std::string>(member));
    clusters[names] = cluster.at("bytes").to_number<std::uint64_t>();
  }
  return clusters;
}

std::map<Members, std::uint64_t> pairs_of(const testing::WeftNode& node) {
  std::map<Members, std::uint64_t> pairs;
  const json::value answer = node.query({"similar"});
  const json::array& images = answer.at("images").as_array();
  const auto name = [&](const json::value& index) {
    return json::value_to<std::string>(images.at(index.to_number<std::size_t>()).at("name"));
  };
  for (const json::value& pair : answer.at("pairs").as_array())
    pairs[{name(pair.at("a")), name(pair.at("b"))}] = pair.at("bytes").to_number<std::uint64_t>();
  return pairs;
}

std::map<Members, std::uint64_t> pairs_in(const std::vector<NamedContent>& images) {
  std::map<Members, std::uint64_t> pairs;
  for (std::size_t a = 0; a < images.size(); ++a) {
    for (std::size_t b = a + 1; b < images.size(); ++b) {
      const std::uint64_t shared = testing::shared_blocks(*images[a].content, *images[b].content);
      if (shared > 0) pairs[{images[a].name, images[b].name}] = shared * block_bytes;
    }
  }
  return pairs;
}

/// Keys that are in one map only, or have another value.
std::size_t differences(const std::map<Members, std::uint64_t>& a,
                        const std::map<Members, std::uint64_t>& b) {
  const auto differs = [](const auto& other) {
    return [&other](const auto& entry) {
      const auto found = other.find(entry.first);
      return found == other.end() || found->second != entry.second;
    };
  };
  const auto only_b = [&](const auto& entry) { return !a.contains(entry.first); };
  return static_cast<std::size_t>(std::ranges::count_if(a, differs(b)) +
                                  std::ranges::count_if(b, only_b));
}

}  // namespace

MatrixCheck check_matrix(const testing::WeftNode& node, const std::vector<NamedContent>& images) {
  const auto clusters = clusters_in(images);
  const auto pairs = pairs_in(images);
  return {.pairs = pairs.size(),
          .clusters = clusters.size(),
          .wrong_pairs = differences(pairs, pairs_of(node)),
          .wrong_clusters = differences(clusters, clusters_of(node))};
}

}  // namespace weft::bench
