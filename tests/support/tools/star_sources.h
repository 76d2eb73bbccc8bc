// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"
#include "tests/support/indexer/sample_image.h"
#include "tests/support/tools/star_net.h"
#include "tests/support/tools/weft_node.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weft::testing {

/// A node that serves parts of an image. Pictures are stretched over the image: of "#..#" the first
/// and the last quarter are there.
struct StarSource {
  std::uint64_t rate = 0;  ///< bits a second, as `StarShape::Spoke`
  std::chrono::milliseconds round_trip{0};
  std::string copy{};   ///< what it has of the image itself; empty: it does not know the image
  std::string other{};  ///< what it has in an image of its own, whole; empty: it has none
  std::string site{};
  double price = 0;  ///< per GiB
};

/// Real daemons that serve parts of an image named "disk" at the ends of a star's cables, and what
/// a target in the hub is told of them. They are up, and their cables shaped, when it is made.
///
/// What they hold is put into their state directories by the store itself before they start.
class StarSources {
 public:
  /// Everything goes below `directory`. Throws std::runtime_error.
  StarSources(std::filesystem::path directory, const test::SampleImage& image,
              std::vector<StarSource> sources, std::map<std::string, std::uint64_t> uplinks = {});

  [[nodiscard]] StarNet& star() { return star_; }
  [[nodiscard]] const StarNet& star() const { return star_; }
  /// Begins to damage what it sends on its way, or ends it. For sources with a round trip: it is
  /// the relay that does it.
  void toggle_damage(std::size_t source);
  [[nodiscard]] WeftNode& operator[](std::size_t source) { return *nodes_.at(source); }
  [[nodiscard]] std::size_t size() const { return sources_.size(); }
  [[nodiscard]] const StarSource& source(std::size_t at) const { return sources_.at(at); }
  /// Where the target finds it.
  [[nodiscard]] std::string address(std::size_t source) const;

  /// A node in the hub, started, that is told of all sources, prices, sites and uplinks, and is
  /// connected to all.
  [[nodiscard]] std::unique_ptr<WeftNode> make_target(const std::string& name) const;

  /// The transfer of the image as the planner sees it, with the true rates: payload of TCP, the
  /// round trip as delay, `wire_bytes_per_block` for each block.
  [[nodiscard]] fetcher::plan::Problem problem() const;

  /// Random content does not compress: it and its digest, which the tree brings.
  static constexpr std::uint64_t wire_bytes_per_block = 4096 + 32;

 private:
  void fill(std::size_t source, const test::SampleImage& image) const;
  void start(std::size_t source);
  [[nodiscard]] std::vector<std::string> target_settings() const;
  [[nodiscard]] std::filesystem::path state(std::size_t source) const;

  std::filesystem::path directory_;
  std::vector<StarSource> sources_;
  std::map<std::string, std::uint64_t> uplinks_;
  std::uint64_t blocks_;
  StarNet star_;
  std::vector<std::unique_ptr<WeftNode>> nodes_;
  std::map<std::size_t, Subprocess> relays_;
};

/// Whether block `block` of `blocks` is drawn '#'.
[[nodiscard]] bool drawn(const std::string& picture, std::uint64_t block, std::uint64_t blocks);

}  // namespace weft::testing
