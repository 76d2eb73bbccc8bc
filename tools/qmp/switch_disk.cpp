// SPDX-License-Identifier: Apache-2.0
#include "tools/qmp/switch_disk.h"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace weft::tools {
namespace {

namespace json = boost::json;

constexpr std::string_view reopen_command = "blockdev-reopen";
constexpr std::string_view no_command = "CommandNotFound";
/// For the second of the two commands, and for the first after a stop.
constexpr Duration to_end = std::chrono::seconds(5);

Result<void> reopen(QmpClient& qemu, const FileNode& node, bool direct, ReopenGuesses& guesses) {
  for (;;) {
    json::object arguments{{"options", json::array{guesses.options(node, direct)}}};
    WEFT_TRY(const QmpAnswer answer, qemu.call(reopen_command, std::move(arguments)));
    if (!answer.refused()) return {};
    if (answer.error_class == no_command) {
      return fail(Errc::unsupported, Operation::control,
                  "this QEMU has no blockdev-reopen: it needs QEMU 6.1 or newer");
    }
    if (guesses.learn(answer.refusal)) continue;
    return fail(Errc::helper_failed, Operation::control,
                "QEMU does not open " + node.name + " again: " + answer.refusal);
  }
}

/// How the disk is left when the other mode is the last that QEMU took.
std::unexpected<Error> left(const FileNode& node, std::string_view how, Error why) {
  why.detail += (why.detail.empty() ? "node " : "; node ") + node.name + std::string(how) +
                "cache.direct=" + (node.direct ? "off" : "on") + ", and works";
  spdlog::error("disk left in another cache mode node={} reason=\"{}\"", node.name, why.message());
  return std::unexpected(std::move(why));
}

/// A stop does not leave it halfway: what has begun is ended, within a bound of its own.
Result<void> switch_node(QmpClient& qemu, const FileNode& node) {
  const QmpClient::Patience usual = qemu.patience();
  if (usual.stop.stop_requested()) return fail(Errc::cancelled, Operation::control);
  ReopenGuesses guesses;
  qemu.set_patience({usual.deadline, usual.stop, to_end});
  const auto there = reopen(qemu, node, !node.direct, guesses);
  if (!there) {
    const bool may_have =
        there.error().is(Errc::cancelled) || there.error().is(Errc::deadline_passed);
    if (may_have) return left(node, " may be left with ", there.error());
    return there;
  }
  qemu.set_patience({steady_clock().now() + to_end, {}});
  const auto back = reopen(qemu, node, node.direct, guesses);
  if (!back) return left(node, " is left with ", back.error());
  qemu.set_patience(usual);
  return {};
}

}  // namespace

Result<std::vector<FileNode>> switch_disk(QmpClient& qemu, const std::filesystem::path& file) {
  WEFT_TRY(const QmpAnswer listed,
           qemu.call("query-named-block-nodes", json::object{{"flat", true}}));
  if (listed.refused()) {
    return fail(Errc::helper_failed, Operation::control,
                "QEMU does not list its disks: " + listed.refusal);
  }
  WEFT_TRY(const auto nodes, file_nodes_of(listed.value));
  auto own = nodes_of_file(nodes, file);
  for (const FileNode& node : own)
    WEFT_CHECK(switch_node(qemu, node));
  if (!own.empty()) return own;
  std::string others;
  for (const FileNode& node : nodes)
    others += (others.empty() ? "" : ", ") + node.file;
  return fail(Errc::bad_request, Operation::control,
              "this QEMU has no disk " + file.string() + "; it has opened " +
                  (others.empty() ? "no file by name" : others));
}

}  // namespace weft::tools
