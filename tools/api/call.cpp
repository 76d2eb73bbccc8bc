// SPDX-License-Identifier: Apache-2.0
#include "tools/api/call.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace weft::tools {
namespace {

constexpr std::size_t max_target = 8192;

std::unexpected<Error> bad(std::string detail) {
  return fail(Errc::bad_request, Operation::control, std::move(detail));
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::string encode(std::string_view text) {
  constexpr std::string_view plain = "-._~:";
  std::string encoded;
  for (const char c : text) {
    const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      plain.contains(c);
    if (safe) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

Result<void> parse_query(Call& call, std::string_view query) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    auto key = decode(pair.substr(0, equals));
    auto value = decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
    if (!key || !value || key->empty()) return bad("the query of the target is malformed");
    call.query.insert_or_assign(std::move(*key), std::move(*value));
  }
  return {};
}

}  // namespace

Result<Call> parse_target(std::string method, std::string_view target) {
  if (!target.starts_with('/') || target.size() > max_target) {
    return bad("the request target must start with / and have at most 8192 characters");
  }
  Call call;
  call.method = std::move(method);
  const auto question = target.find('?');
  auto path = target.substr(1, question == std::string_view::npos ? question : question - 1);
  while (!path.empty()) {
    const auto segment = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), segment.size() + 1));
    auto decoded = decode(segment);
    if (!decoded || decoded->empty()) return bad("the path of the target is malformed");
    call.path.push_back(std::move(*decoded));
  }
  if (question != std::string_view::npos)
    WEFT_CHECK(parse_query(call, target.substr(question + 1)));
  return call;
}

std::string target_of(const Call& call) {
  std::string target;
  for (const auto& segment : call.path)
    target += "/" + encode(segment);
  char separator = '?';
  for (const auto& [key, value] : call.query) {
    target += fmt::format("{}{}={}", std::exchange(separator, '&'), encode(key), encode(value));
  }
  return target;
}

Result<std::optional<std::string>> optional_text(const Call& call, std::string_view member) {
  const auto* value = call.body.if_contains(member);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_string()) return bad(fmt::format("\"{}\" must be a string", member));
  std::string text(value->get_string());
  if (text.contains('\0')) return bad(fmt::format("\"{}\" contains a NUL character", member));
  return text;
}

Result<std::string> required_text(const Call& call, std::string_view member) {
  WEFT_TRY(auto text, optional_text(call, member));
  if (!text || text->empty()) return bad(fmt::format("\"{}\" is required", member));
  return std::move(*text);
}

Result<bool> optional_flag(const Call& call, std::string_view member, bool otherwise) {
  const auto* value = call.body.if_contains(member);
  if (value == nullptr) return otherwise;
  if (!value->is_bool()) return bad(fmt::format("\"{}\" must be true or false", member));
  return value->get_bool();
}

Result<std::vector<std::string>> optional_texts(const Call& call, std::string_view member) {
  std::vector<std::string> texts;
  const auto* value = call.body.if_contains(member);
  if (value == nullptr) return texts;
  const auto* list = value->if_array();
  if (list == nullptr) return bad(fmt::format("\"{}\" must be a list of strings", member));
  for (const auto& element : *list) {
    if (!element.is_string()) return bad(fmt::format("\"{}\" must be a list of strings", member));
    texts.emplace_back(element.get_string());
  }
  return texts;
}

Result<void> only_members(const Call& call, std::initializer_list<std::string_view> members) {
  for (const auto& [name, value] : call.body) {
    const std::string_view key(name);
    if (std::ranges::find(members, key) == members.end()) {
      return bad(fmt::format("unknown member \"{}\"", key));
    }
  }
  return {};
}

}  // namespace weft::tools
