// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/units.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Reading the node's answers leniently: a member that is absent or of another type reads as
/// nothing, so that an older command can show what a newer node sends.
namespace weft::tools {

[[nodiscard]] std::string text_of(const boost::json::object& object, std::string_view member);
[[nodiscard]] std::uint64_t count_of(const boost::json::object& object, std::string_view member);
[[nodiscard]] double number_of(const boost::json::object& object, std::string_view member);
[[nodiscard]] bool flag_of(const boost::json::object& object, std::string_view member);
[[nodiscard]] ByteCount bytes_at(const boost::json::object& object, std::string_view member);
[[nodiscard]] std::optional<Duration> duration_of(const boost::json::object& object,
                                                  std::string_view member);
[[nodiscard]] const boost::json::object& object_of(const boost::json::object& object,
                                                   std::string_view member);
[[nodiscard]] const boost::json::array& list_of(const boost::json::object& object,
                                                std::string_view member);

}  // namespace weft::tools
