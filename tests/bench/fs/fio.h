// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace weft::bench {

struct FioJob {
  std::string file;
  bool random = false;  ///< else sequential from the start
  bool direct = false;  ///< O_DIRECT
  unsigned block_kib = 4;
  unsigned depth = 1;      ///< above 1: io_uring
  unsigned limit_mib = 0;  ///< stop after so much; 0: after `seconds`
  double seconds = 1;
  bool drop_cache = false;  ///< of the file itself, before
};

/// Bytes read per second; nullopt if fio could not run or a read failed.
[[nodiscard]] std::optional<double> run_fio(const FioJob& job);

}  // namespace weft::bench
