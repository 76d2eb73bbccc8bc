// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/table.h"

#include <algorithm>
#include <utility>

namespace weft::tools {
namespace {

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text(std::string_view indent) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t widest = width(columns_[i].title);
    for (const auto& row : rows_)
      widest = std::max(widest, width(row[i]));
    widths.push_back(widest);
  }
  std::string text;
  const auto line = [&](const auto& cell_of) {
    std::string one(indent);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string_view cell = cell_of(i);
      const std::string padding(widths[i] - width(cell), ' ');
      if (i > 0) one += "  ";
      if (columns_[i].align == Align::right) one += padding;
      one += cell;
      if (columns_[i].align == Align::left) one += padding;
    }
    one.erase(one.find_last_not_of(' ') + 1);
    text += one + "\n";
  };
  line([&](std::size_t i) { return columns_[i].title; });
  for (const auto& row : rows_)
    line([&](std::size_t i) { return std::string_view(row[i]); });
  return text;
}

}  // namespace weft::tools
