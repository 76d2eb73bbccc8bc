// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/units.h"

#include <cstdint>
#include <optional>

namespace weft::fetcher {

/// What the bytes of one job cost, and whether more may be asked for. Pure, a value type.
///
/// Before blocks are asked of a priced peer, the most they can cost is reserved; when they have
/// come, the reservation is replaced by what they did cost. So `spent` never exceeds the budget,
/// whatever comes when. What was asked for and then cancelled may have been sent: it counts as
/// spent.
class MoneyLedger {
 public:
  /// The most a block can be on the wire: incompressible, and its part of a frame's head.
  static constexpr std::uint64_t most_bytes_per_block = block_size + 128;

  /// What may be spent from now on; what is on its way counts. Nullopt: no limit.
  void set_budget(std::optional<double> money);
  [[nodiscard]] bool limited() const { return budget_.has_value(); }
  /// Of the budget, no more than this may be spent before more is cleared, counted as above: for
  /// who must write down what may have been spent before it is. Nullopt: all of it.
  void clear(std::optional<double> money);
  /// Blocks that may be asked for at this price now.
  [[nodiscard]] BlockCount affordable(double price_per_gib) const;
  /// Blocks that what is left pays for at this price, once it is cleared.
  [[nodiscard]] BlockCount payable(double price_per_gib) const;
  void reserve(double price_per_gib, BlockCount blocks);
  /// They have come, as so many bytes.
  void came(double price_per_gib, BlockCount blocks, std::uint64_t wire_bytes);
  /// They were never sent.
  void release(double price_per_gib, BlockCount blocks);
  /// They may have been sent, or may still be: counted at their largest.
  void lost(double price_per_gib, BlockCount blocks);

  [[nodiscard]] double spent() const { return spent_; }
  [[nodiscard]] double reserved() const { return reserved_; }
  /// Of the budget; without one, nullopt.
  [[nodiscard]] std::optional<double> left() const;
  /// The same if what is on its way comes as so many bytes a block.
  [[nodiscard]] std::optional<double> expected_left(double wire_bytes_per_block) const;

 private:
  std::optional<double> budget_;   // that `spent_` may come to
  std::optional<double> cleared_;  // likewise
  double spent_ = 0;
  double reserved_ = 0;
};

}  // namespace weft::fetcher
