// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/description.h"

#include "indexer/store/store.h"

#include <boost/json.hpp>

#include <chrono>

namespace weft::fs {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

std::unexpected<Error> damaged(std::string what) {
  return fail(Errc::damaged_state, Operation::decode, "mount description: " + std::move(what));
}

Result<std::string_view> text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return damaged("no " + std::string(key));
  return std::string_view(value->get_string());
}

}  // namespace

std::string to_json(const MountDescription& description) {
  const auto deadline = std::chrono::duration_cast<milliseconds>(description.policy.deadline);
  return json::serialize(json::object{{"version", 1},
                                      {"image", to_hex(description.image)},
                                      {"name", description.name},
                                      {"disk", description.disk},
                                      {"when_missing", to_string(description.policy.when_missing)},
                                      {"deadline_ms", deadline.count()}});
}

Result<MountDescription> parse_description(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return damaged("not a JSON object");
  const json::object& object = value.get_object();

  MountDescription description;
  WEFT_TRY(const auto image_text, text_of(object, "image"));
  const auto image = parse_hex<ImageId>(image_text);
  if (!image) return damaged("not an image id: " + std::string(image_text));
  description.image = *image;

  WEFT_TRY(const auto name, text_of(object, "name"));
  if (!is_valid_image_name(name)) return damaged("not an image name: " + std::string(name));
  description.name = name;

  const json::value* disk = object.if_contains("disk");
  description.disk = disk != nullptr && disk->is_bool() && disk->get_bool();

  WEFT_TRY(const auto policy_text, text_of(object, "when_missing"));
  const auto policy = parse_when_missing(policy_text);
  if (!policy) return damaged("unknown policy: " + std::string(policy_text));
  description.policy.when_missing = *policy;

  const json::value* deadline = object.if_contains("deadline_ms");
  if (deadline == nullptr || !deadline->is_int64() || deadline->get_int64() < 0 ||
      deadline->get_int64() > milliseconds(longest_deadline).count()) {
    return damaged("no deadline_ms in range");
  }
  description.policy.deadline = milliseconds(deadline->get_int64());
  return description;
}

}  // namespace weft::fs
