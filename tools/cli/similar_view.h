// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/units.h"

#include <boost/json/object.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace weft::tools {

/// The answer of `GET /v1/similar` (API.md) as a matrix: what the table and the heat map are drawn
/// from. Lenient: what is not there or out of range counts as nothing shared. Pure.
struct SimilarView {
  struct Image {
    std::string label;
    ByteCount bytes;  ///< of distinct blocks
  };
  struct Cell {
    ByteCount bytes;
    double percent = 0;  ///< of the row's image, that the column's image has
    bool exact = true;
  };

  std::vector<Image> images;
  std::vector<Cell> cells;           ///< row by row
  std::optional<std::size_t> focus;  ///< the one image that was asked for
  std::vector<std::string> left_out;
  std::string why_left_out;

  explicit SimilarView(const boost::json::object& answer);
  [[nodiscard]] const Cell& at(std::size_t row, std::size_t column) const {
    return cells[row * images.size() + column];
  }
  /// The images other than `image` that share something with it, most first.
  [[nodiscard]] std::vector<std::size_t> closest(std::size_t image) const;
  [[nodiscard]] bool is_exact() const;
};

/// "471M", "1.2G", "63K", "0": at most five characters, binary units.
[[nodiscard]] std::string short_size(ByteCount bytes);

}  // namespace weft::tools
