// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/detach.h"
#include "indexer/export/image_source.h"
#include "tools/api/handlers.h"
#include "tools/api/progress_feed.h"
#include "tools/config/quantity.h"
#include "tools/daemon/node.h"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <system_error>

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

Result<void> check_complete(const ImageEntry& entry, const ImageUsage& usage) {
  if (usage.complete) return {};
  const std::string name = entry.name.empty() ? to_hex(entry.info.id) : entry.name;
  return fail(
      Errc::not_resident, Operation::read,
      fmt::format("{}: {} of {} are missing: run `weft materialize {}` before, or detach "
                  "with --wait",
                  name, format_size(bytes_of(usage.missing)), format_size(entry.info.size), name));
}

}  // namespace

Reply detach_image(Node& node, const Call& call, const CallContext& context) {
  WEFT_CHECK(only_members(call, {"to", "format", "replace"}));
  WEFT_TRY(const DetachOptions options, options_of(call));
  WEFT_CHECK(check_outside(node, options.target));
  WEFT_TRY(const auto entry, node.store().find(call.path[2]));
  WEFT_TRY(const auto image, node.store().image(entry.info.id));
  WEFT_CHECK(check_complete(entry, image->usage()));
  ProgressFeed feed(context, steady_clock().now());
  const auto report = [&feed](ByteCount done, ByteCount total) {
    feed.update(done, total, steady_clock().now());
  };
  ImageSource content(image);
  WEFT_TRY(const Detached made,
           detach(content, entry.info, posix_file_system(), options, report, context.stop));
  spdlog::info("image detached image={} file={} format={} hashed={} shared={}",
               to_hex(entry.info.id), options.target.string(), to_string(options.format),
               made.hashed.value(), made.shared);
  return json::object{{"name", entry.name},
                      {"id", to_hex(make_image_id(entry.info.size, made.root))},
                      {"root", to_hex(made.root)},
                      {"size", entry.info.size.value()},
                      {"hashed", made.hashed.value()},
                      {"file", options.target.string()},
                      {"format", to_string(options.format)},
                      {"shared", made.shared}};
}

}  // namespace weft::tools::api
