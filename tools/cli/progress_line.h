// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/cli/terminal.h"

#include <boost/json/object.hpp>

#include <string>

namespace weft::tools {

/// The progress bar: one line of a terminal, redrawn in place and erased at the end. Silent when
/// stderr is not a terminal or `wanted` is false.
class ProgressLine {
 public:
  ProgressLine(Terminal& terminal, bool wanted);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// A line of a streamed answer: {"progress": {…}}.
  void show(const boost::json::object& line);
  [[nodiscard]] bool active() const { return active_; }

 private:
  Terminal& terminal_;
  const bool active_;
  bool drawn_ = false;
};

}  // namespace weft::tools
