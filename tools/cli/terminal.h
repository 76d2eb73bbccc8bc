// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>

namespace weft::tools {

/// Where a command writes. Injected, so that tests run whole commands in-process.
struct Terminal {
  std::ostream& out;
  std::ostream& err;
  bool out_is_tty = false;
  bool err_is_tty = false;
  int columns = 80;  ///< of the terminal behind `err`
};

}  // namespace weft::tools
