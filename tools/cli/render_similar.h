// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>

#include <string>

/// What images share (API.md, "similar" and "clusters") as text for people. Pure; ends with a
/// newline. `columns`: as many characters as a line should have at most.
namespace weft::tools {

/// Two tables, image × image: percent and bytes. Of many images, which do not fit, a list of the
/// closest ones of each; of one image that was asked for, a list of all that share something.
[[nodiscard]] std::string render_similar(const boost::json::object& answer, int columns);

[[nodiscard]] std::string render_clusters(const boost::json::object& answer, int columns);

/// The same as `render_similar` as a picture: a heat map in SVG that needs nothing else, with the
/// percentage and the bytes in every cell. Beyond 40 images the cells are small and say it when
/// pointed at.
[[nodiscard]] std::string heat_map_svg(const boost::json::object& answer);

}  // namespace weft::tools
