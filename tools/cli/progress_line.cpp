// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/progress_line.h"

#include "tools/cli/json_view.h"
#include "tools/cli/render.h"

#include <ostream>
#include <utility>

#include <fmt/format.h>

namespace weft::tools {
namespace {

constexpr const char* erase_line = "\r\x1b[K";

}  // namespace

ProgressLine::ProgressLine(Terminal& terminal, bool wanted)
    : terminal_(terminal), active_(wanted && terminal.err_is_tty) {}

ProgressLine::~ProgressLine() {
  if (drawn_) terminal_.err << erase_line << std::flush;
}

void ProgressLine::show(const boost::json::object& line) {
  const auto& progress = object_of(line, "progress");
  if (flag_of(progress, "falls_short")) warn(progress);
  if (!active_) return;
  drawn_ = true;
  terminal_.err << erase_line << render_bar(progress, terminal_.columns) << std::flush;
}

void ProgressLine::warn(const boost::json::object& progress) {
  if (std::exchange(warned_, true)) return;
  if (drawn_) terminal_.err << erase_line;
  terminal_.err << fmt::format("weft: {}: {}\n", text_of(progress, "name"),
                               text_of(progress, "note"))
                << std::flush;
}

}  // namespace weft::tools
