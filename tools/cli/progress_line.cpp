// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/progress_line.h"

#include "tools/cli/json_view.h"
#include "tools/cli/render.h"

#include <ostream>

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
  if (!active_) return;
  drawn_ = true;
  terminal_.err << erase_line << render_bar(object_of(line, "progress"), terminal_.columns)
                << std::flush;
}

}  // namespace weft::tools
