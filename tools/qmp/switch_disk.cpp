// SPDX-License-Identifier: Apache-2.0
#include "tools/qmp/switch_disk.h"

#include <boost/json.hpp>

#include <utility>

namespace weft::tools {
namespace {

namespace json = boost::json;

constexpr std::string_view reopen_command = "blockdev-reopen";
constexpr std::string_view no_command = "CommandNotFound";

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

Result<void> switch_node(QmpClient& qemu, const FileNode& node) {
  ReopenGuesses guesses;
  WEFT_CHECK(reopen(qemu, node, !node.direct, guesses));
  auto back = reopen(qemu, node, node.direct, guesses);
  if (back) return {};
  back.error().detail += "; node " + node.name +
                         " is left with cache.direct=" + (node.direct ? "off" : "on") +
                         ", and works";
  return back;
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
