// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/schedule/peer_id.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <vector>

/// What a plan is made from (DESIGN "Plan"; the mathematics is in fetcher/README.md, "The plan").
/// Everything in `weft::fetcher::plan` is pure: no clock, no I/O, any thread, one call at a time on
/// one object. Time is seconds from "now" of the caller, rates are bytes a second on the wire,
/// bytes are bytes on the wire.
namespace weft::fetcher::plan {

/// Position in `Problem::sources`, `sites`, `classes`: they name each other by index.
using SourceIndex = std::uint16_t;  // 10^6 holder sets of 50 sources: 100 MB
using SiteIndex = std::uint32_t;
using ClassIndex = std::uint32_t;
using HolderSetIndex = std::uint32_t;

/// How early a block is needed: 1 = what the boot waits for, larger = later.
using Tier = std::uint8_t;

inline constexpr Tier max_tiers = 16;
inline constexpr std::size_t max_sources = 4096;
/// All bytes of a problem together: 8 PiB. Keeps sums exact in a double.
inline constexpr std::uint64_t max_plan_bytes = std::uint64_t{1} << 53;

/// A peer that may be asked, and its link to this node.
struct Source {
  PeerId peer{};
  /// Bytes a second while it sends. Not a number, or below 1: the source is not used.
  double rate = 0;
  /// Seconds until its first byte can be here: the round trip and what is queued there already.
  /// Not a number, negative: 0. Above 10^9: the source is not used.
  double delay = 0;
  /// Money per GiB. Not a number, negative: 0. At most 10^12.
  double price = 0;
  std::optional<SiteIndex> site = {};  ///< whose uplink it shares
};

struct Site {
  std::string name;
  /// Bytes a second that its sources can send together. Not a number, not positive: no cap.
  double uplink = 0;
};

/// The holder sets of a problem, one after another in one array: a problem may have 10^6 of them.
class HolderSets {
 public:
  /// `holders` in any order, twice or not. Equal sets are not recognised (`ClassTable` does).
  HolderSetIndex add(std::span<const SourceIndex> holders);
  /// Ascending, each once.
  [[nodiscard]] std::span<const SourceIndex> operator[](HolderSetIndex set) const {
    return std::span(members_).subspan(begins_[set], begins_[set + 1] - begins_[set]);
  }
  [[nodiscard]] std::size_t size() const { return begins_.size() - 1; }

 private:
  std::vector<std::size_t> begins_{0};
  std::vector<SourceIndex> members_;
};

/// Missing blocks with equal holders and tier: alike for the plan, and divisible.
struct TransferClass {
  HolderSetIndex holders = 0;
  Tier tier = 1;
  std::uint64_t bytes = 0;  ///< on the wire, compressed
};

struct Problem {
  std::vector<Source> sources;
  std::vector<Site> sites;
  /// Bytes a second that this node can take in. Not a number, not positive: no cap.
  std::optional<double> ingress = {};
  HolderSets holder_sets;
  std::vector<TransferClass> classes;
};

/// 0, 1, … `count` − 1; of a problem that can be planned for.
[[nodiscard]] inline auto each_source(std::size_t count) {
  return std::views::iota(SourceIndex{0}, static_cast<SourceIndex>(count));
}

/// What is wanted of a plan.
struct Goal {
  enum class Kind {
    fastest,        ///< each tier as early as can be; among these plans a cheapest
    cheapest,       ///< the cheapest that is at most `slack` later, each tier
    within_budget,  ///< the fastest that costs at most `budget`, tier 1 first
  };
  Kind kind = Kind::fastest;
  double slack = 0;   ///< 0.05: at most 5 % later than the fastest
  double budget = 0;  ///< money, for all bytes of the plan

  [[nodiscard]] static Goal fastest() { return {}; }
  [[nodiscard]] static Goal cheapest(double slack) { return {Kind::cheapest, slack, 0}; }
  [[nodiscard]] static Goal within(double budget) { return {Kind::within_budget, 0, budget}; }
};

}  // namespace weft::fetcher::plan
