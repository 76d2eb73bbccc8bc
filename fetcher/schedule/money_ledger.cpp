// SPDX-License-Identifier: Apache-2.0
#include "fetcher/schedule/money_ledger.h"

#include <algorithm>

namespace weft::fetcher {
namespace {

constexpr double gib = 1 << 30;
constexpr BlockCount any_number(~std::uint64_t{0} >> 1U);

double most(double price_per_gib, BlockCount blocks) {
  return price_per_gib * static_cast<double>(blocks.value()) *
         static_cast<double>(MoneyLedger::most_bytes_per_block) / gib;
}

BlockCount blocks_for(double money, double price_per_gib) {
  if (price_per_gib <= 0) return any_number;
  const double blocks = money / most(price_per_gib, BlockCount(1));
  return BlockCount(static_cast<std::uint64_t>(std::clamp(blocks, 0.0, 1e15)));
}

}  // namespace

void MoneyLedger::set_budget(std::optional<double> money) {
  budget_ = money;
  if (budget_) *budget_ += spent_;
}

void MoneyLedger::clear(std::optional<double> money) {
  cleared_ = money;
  if (cleared_) *cleared_ += spent_;
}

BlockCount MoneyLedger::affordable(double price_per_gib) const {
  if (!budget_ || !cleared_) return payable(price_per_gib);
  return blocks_for(std::min(*left(), *cleared_ - spent_ - reserved_), price_per_gib);
}

BlockCount MoneyLedger::payable(double price_per_gib) const {
  return budget_ ? blocks_for(*left(), price_per_gib) : any_number;
}

void MoneyLedger::reserve(double price_per_gib, BlockCount blocks) {
  reserved_ += most(price_per_gib, blocks);
}

void MoneyLedger::came(double price_per_gib, BlockCount blocks, std::uint64_t wire_bytes) {
  release(price_per_gib, blocks);
  spent_ += price_per_gib * static_cast<double>(wire_bytes) / gib;
}

void MoneyLedger::release(double price_per_gib, BlockCount blocks) {
  reserved_ = std::max(0.0, reserved_ - most(price_per_gib, blocks));
}

void MoneyLedger::lost(double price_per_gib, BlockCount blocks) {
  release(price_per_gib, blocks);
  spent_ += most(price_per_gib, blocks);
}

std::optional<double> MoneyLedger::expected_left(double wire_bytes_per_block) const {
  if (!budget_) return std::nullopt;
  const double part = std::clamp(wire_bytes_per_block / most_bytes_per_block, 0.0, 1.0);
  return std::max(0.0, *budget_ - spent_ - reserved_ * part);
}

std::optional<double> MoneyLedger::left() const {
  if (!budget_) return std::nullopt;
  return std::max(0.0, *budget_ - spent_ - reserved_);
}

}  // namespace weft::fetcher
