// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <boost/json/object.hpp>

namespace weft::tools {

/// {"error": {"code", "message", "hint", "operation", "detail"[, "errno"]}}
[[nodiscard]] boost::json::object to_json(const Error& error);
/// The error that was sent. Whatever is not one becomes Errc::bad_request, so that a caller always
/// has an error to show.
[[nodiscard]] Error error_from_json(const boost::json::object& document);

}  // namespace weft::tools
