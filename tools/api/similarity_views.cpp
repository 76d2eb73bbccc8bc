// SPDX-License-Identifier: Apache-2.0
#include "tools/api/similarity_views.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace weft::tools {
namespace {

namespace json = boost::json;

std::uint64_t bytes_of_blocks(double blocks) {
  return static_cast<std::uint64_t>(std::llround(blocks)) * block_size;
}

// Rounded down, so that 100 means all; an estimate cannot be above it.
double percent_of(double blocks, BlockCount all) {
  if (all.value() == 0) return 0;
  const double percent = 100 * blocks / static_cast<double>(all.value());
  return std::clamp(std::floor(percent * 10 + 1e-9) / 10, 0.0, 100.0);
}

json::object image_json(const ComparedImage& image, BlockCount blocks, bool full) {
  return {{"label", image.label()},
          {"name", image.name},
          {"node", image.node},
          {"id", to_hex(image.id)},
          {"bytes", bytes_of(blocks).value()},
          {"full", full}};
}

json::array left_out_json(const std::vector<LeftOut>& left_out) {
  json::array list;
  for (const auto& [image, reason] : left_out) {
    list.push_back(
        json::object{{"label", image.label()}, {"id", to_hex(image.id)}, {"reason", reason}});
  }
  return list;
}

json::object pair_json(const Comparison& comparison, std::size_t a, std::size_t b) {
  const Overlap shared = comparison.shared(a, b);
  return {{"a", a},
          {"b", b},
          {"bytes", bytes_of_blocks(shared.blocks)},
          {"error", bytes_of_blocks(shared.standard_error)},
          {"percent_of_a", percent_of(shared.blocks, comparison.unique_blocks(a))},
          {"percent_of_b", percent_of(shared.blocks, comparison.unique_blocks(b))},
          {"exact", shared.is_exact()}};
}

json::object cluster_json(const std::vector<ComparedImage>& images, const ClusterRow& row) {
  json::array members;
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (row.membership[i] == '1') members.emplace_back(images[i].label());
  }
  json::array digests;
  for (const std::uint64_t key : row.keys)
    digests.emplace_back(fmt::format("{:016x}", key));
  return {{"id", row.membership},
          {"members", std::move(members)},
          {"blocks", static_cast<std::uint64_t>(std::llround(row.blocks.blocks))},
          {"bytes", bytes_of_blocks(row.blocks.blocks)},
          {"error", bytes_of_blocks(row.blocks.standard_error)},
          {"digests", std::move(digests)}};
}

}  // namespace

json::object similar_json(const std::vector<ComparedImage>& images, const Comparison& comparison,
                          std::optional<std::size_t> focus, const std::vector<LeftOut>& left_out) {
  json::array list;
  for (std::size_t i = 0; i < images.size(); ++i) {
    list.push_back(image_json(images[i], comparison.unique_blocks(i), comparison.is_full(i)));
  }
  json::array pairs;
  bool exact = true;
  for (std::size_t a = 0; a < images.size(); ++a) {
    for (std::size_t b = a + 1; b < images.size(); ++b) {
      if (focus && a != *focus && b != *focus) continue;
      json::object pair = pair_json(comparison, a, b);
      exact = exact && pair.at("exact").as_bool();
      if (pair.at("bytes").to_number<std::uint64_t>() > 0) pairs.push_back(std::move(pair));
    }
  }
  json::object view{{"images", std::move(list)},
                    {"pairs", std::move(pairs)},
                    {"exact", exact},
                    {"left_out", left_out_json(left_out)}};
  view["focus"] = focus ? json::value(*focus) : nullptr;
  return view;
}

json::object clusters_json(const std::vector<ComparedImage>& images, const SimilarityMatrix& matrix,
                           const std::vector<LeftOut>& left_out) {
  json::array list;
  for (std::size_t i = 0; i < images.size(); ++i) {
    list.push_back(image_json(images[i], matrix.unique_blocks[i], matrix.shift == 0));
  }
  json::array clusters;
  for (const ClusterRow& row : matrix.clusters)
    clusters.push_back(cluster_json(images, row));
  return {{"images", std::move(list)},
          {"clusters", std::move(clusters)},
          {"more", matrix.more_clusters},
          {"exact", matrix.shift == 0},
          {"left_out", left_out_json(left_out)}};
}

}  // namespace weft::tools
