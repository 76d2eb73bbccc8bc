// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>

#include <string>

/// The node's answers (API.md) as text for people. Pure; ends with a newline.
namespace weft::tools {

[[nodiscard]] std::string render_images(const boost::json::object& answer);
[[nodiscard]] std::string render_image(const boost::json::object& image);
[[nodiscard]] std::string render_removal(const boost::json::object& report);
[[nodiscard]] std::string render_disks(const boost::json::object& answer);
[[nodiscard]] std::string render_disk(const boost::json::object& disk);
[[nodiscard]] std::string render_peers(const boost::json::object& answer);
[[nodiscard]] std::string render_status(const boost::json::object& status);
/// A table of `jobs`; nothing if there is none.
[[nodiscard]] std::string render_jobs(const boost::json::object& answer);
[[nodiscard]] std::string render_where(const boost::json::object& answer);
[[nodiscard]] std::string render_profiles(const boost::json::object& answer);
[[nodiscard]] std::string render_profile(const boost::json::object& answer);
/// `columns`: as many characters as a line of its picture has at most.
[[nodiscard]] std::string render_plan(const boost::json::object& answer, int columns, bool utf8);
[[nodiscard]] std::string render_diff(const boost::json::object& answer);
[[nodiscard]] std::string render_version(const boost::json::object& version);

/// "38.4%  812.0 MiB of 2.1 GiB  11.9 MiB/s  1min 50s left": of a progress or job object.
[[nodiscard]] std::string render_progress(const boost::json::object& progress);
/// The same as one line of at most `columns` characters with a bar.
[[nodiscard]] std::string render_bar(const boost::json::object& progress, int columns);

}  // namespace weft::tools
