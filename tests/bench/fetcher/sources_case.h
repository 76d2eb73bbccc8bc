// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/plan/problem.h"
#include "fetcher/schedule/prefetch_order.h"
#include "tests/support/indexer/sample_image.h"
#include "tests/support/tools/star_sources.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weft::bench {

/// Where several sources are measured. Their parts of the image are such that the bound is reached
/// only with every link full from the beginning to the end.
struct Topology {
  std::string name;
  std::vector<testing::StarSource> sources;
  std::map<std::string, std::uint64_t> uplinks{};
};
[[nodiscard]] std::vector<Topology> topologies();

/// What no transfer can be faster than, in seconds: the largest, over sets of sources, of the time
/// in which these alone can send what nobody else holds. A computation of its own, from the
/// definition, exponential in the sources; that the planner finds the same is checked. Throws
/// std::runtime_error if it does not.
[[nodiscard]] double bound_of(const fetcher::plan::Problem& problem);

/// Bytes a second of all sources together, behind their sites' uplinks.
[[nodiscard]] double rate_of_all(const fetcher::plan::Problem& problem);
[[nodiscard]] double bytes_of(const fetcher::plan::Problem& problem);

struct MeasuredRun {
  double seconds = 0;  ///< from the command to its end: all is here, verified and durable
  double cost = 0;     ///< of the blocks, by the bytes that brought them
  double spent = 0;    ///< of all of it, trees included, by the job's own books; of a daemon
  double carried = 0;  ///< payload over all cables towards the target, bytes
};

/// `weft materialize` at a daemon of its own, whose bytes are compared afterwards. `flags`: further
/// ones of the command.
[[nodiscard]] MeasuredRun run_daemon(testing::StarSources& sources, const test::SampleImage& image,
                                     const std::string& name,
                                     const std::vector<std::string>& flags = {});

using MakeOrder = std::function<std::unique_ptr<fetcher::PrefetchOrder>()>;
/// The same by a fetcher in this process with an order of sources of ours, in the hub too.
[[nodiscard]] MeasuredRun run_order(testing::StarSources& sources, const test::SampleImage& image,
                                    const MakeOrder& order);

}  // namespace weft::bench
