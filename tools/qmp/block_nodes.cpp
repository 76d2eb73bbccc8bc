// SPDX-License-Identifier: Apache-2.0
#include "tools/qmp/block_nodes.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <span>
#include <system_error>

namespace weft::tools {
namespace {

namespace json = boost::json;

constexpr std::string_view file_driver = "file";

constexpr std::array<std::string_view, 3> aio_values{"io_uring", "native", "threads"};
constexpr std::array<std::string_view, 3> locking_values{"on", "off", "auto"};

struct Option {
  std::string_view name;
  std::span<const std::string_view> values;
};
constexpr std::array guessed_options{Option{"aio", aio_values}, Option{"locking", locking_values}};

std::string_view text_of(const json::object& object, std::string_view member) {
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

bool flag_of(const json::object& object, std::string_view member) {
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::optional<FileNode> file_node_of(const json::value& value) {
  const auto* node = value.if_object();
  if (node == nullptr || text_of(*node, "drv") != file_driver) return std::nullopt;
  FileNode found{.name = std::string(text_of(*node, "node-name")),
                 .file = std::string(text_of(*node, "file")),
                 .read_only = flag_of(*node, "ro")};
  if (const auto* cache = node->if_contains("cache"); cache != nullptr && cache->is_object()) {
    found.direct = flag_of(cache->get_object(), "direct");
    found.no_flush = flag_of(cache->get_object(), "no-flush");
  }
  if (found.name.empty() || found.file.empty()) return std::nullopt;
  return found;
}

}  // namespace

Result<std::vector<FileNode>> file_nodes_of(const json::value& nodes) {
  if (!nodes.is_array()) {
    return fail(Errc::helper_failed, Operation::decode, "QEMU's list of disks is no list");
  }
  std::vector<FileNode> found;
  for (const auto& value : nodes.get_array()) {
    if (auto node = file_node_of(value)) found.push_back(std::move(*node));
  }
  return found;
}

std::vector<FileNode> nodes_of_file(const std::vector<FileNode>& nodes,
                                    const std::filesystem::path& path) {
  std::vector<FileNode> found;
  std::ranges::copy_if(nodes, std::back_inserter(found),
                       [&](const FileNode& node) { return node.file == path.native(); });
  if (!found.empty()) return found;
  std::ranges::copy_if(nodes, std::back_inserter(found),
                       [&](const FileNode& node) { return names_file(node.file, path); });
  return found;
}

bool names_file(std::string_view qemus, const std::filesystem::path& path) {
  if (qemus == path.native()) return true;
  const std::filesystem::path other(qemus);
  if (!other.is_absolute()) return false;  // to where QEMU runs, which is not known
  std::error_code problem;
  return std::filesystem::equivalent(other, path, problem) && !problem;
}

bool ReopenGuesses::learn(std::string_view refusal) {
  for (const auto& option : guessed_options) {
    if (refusal.find("'" + std::string(option.name) + "'") == std::string_view::npos) continue;
    const auto known = std::ranges::find(guesses_, option.name, &Guess::option);
    if (known == guesses_.end()) {
      guesses_.push_back({option.name, 0});
      return true;
    }
    return ++known->value < option.values.size();
  }
  return false;
}

json::object ReopenGuesses::options(const FileNode& node, bool direct) const {
  json::object all{{"driver", file_driver},
                   {"node-name", node.name},
                   {"filename", node.file},
                   {"read-only", node.read_only},
                   {"cache", {{"direct", direct}, {"no-flush", node.no_flush}}}};
  for (const auto& guess : guesses_) {
    const auto option = std::ranges::find(guessed_options, guess.option, &Option::name);
    all[guess.option] = option->values[guess.value];
  }
  return all;
}

}  // namespace weft::tools
