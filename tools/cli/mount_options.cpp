// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/mount_options.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace weft::tools {
namespace {

constexpr std::array ignored{
    std::string_view("ro"),      std::string_view("defaults"), std::string_view("auto"),
    std::string_view("noauto"),  std::string_view("nofail"),   std::string_view("_netdev"),
    std::string_view("nosuid"),  std::string_view("nodev"),    std::string_view("noexec"),
    std::string_view("noatime"), std::string_view("nouser"),   std::string_view("allow_other")};

Result<void> apply(MountFlags& flags, std::string_view option) {
  const auto equals = option.find('=');
  const auto key = option.substr(0, equals);
  const std::string value(equals == std::string_view::npos ? "" : option.substr(equals + 1));
  const bool bare = equals == std::string_view::npos;
  if (key == "peer" && !value.empty()) {
    flags.peers.push_back(value);
  } else if (key == "qmp" && !value.empty()) {
    flags.qmp.push_back(value);
  } else if (key == "policy" && !value.empty()) {
    flags.policy = value;
  } else if (key == "hold" && !value.empty()) {
    flags.hold = value;
  } else if (key == "prefetch" && !value.empty()) {
    flags.prefetch = value;
  } else if (key == "materialize" && bare) {
    flags.materialize = true;
  } else if (key == "create" && bare) {
    flags.create = true;
  } else if (std::ranges::find(ignored, option) == ignored.end() && !key.starts_with("x-") &&
             !key.starts_with("comment")) {
    return fail(Errc::bad_request, Operation::mount,
                fmt::format("-o {}: not an option of weft (images are read-only)", option));
  }
  return {};
}

}  // namespace

Result<void> apply_mount_options(MountFlags& flags, std::string_view list) {
  while (!list.empty()) {
    const auto option = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), option.size() + 1));
    if (!option.empty()) WEFT_CHECK(apply(flags, option));
  }
  return {};
}

}  // namespace weft::tools
