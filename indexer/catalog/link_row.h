// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/digest.h"

#include <cstdint>
#include <optional>
#include <string>

namespace weft {

/// What was measured of the link to a peer: a row of `link`, see schema.sql. The catalog only keeps
/// it; what the figures mean is said where they are made (fetcher/link).
struct LinkRow {
  struct Rate {
    double mean = 0;  ///< bytes a second
    double deviation = 0;
    double samples = 0;  ///< effective; 0: not known
    friend bool operator==(const Rate&, const Rate&) = default;
  };
  NodeId node;
  std::string address;        ///< under which it was last reached
  std::int64_t measured = 0;  ///< when the row was written: seconds since 1970
  Rate in;
  Rate out;
  std::optional<double> round_trip;  ///< seconds
  double up = 0;                     ///< seconds, faded
  double lost = 0;                   ///< the same
  double events = 0;                 ///< losses and stalls, faded

  friend bool operator==(const LinkRow&, const LinkRow&) = default;
};

}  // namespace weft
