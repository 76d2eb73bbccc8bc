// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_compare.h"
#include "tools/api/handler_support.h"
#include "tools/api/handlers.h"
#include "tools/daemon/node.h"

#include <boost/json.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace weft::tools::api {
namespace {

namespace json = boost::json;

constexpr std::uint64_t most_extents = 65'536;  // in an answer

/// An image of the comparison; remembers whether a node of its tree was asked for and not here.
struct Side {
  std::string name;
  std::shared_ptr<LocalImage> image;
  bool incomplete = false;

  [[nodiscard]] ComparedTree tree() {
    return {.shape = image->shape(),
            .root = image->info().root,
            .load = [this](TreeNode node) -> Result<NodeBytes> {
              auto bytes = image->node(node);
              incomplete |= !bytes && bytes.error().is(Errc::not_resident);
              return bytes;
            }};
  }
};

Result<Side> open_side(Node& node, const std::string& reference) {
  WEFT_TRY(const auto entry, node.store().find(reference));
  WEFT_TRY(auto image, node.store().image(entry.info.id));
  return Side{entry.name.empty() ? reference : entry.name, std::move(image)};
}

/// Counts every extent, keeps the first ones.
struct Extents {
  std::uint64_t limit;
  ByteCount end;  // of the larger image: its last block may be short
  std::uint64_t count = 0;
  ByteCount changed = {};
  json::array first = {};

  void add(BlockRange blocks) {
    const std::uint64_t offset = offset_of(blocks.first).value();
    const std::uint64_t length = std::min(bytes_of(blocks.count).value(), end.value() - offset);
    ++count;
    changed += ByteCount(length);
    if (first.size() < limit) first.push_back({{"offset", offset}, {"length", length}});
  }
};

}  // namespace

Reply diff_images(Node& node, const Call& call, const CallContext& context) {
  WEFT_TRY(Side a, open_side(node, call.path[2]));
  WEFT_TRY(Side b, open_side(node, call.path[4]));
  WEFT_TRY(const auto limit, query_number(call, "limit"));
  const ImageInfo& first = a.image->info();
  const ImageInfo& second = b.image->info();
  Extents extents{.limit = std::min(limit.value_or(most_extents), most_extents),
                  .end = std::max(first.size, second.size)};
  bool whole = true;
  WEFT_CHECK(compare_trees(a.tree(), b.tree(), [&](const Difference& difference) {
    whole = difference.certain;
    if (whole) extents.add(difference.blocks);
    return whole && !context.stop.stop_requested();
  }));
  if (!whole) {
    const std::string& name = a.incomplete ? a.name : b.name;
    return fail(Errc::not_resident, Operation::read,
                fmt::format("the tree of {} is not whole here: `weft materialize {}` brings it",
                            name, name));
  }
  if (context.stop.stop_requested()) return fail(Errc::cancelled, Operation::read);
  return json::object{{"a", to_hex(first.id)},
                      {"b", to_hex(second.id)},
                      {"size_a", first.size.value()},
                      {"size_b", second.size.value()},
                      {"changed", extents.changed.value()},
                      {"extents", extents.count},
                      {"truncated", extents.count > extents.first.size()},
                      {"list", std::move(extents.first)}};
}

}  // namespace weft::tools::api
