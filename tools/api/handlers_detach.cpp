// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/disks.h"
#include "indexer/export/detach.h"
#include "indexer/export/image_source.h"
#include "indexer/export/move_out.h"
#include "tools/api/handlers.h"
#include "tools/api/progress_feed.h"
#include "tools/config/quantity.h"
#include "tools/daemon/image_of_disk.h"
#include "tools/daemon/node.h"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace weft::tools::api {
namespace {

namespace json = boost::json;

Result<DetachOptions> options_of(const Call& call) {
  DetachOptions options;
  WEFT_TRY(options.target, required_text(call, "to"));
  WEFT_TRY(options.replace, optional_flag(call, "replace", false));
  WEFT_TRY(const auto format, optional_text(call, "format"));
  if (!format) return options;
  const auto known = parse_detach_format(*format);
  if (!known) {
    return fail(Errc::bad_request, Operation::control,
                fmt::format("\"{}\" is no format to detach to: raw or qcow2", *format));
  }
  options.format = *known;
  return options;
}

/// A file in the state directory would be taken for one of the store's.
Result<void> check_outside(const Node& node, const std::filesystem::path& target) {
  std::error_code problem;
  const auto state = std::filesystem::weakly_canonical(node.config().state, problem);
  const auto place = std::filesystem::weakly_canonical(target.parent_path(), problem);
  const auto differ = std::ranges::mismatch(state, place);
  if (differ.in1 != state.end()) return {};
  return fail(Errc::bad_request, Operation::write,
              target.string() + ": lies in the state directory; choose another place");
}

/// What is detached: an image, or what a disk held a moment ago, as an image without a name.
struct Content {
  std::string name;
  std::string source;  ///< the image that peers have, by name or id
  std::shared_ptr<LocalImage> image;
};

std::string name_of(const ImageEntry& entry) {
  return entry.name.empty() ? to_hex(entry.info.id) : entry.name;
}

Result<Content> content_of(Node& node, const std::string& reference, bool move,
                           const CallContext& context) {
  WEFT_TRY(const bool is_disk, node.store().disks()->has(reference));
  if (is_disk && move) {
    return fail(Errc::bad_request, Operation::write,
                reference + ": a disk is copied; --move is for images");
  }
  if (is_disk) {
    WEFT_TRY(const auto disk, node.store().disks()->find(reference));
    WEFT_TRY(const auto base, node.store().find(to_hex(disk.base)));
    WEFT_TRY(auto made, image_of_disk(node, reference, "", context.stop));
    return Content{reference, name_of(base), std::move(made.image)};
  }
  WEFT_TRY(const auto entry, node.store().find(reference));
  WEFT_TRY(auto image, node.store().image(entry.info.id));
  return Content{entry.name, name_of(entry), std::move(image)};
}

Result<void> check_complete(const Content& content) {
  const auto usage = content.image->usage();
  if (usage.complete) return {};
  return fail(Errc::not_resident, Operation::read,
              fmt::format("{}: {} of {} are missing: run `weft materialize {}` before, or detach "
                          "with --wait",
                          content.name.empty() ? content.source : content.name,
                          format_size(bytes_of(usage.missing)),
                          format_size(content.image->info().size), content.source));
}

Result<Detached> write_file(Node& node, Content& content, const DetachOptions& options, bool move,
                            const CallContext& context) {
  WEFT_CHECK(check_complete(content));
  ProgressFeed feed(context, steady_clock().now());
  const auto report = [&feed](ByteCount done, ByteCount total) {
    feed.update(done, total, steady_clock().now());
  };
  if (move) {
    return move_out(node.store(), std::move(content.image), posix_file_system(), options, report,
                    context.stop);
  }
  ImageSource source(content.image);
  return detach(source, content.image->info(), posix_file_system(), options, report, context.stop);
}

}  // namespace

Reply detach_image(Node& node, const Call& call, const CallContext& context) {
  WEFT_CHECK(only_members(call, {"to", "format", "replace", "move"}));
  WEFT_TRY(const DetachOptions options, options_of(call));
  WEFT_CHECK(check_outside(node, options.target));
  WEFT_TRY(const bool move, optional_flag(call, "move", false));
  WEFT_TRY(auto content, content_of(node, call.path[2], move, context));
  const ImageInfo info = content.image->info();
  const auto made = write_file(node, content, options, move, context);
  // What was made of a disk is given back.
  content.image.reset();
  node.collect_unnamed();
  if (!made) return std::unexpected(made.error());
  spdlog::info("detached name={} image={} file={} format={} hashed={} shared={}", call.path[2],
               to_hex(info.id), options.target.string(), to_string(options.format),
               made->hashed.value(), made->shared);
  return json::object{{"name", content.name},
                      {"id", to_hex(make_image_id(info.size, made->root))},
                      {"root", to_hex(made->root)},
                      {"size", info.size.value()},
                      {"hashed", made->hashed.value()},
                      {"file", options.target.string()},
                      {"format", to_string(options.format)},
                      {"shared", made->shared},
                      {"moved", made->moved}};
}

}  // namespace weft::tools::api
