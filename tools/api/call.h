// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <boost/json/object.hpp>

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

/// Requests of the control API as plain values: what the HTTP server, the in-process path of the
/// command line and the tests have in common. API.md describes them.
namespace weft::tools {

struct Call {
  std::string method;             ///< "GET", "POST", "DELETE"
  std::vector<std::string> path;  ///< segments, percent-decoded: {"v1", "images", "web"}
  std::map<std::string, std::string, std::less<>> query;
  boost::json::object body;
};

/// Splits and decodes an HTTP request target. Errc::bad_request: malformed, or longer than 8 KiB.
[[nodiscard]] Result<Call> parse_target(std::string method, std::string_view target);
/// The reverse, for the client.
[[nodiscard]] std::string target_of(const Call& call);

/// How a handler talks back before it is done.
struct CallContext {
  std::stop_token stop;  ///< the caller went away, or the node is stopping
  /// Takes progress objects; empty if nobody listens. Called on the handler's thread.
  std::function<void(boost::json::object)> progress;
};

using Reply = Result<boost::json::object>;

// --- Reading a body. Errc::bad_request names the member and what it must be.
[[nodiscard]] Result<std::string> required_text(const Call& call, std::string_view member);
[[nodiscard]] Result<std::optional<std::string>> optional_text(const Call& call,
                                                               std::string_view member);
[[nodiscard]] Result<bool> optional_flag(const Call& call, std::string_view member, bool otherwise);
[[nodiscard]] Result<std::vector<std::string>> optional_texts(const Call& call,
                                                              std::string_view member);
/// Fails if the body has members other than these: a typo must not be ignored.
[[nodiscard]] Result<void> only_members(const Call& call,
                                        std::initializer_list<std::string_view> members);

}  // namespace weft::tools
