// SPDX-License-Identifier: Apache-2.0
#include "tools/api/error_json.h"

#include "tools/api/trouble.h"

#include <boost/json/value.hpp>

#include <string>

namespace weft::tools {
namespace {

namespace json = boost::json;

constexpr int last_operation = static_cast<int>(Operation::control);

Operation operation_of(std::string_view name) {
  for (int i = 0; i <= last_operation; ++i) {
    if (to_string(static_cast<Operation>(i)) == name) return static_cast<Operation>(i);
  }
  return Operation::control;
}

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string());
}

}  // namespace

json::object to_json(const Error& error) {
  const auto trouble = classify(error);
  json::object body{{"code", trouble.name},
                    {"message", error.message()},
                    {"hint", trouble.hint},
                    {"operation", to_string(error.operation)},
                    {"detail", error.detail}};
  const bool is_errno = error.code.category() == std::generic_category() ||
                        error.code.category() == std::system_category();
  if (is_errno) body["errno"] = error.code.value();
  return {{"error", std::move(body)}};
}

Error error_from_json(const json::object& document) {
  const auto* member = document.if_contains("error");
  if (member == nullptr || !member->is_object()) {
    return {Errc::bad_request, Operation::control, "the node's answer cannot be understood"};
  }
  const auto& body = member->get_object();
  Error error{Errc::bad_request, operation_of(text_at(body, "operation")), text_at(body, "detail")};
  const auto* number = body.if_contains("errno");
  if (number != nullptr && number->is_int64() && number->get_int64() > 0 &&
      number->get_int64() < 4096) {
    error.code = {static_cast<int>(number->get_int64()), std::generic_category()};
  } else if (const auto errc = errc_of_name(text_at(body, "code"))) {
    error.code = *errc;
  } else if (error.detail.empty()) {
    error.detail = text_at(body, "message");
  }
  return error;
}

}  // namespace weft::tools
