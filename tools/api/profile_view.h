// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/profile_book.h"

#include <boost/json/object.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

/// Boot profiles as JSON (API.md, "profile"). Pure.
namespace weft::tools {

struct ShownProfile {
  ImageId image;                    ///< asked for
  std::string name;                 ///< "": it is not here
  fetcher::ProfileBook::Kept kept;  ///< its own, or that of a relative
  std::vector<bool> here;           ///< for each entry: some image here can read it
  /// Which part of its blocks the image holds, as far as is known; of its own, all.
  std::optional<double> held = 1;
};

/// What every view of a profile has.
[[nodiscard]] boost::json::object summary_json(const fetcher::ProfileBook::Kept& kept);
/// With the time line, and the first `entries` entries.
[[nodiscard]] boost::json::object to_json(const ShownProfile& shown, std::size_t entries);

}  // namespace weft::tools
