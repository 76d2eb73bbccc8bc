// SPDX-License-Identifier: Apache-2.0
#include "tools/api/handlers.h"
#include "tools/api/import_members.h"
#include "tools/api/progress_feed.h"
#include "tools/api/views.h"
#include "tools/daemon/node.h"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <fmt/format.h>

namespace weft::tools::api {

namespace json = boost::json;

Reply list_images(Node& node, const Call&, const CallContext&) {
  WEFT_TRY(const auto entries, node.store().list());
  json::array images;
  for (const auto& entry : entries)
    images.push_back(to_json(entry));
  return json::object{{"images", std::move(images)}};
}

Reply get_image(Node& node, const Call& call, const CallContext&) {
  WEFT_TRY(const auto entry, node.store().find(call.path[2]));
  return to_json(entry);
}

Reply import_image(Node& node, const Call& call, const CallContext& context) {
  WEFT_CHECK(only_members(call, {"file", "name", "mode", "format", "allow_backing"}));
  ImportOptions options;
  WEFT_TRY(options.path, required_text(call, "file"));
  WEFT_TRY(auto how, import_members_of(call));
  options.mode = how.mode;
  options.format = how.format;
  options.allow_backing = std::move(how.allow_backing);
  WEFT_TRY(auto name, optional_text(call, "name"));
  options.name = name ? std::move(*name) : options.path.stem().string();
  if (!options.path.is_absolute()) {
    return fail(Errc::bad_request, Operation::import, "\"file\" must be an absolute path");
  }
  ProgressFeed feed(context, steady_clock().now());
  const auto report = [&feed](const ImportProgress& p) {
    feed.update(p.done, p.total, steady_clock().now());
  };
  const auto file = options.path.string();
  WEFT_TRY(const auto imported, import_file(node.store(), posix_file_system(), node.workers(),
                                            std::move(options), report, context.stop));
  spdlog::info("image imported image={} bytes={} data={} file={}", to_hex(imported.info.id),
               imported.info.size.value(), imported.data.value(), file);
  WEFT_TRY(const auto entry, node.store().find(to_hex(imported.info.id)));
  return to_json(entry);
}

Reply remove_image(Node& node, const Call& call, const CallContext&) {
  WEFT_TRY(const auto report, node.store().remove(call.path[2]));
  spdlog::info("image removed ref={} freed={}", call.path[2], report.freed.value());
  if (report.unfinished) {
    spdlog::warn(
        "image removed, but not all it took ref={} error={}; the rest goes at the next start",
        call.path[2], report.unfinished->message());
  }
  return to_json(report);
}

}  // namespace weft::tools::api
