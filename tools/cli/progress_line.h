// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/cli/terminal.h"

#include <boost/json/object.hpp>

#include <string>

namespace weft::tools {

/// The progress bar: one line of a terminal, redrawn in place and erased at the end. Silent when
/// stderr is not a terminal or `wanted` is false, but for a line that says, once, that the budget
/// of a job does not pay for all of it.
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
  void warn(const boost::json::object& progress);

  Terminal& terminal_;
  const bool active_;
  bool drawn_ = false;
  bool warned_ = false;
};

}  // namespace weft::tools
