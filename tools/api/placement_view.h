// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/exchange/placement.h"
#include "tools/api/holdings.h"

#include <boost/json/object.hpp>

#include <vector>

namespace weft::tools {

/// The answer of GET /v1/images/REF/where. Pure.
[[nodiscard]] boost::json::object to_json(const WantedImage& image, ByteCount content,
                                          const std::vector<fetcher::Placement>& placements);

}  // namespace weft::tools
