// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/updater.h"
#include "tools/api/handlers.h"
#include "tools/api/import_members.h"
#include "tools/api/progress_feed.h"
#include "tools/api/views.h"
#include "tools/daemon/node.h"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

namespace weft::tools::api {

Reply update_image(Node& node, const Call& call, const CallContext& context) {
  WEFT_CHECK(only_members(call, {"file", "mode", "format", "allow_backing"}));
  UpdateOptions options;
  options.name = call.path[2];
  WEFT_TRY(auto file, optional_text(call, "file"));
  if (file) options.path = std::move(*file);
  WEFT_TRY(auto how, import_members_of(call));
  options.mode = how.mode;
  options.format = how.format;
  options.allow_backing = std::move(how.allow_backing);
  if (!options.path.empty() && !options.path.is_absolute()) {
    return fail(Errc::bad_request, Operation::import, "\"file\" must be an absolute path");
  }
  ProgressFeed feed(context, steady_clock().now());
  const auto report = [&feed](const ImportProgress& p) {
    feed.update(p.done, p.total, steady_clock().now());
  };
  WEFT_TRY(const auto update, import_update(node.store(), posix_file_system(), node.workers(),
                                            std::move(options), report, context.stop));
  spdlog::info("image updated name={} image={} before={} changed_blocks={} read={} hashed={}",
               call.path[2], to_hex(update.info.id), to_hex(update.old_id),
               update.changed_blocks.value(), update.data.value(), update.hashed.value());
  WEFT_TRY(const auto entry, node.store().find(call.path[2]));
  auto view = to_json(entry);
  view["update"] = to_json(update);
  return view;
}

}  // namespace weft::tools::api
