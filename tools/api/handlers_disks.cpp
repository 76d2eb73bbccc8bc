// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/disks.h"
#include "tools/api/handler_support.h"
#include "tools/api/handlers.h"
#include "tools/daemon/image_lookup.h"
#include "tools/daemon/image_of_disk.h"
#include "tools/daemon/node.h"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

namespace weft::tools::api {
namespace {

namespace json = boost::json;

json::object to_json(Node& node, const DiskEntry& disk) {
  json::object view{{"name", disk.name},         {"image", to_hex(disk.base)},
                    {"size", disk.size.value()}, {"created", disk.created},
                    {"in_use", disk.in_use},     {"damaged", !disk.usage}};
  if (const auto base = node.store().find(to_hex(disk.base))) view["image_name"] = base->name;
  if (disk.usage) {
    view["written"] = bytes_of(disk.usage->written).value();
    view["physical"] = disk.usage->physical.value();
  }
  return view;
}

}  // namespace

Reply list_disks(Node& node, const Call&, const CallContext&) {
  WEFT_TRY(const auto entries, node.store().disks()->list());
  json::array disks;
  for (const auto& entry : entries)
    disks.push_back(to_json(node, entry));
  return json::object{{"disks", std::move(disks)}};
}

Reply get_disk(Node& node, const Call& call, const CallContext&) {
  WEFT_TRY(const auto entry, node.store().disks()->find(call.path[2]));
  return to_json(node, entry);
}

Reply create_disk(Node& node, const Call& call, const CallContext&) {
  WEFT_CHECK(only_members(call, {"name", "image", "peers"}));
  WEFT_TRY(const auto name, required_text(call, "name"));
  WEFT_TRY(const auto reference, required_text(call, "image"));
  WEFT_CHECK(add_peers_of(node, call));
  WEFT_TRY(const auto found, find_or_adopt(node, reference));
  WEFT_CHECK(node.store().disks()->create(name, found.image->info().id));
  spdlog::info("disk created name={} image={}", name, to_hex(found.image->info().id));
  WEFT_TRY(const auto entry, node.store().disks()->find(name));
  return to_json(node, entry);
}

Reply commit_disk(Node& node, const Call& call, const CallContext& context) {
  WEFT_CHECK(only_members(call, {"image"}));
  WEFT_TRY(const auto name, required_text(call, "image"));
  WEFT_TRY(const auto result, image_of_disk(node, call.path[2], name, context.stop));
  return json::object{{"name", name},
                      {"id", to_hex(result.info.id)},
                      {"size", result.info.size.value()},
                      {"written", bytes_of(result.written).value()}};
}

Reply remove_disk(Node& node, const Call& call, const CallContext&) {
  WEFT_TRY(const auto freed, node.store().disks()->remove(call.path[2]));
  spdlog::info("disk removed name={} freed={}", call.path[2], freed.value());
  return json::object{{"freed", freed.value()}};
}

}  // namespace weft::tools::api
