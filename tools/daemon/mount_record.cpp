// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/mount_record.h"

#include <boost/json.hpp>

namespace weft::tools {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

std::string encode(const MountRecord& record) {
  const auto hold = std::chrono::duration_cast<std::chrono::milliseconds>(record.policy.deadline);
  return json::serialize(
      json::object{{"image", to_hex(record.image)},
                   {"name", record.name},
                   {"disk", record.disk},
                   {"kind", to_string(record.kind)},
                   {"policy", to_string(record.policy.when_missing)},
                   {"hold_ms", hold.count()},
                   {"prefetch", to_string(record.prefetch)},
                   {"qmp", json::array(record.monitors.begin(), record.monitors.end())}});
}

Result<MountRecord> decode_mount_record(std::string_view text) {
  const auto damaged = [&] {
    return fail(Errc::damaged_state, Operation::mount,
                "the record of a mount: " + std::string(text));
  };
  boost::system::error_code problem;
  const auto value = json::parse(text, problem);
  const auto* object = problem ? nullptr : value.if_object();
  if (object == nullptr) return damaged();
  const auto image = parse_hex<ImageId>(text_at(*object, "image"));
  const auto policy = fs::parse_when_missing(text_at(*object, "policy"));
  const auto* hold = object->if_contains("hold_ms");
  if (!image || !policy || hold == nullptr || !hold->is_int64() || hold->get_int64() <= 0) {
    return damaged();
  }
  MountRecord record{*image, text_at(*object, "name"), fs::TargetKind::directory, {}};
  // Earlier records do not say.
  record.prefetch = parse_prefetch(text_at(*object, "prefetch")).value_or(Prefetch::boot);
  const auto* disk = object->if_contains("disk");
  record.disk = disk != nullptr && disk->is_bool() && disk->get_bool();
  if (text_at(*object, "kind") == to_string(fs::TargetKind::file))
    record.kind = fs::TargetKind::file;
  record.policy = {*policy, std::chrono::milliseconds(hold->get_int64())};
  // Absent in records of earlier versions.
  if (const auto* monitors = object->if_contains("qmp"); monitors != nullptr) {
    if (!monitors->is_array()) return damaged();
    for (const auto& monitor : monitors->get_array()) {
      if (!monitor.is_string()) return damaged();
      record.monitors.emplace_back(monitor.get_string());
    }
  }
  return record;
}

}  // namespace weft::tools
