// SPDX-License-Identifier: Apache-2.0
#include "tools/api/placement_view.h"

#include "indexer/core/clock.h"

#include <boost/json.hpp>

#include <chrono>

namespace weft::tools {
namespace {

namespace json = boost::json;

json::object node_json(const fetcher::Placement& placement) {
  const fetcher::NodeView& node = placement.node;
  json::object view{{"name", node.name},
                    {"address", node.is_here() ? json::value(nullptr) : json::value(node.address)},
                    {"here", node.is_here()},
                    {"connected", node.is_here() || node.connected},
                    {"holds", nullptr},
                    {"standard_error", nullptr},
                    {"exact", nullptr},
                    {"needs", nullptr},
                    {"time", nullptr},
                    {"price", nullptr}};
  if (node.share) {
    view["holds"] = node.share->bytes.value();
    view["standard_error"] = node.share->standard_error.value();
    view["exact"] = node.share->exact;
  }
  if (placement.needs) view["needs"] = placement.needs->value();
  if (placement.time) view["time"] = to_seconds(*placement.time);
  if (placement.price) view["price"] = *placement.price;
  json::array sources;
  for (const auto& source : placement.sources)
    sources.push_back(source.empty() ? json::value(nullptr) : json::value(source));
  view["sources"] = std::move(sources);
  view["note"] = placement.note;
  return view;
}

}  // namespace

json::object to_json(const WantedImage& image, ByteCount content,
                     const std::vector<fetcher::Placement>& placements) {
  json::array nodes;
  for (const auto& placement : placements)
    nodes.push_back(node_json(placement));
  return {{"image", to_hex(image.info.id)},
          {"name", image.name},
          {"size", image.info.size.value()},
          {"content", content.value()},
          {"nodes", std::move(nodes)}};
}

}  // namespace weft::tools
