// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/app.h"

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <sys/ioctl.h>
#include <unistd.h>

namespace {

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

int main(int argc, char** argv) {
  weft::tools::Terminal terminal{std::cout, std::cerr, ::isatty(STDOUT_FILENO) == 1,
                                 ::isatty(STDERR_FILENO) == 1, terminal_columns()};
  return weft::tools::run_command(std::vector<std::string>(argv + 1, argv + argc), terminal,
                                  [](const char* name) { return std::getenv(name); });
}
