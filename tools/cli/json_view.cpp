// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"

#include <boost/json/value.hpp>

#include <cmath>

namespace weft::tools {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view member) {
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

double number_of(const json::object& object, std::string_view member) {
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

std::uint64_t count_of(const json::object& object, std::string_view member) {
  const auto* value = object.if_contains(member);
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() > 0) {
    return static_cast<std::uint64_t>(value->get_int64());
  }
  return 0;
}

bool flag_of(const json::object& object, std::string_view member) {
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_bool() && value->get_bool();
}

ByteCount bytes_at(const json::object& object, std::string_view member) {
  return ByteCount(count_of(object, member));
}

std::optional<Duration> duration_of(const json::object& object, std::string_view member) {
  const auto* value = object.if_contains(member);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const double seconds = value->to_number<double>();
  if (!(seconds >= 0) || seconds > 1e9) return std::nullopt;
  return from_seconds(seconds);
}

const json::object& object_of(const json::object& object, std::string_view member) {
  static const json::object nothing;
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_object() ? value->get_object() : nothing;
}

const json::array& list_of(const json::object& object, std::string_view member) {
  static const json::array nothing;
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_array() ? value->get_array() : nothing;
}

}  // namespace weft::tools
