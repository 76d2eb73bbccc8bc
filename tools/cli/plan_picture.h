// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace weft::tools {

/// A plan (API.md, "plan") as a picture of sources × time: a row for each source that sends, a bar
/// whose shade is the tier it sends then, how much, until when and for how much money; below it
/// why. Sources that are not used follow with the reason, then what the shades mean.
///
///                   0                        40s
///     rack3-7:7117  ████▓▓▓▓▓▓▓▓▓░░░░░░░░░░░░░░  1.2 GiB  40s  0.09
///       fastest, 61 % of tier 1
///
/// No line has more than `columns` characters (but 40 are always used). `utf8`: whether the
/// terminal shows block characters; without, a tier is drawn as its digit. "" for a plan in which
/// nothing is sent. Lenient as all readers of answers. Pure; ends with a newline.
[[nodiscard]] std::string plan_picture(const boost::json::object& plan, int columns, bool utf8);

/// Whether a locale has UTF-8. `value`: of LC_ALL, LC_CTYPE or LANG, the first that is not empty.
[[nodiscard]] bool is_utf8_locale(std::string_view value);

}  // namespace weft::tools
