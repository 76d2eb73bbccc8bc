// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/tree_compare.h"
#include "tools/api/handlers.h"
#include "tools/daemon/node.h"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace weft::tools::api {
namespace {

namespace json = boost::json;

constexpr std::uint64_t default_limit = 65'536;

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

Result<std::uint64_t> limit_of(const Call& call) {
  const auto given = call.query.find("limit");
  if (given == call.query.end()) return default_limit;
  const std::string& text = given->second;
  std::uint64_t limit = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size()) {
    return std::min(limit, default_limit);
  }
  return fail(Errc::bad_request, Operation::control,
              fmt::format("\"limit\" is a number of extents, not \"{}\"", text));
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
  WEFT_TRY(const std::uint64_t limit, limit_of(call));
  const ImageInfo& first = a.image->info();
  const ImageInfo& second = b.image->info();
  Extents extents{.limit = limit, .end = std::max(first.size, second.size)};
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
