// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/job_record.h"

#include "tools/api/goal.h"

#include <boost/json.hpp>

#include <cmath>
#include <optional>

namespace weft::tools {
namespace {

namespace json = boost::json;

/// 0 if it is absent; nullopt: not a number that an amount can be.
std::optional<double> amount_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return 0;
  const double amount = value->is_number() ? value->to_number<double>() : -1;
  return std::isfinite(amount) && amount >= 0 ? std::optional(amount) : std::nullopt;
}

/// False if it is absent; nullopt: neither true nor false.
std::optional<bool> flag_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return false;
  return value->is_bool() ? std::optional(value->get_bool()) : std::nullopt;
}

}  // namespace

std::string encode(const JobRecord& record) {
  json::object object = to_json(record.goal);
  object["name"] = record.name;
  object["bytes_per_second"] = record.bytes_per_second;
  object["spent"] = record.spent;
  object["paused"] = record.paused;
  object["in_image_order"] = record.in_image_order;
  return json::serialize(object);
}

Result<JobRecord> decode_job_record(std::string_view text) {
  const auto damaged = [&](const std::string& why) {
    return fail(Errc::damaged_state, Operation::materialize,
                "the record of a job: " + why + ": " + std::string(text));
  };
  boost::system::error_code problem;
  const auto value = json::parse(text, problem);
  const auto* object = problem ? nullptr : value.if_object();
  if (object == nullptr) return damaged("not an object");
  const auto* name = object->if_contains("name");
  const auto rate = amount_at(*object, "bytes_per_second");
  const auto spent = amount_at(*object, "spent");
  if (name == nullptr || !name->is_string()) return damaged("no name");
  if (!rate || !spent) return damaged("a number is out of range");
  const auto paused = flag_at(*object, "paused");
  const auto in_image_order = flag_at(*object, "in_image_order");
  if (!paused || !in_image_order) return damaged("a flag is neither true nor false");
  const auto goal = goal_in_body(*object);
  if (!goal) return damaged(goal.error().detail);
  return JobRecord{std::string(name->get_string()),
                   *rate,
                   goal->value_or(fetcher::plan::Goal::fastest()),
                   *spent,
                   *paused,
                   *in_image_order};
}

}  // namespace weft::tools
