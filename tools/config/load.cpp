// SPDX-License-Identifier: Apache-2.0
#include "tools/config/load.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <limits>

#include <fmt/format.h>

namespace weft::tools {
namespace {

constexpr const char* default_file = "/etc/weft/weft.toml";
constexpr std::streamsize max_file = 1 << 20;

std::unexpected<Error> bad(std::string detail) {
  return fail(Errc::bad_config, Operation::configure, std::move(detail));
}

Result<void> apply(LoadedConfig& into, const ConfigKey& key, std::string_view text,
                   std::string origin) {
  if (auto set = key.set(into.config, text); !set) {
    return bad(fmt::format("{}: {}: {}", origin, key.name, set.error().detail));
  }
  into.origins.insert_or_assign(std::string(key.name), std::move(origin));
  return {};
}

/// Text of a TOML value as a flag would give it; nullopt: a type no key has.
std::optional<std::string> text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  const auto* list = node.as_array();
  if (list == nullptr) return std::nullopt;
  std::string joined;
  for (const auto& element : *list) {
    const auto* text = element.as_string();
    if (text == nullptr) return std::nullopt;
    joined += (joined.empty() ? "" : ",") + text->get();
  }
  return joined;
}

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream)
    return bad(fmt::format("{}: cannot be read: {}", path.string(),
                           std::generic_category().message(errno)));
  std::string text(std::istreambuf_iterator<char>(stream), {});
  if (stream.bad() || text.size() > max_file) {
    return bad(fmt::format("{}: is not a configuration file (1 MiB at most)", path.string()));
  }
  return text;
}

Result<void> apply_file(LoadedConfig& into, const ConfigSources& sources) {
  std::optional<std::filesystem::path> file = sources.file;
  if (!file) {
    const char* variable = sources.environment ? sources.environment("WEFT_CONFIG") : nullptr;
    if (variable != nullptr) file = variable;
  }
  std::error_code absent;
  if (!file && std::filesystem::exists(default_file, absent)) file = default_file;
  if (!file) return {};
  WEFT_TRY(const auto text, read_file(*file));
  return apply_toml(into, text, file->string());
}

}  // namespace

Result<void> apply_toml(LoadedConfig& into, std::string_view document, std::string_view file) {
  toml::table table;
  try {
    table = toml::parse(document, file);
  } catch (const toml::parse_error& problem) {
    return bad(fmt::format("{}:{}: {}", file, problem.source().begin.line, problem.description()));
  }
  for (const auto& [name, node] : table) {
    auto origin = fmt::format("{}:{}", file, node.source().begin.line);
    const auto* key = find_config_key(name.str());
    if (key == nullptr) return bad(fmt::format("{}: unknown key \"{}\"", origin, name.str()));
    const auto text = text_of(node);
    if (!text) return bad(fmt::format("{}: {}: expected {}", origin, key->name, key->value));
    WEFT_CHECK(apply(into, *key, *text, std::move(origin)));
  }
  return {};
}

Result<LoadedConfig> load_config(const ConfigSources& sources) {
  LoadedConfig loaded;
  WEFT_CHECK(apply_file(loaded, sources));
  for (const auto& key : config_keys()) {
    const auto variable = variable_of(key);
    const char* text = sources.environment ? sources.environment(variable.c_str()) : nullptr;
    if (text != nullptr) WEFT_CHECK(apply(loaded, key, text, variable));
    const auto flag = sources.flags.find(key.name);
    if (flag != sources.flags.end()) WEFT_CHECK(apply(loaded, key, flag->second, flag_of(key)));
  }
  WEFT_CHECK(validate(loaded.config));
  return loaded;
}

}  // namespace weft::tools
