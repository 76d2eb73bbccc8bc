// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/star_sources.h"

#include "fetcher/plan/class_table.h"
#include "indexer/core/clock.h"
#include "indexer/core/file_io.h"
#include "indexer/store/store.h"

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <utility>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;
using test::SampleImage;

template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

StarShape shape_of(const std::vector<StarSource>& sources,
                   const std::map<std::string, std::uint64_t>& uplinks) {
  StarShape shape{.spokes = {}, .uplinks = uplinks};
  for (const StarSource& source : sources)
    shape.spokes.push_back({source.rate, source.site});
  return shape;
}

/// Puts the drawn blocks into a store, with the whole tree.
void hold(Store& store, const std::string& name, const SampleImage& image,
          const std::string& picture) {
  constexpr std::uint64_t step = 128;
  const std::uint64_t count = image.blocks().value();
  const auto local = need(store.adopt(name, image.info));
  need(image.send_tree(*local));
  for (std::uint64_t first = 0; first < count;) {
    std::uint64_t end = first;
    while (end < count && end - first < step && drawn(picture, end, count))
      ++end;
    if (end > first) need(image.send_blocks(*local, first, end - first));
    first = std::max(end, first + 1);
  }
}

SampleImage only(const SampleImage& image, const std::string& picture) {
  std::vector<std::byte> bytes;
  for (std::uint64_t block = 0; block < image.blocks().value(); ++block) {
    if (!drawn(picture, block, image.blocks().value())) continue;
    const auto content = image.block(block);
    bytes.insert(bytes.end(), content.begin(), content.end());
  }
  return SampleImage(std::move(bytes));
}

}  // namespace

bool drawn(const std::string& picture, std::uint64_t block, std::uint64_t blocks) {
  return !picture.empty() && picture[block * picture.size() / blocks] == '#';
}

StarSources::StarSources(std::filesystem::path directory, const SampleImage& image,
                         std::vector<StarSource> sources,
                         std::map<std::string, std::uint64_t> uplinks)
    : directory_(std::move(directory)),
      sources_(std::move(sources)),
      uplinks_(std::move(uplinks)),
      blocks_(image.blocks().value()),
      star_(shape_of(sources_, uplinks_)) {
  for (std::size_t i = 0; i < size(); ++i) {
    fill(i, image);
    start(i);
  }
}

std::filesystem::path StarSources::state(std::size_t source) const {
  return directory_ / ("source" + std::to_string(source)) / "state";
}

std::string StarSources::address(std::size_t source) const {
  return star_.address(source) + ":" + std::to_string(nodes_.at(source)->port());
}

void StarSources::fill(std::size_t source, const SampleImage& image) const {
  const StarSource& spec = sources_[source];
  std::filesystem::create_directories(state(source).parent_path());
  const auto store = need(Store::open(
      posix_file_system(), {.directory = state(source), .free_space_floor = ByteCount(0)}));
  if (!spec.copy.empty()) hold(*store, "disk", image, spec.copy);
  if (!spec.other.empty())
    hold(*store, "other" + std::to_string(source), only(image, spec.other), "#");
  need(store->flush());
}

void StarSources::start(std::size_t source) {
  const StarSource& spec = sources_[source];
  const bool relayed = spec.round_trip > 0ms;
  NodePlace place{.prefix = star_.in_spoke(source)};
  if (!relayed) place.host = star_.address(source);
  nodes_.push_back(
      std::make_unique<WeftNode>(state(source), std::vector<std::string>{}, std::move(place)));
  WeftNode& node = *nodes_.back();
  node.start();
  if (!relayed) return;
  std::vector<std::string> argv = star_.in_spoke(source);
  for (const std::string& argument :
       {std::string(WEFT_RELAY_BINARY), address(source), node.address(), std::string("--rtt"),
        std::to_string(spec.round_trip.count())})
    argv.push_back(argument);
  Subprocess& relay = relays_.try_emplace(source, std::move(argv)).first->second;
  if (!relay.wait_for_output("listening", 20s))
    throw std::runtime_error("weft-relay: " + relay.err());
}

void StarSources::toggle_damage(std::size_t source) {
  relays_.at(source).signal(SIGUSR2);
}

std::vector<std::string> StarSources::target_settings() const {
  std::string peers;
  std::string prices;
  std::string sites;
  std::string uplinks;
  const auto append = [](std::string& list, const std::string& entry) {
    list += (list.empty() ? "" : ",") + entry;
  };
  for (std::size_t i = 0; i < size(); ++i) {
    append(peers, address(i));
    append(prices, address(i) + "=" + std::to_string(sources_[i].price));
    if (!sources_[i].site.empty()) append(sites, address(i) + "=" + sources_[i].site);
  }
  for (const auto& [site, rate] : uplinks_)
    append(uplinks, site + "=" + std::to_string(rate / 1000) + "kbit");
  std::vector<std::string> settings{"--peers", peers, "--peer-prices", prices};
  if (!sites.empty()) settings.insert(settings.end(), {"--peer-sites", sites});
  if (!uplinks.empty()) settings.insert(settings.end(), {"--site-uplinks", uplinks});
  return settings;
}

std::unique_ptr<WeftNode> StarSources::make_target(const std::string& name) const {
  auto target =
      std::make_unique<WeftNode>(directory_ / name / "state", target_settings(),
                                 NodePlace{.prefix = star_.in_hub(), .host = star_.hub_address()});
  target->start();
  const auto connected = [&] {
    const auto answer = target->query({"peers"});
    const auto& list = answer.at("peers").as_array();
    return std::ranges::count_if(list, [](const auto& peer) {
             return peer.at("state").as_string() == "connected";
           }) == static_cast<std::ptrdiff_t>(size());
  };
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!connected()) {
    if (std::chrono::steady_clock::now() > end)
      throw std::runtime_error("the target does not connect to all sources:\n" + target->log());
    std::this_thread::sleep_for(20ms);
  }
  return target;
}

fetcher::plan::Problem StarSources::problem() const {
  using namespace fetcher::plan;
  const auto payload = [](std::uint64_t rate) {
    return static_cast<double>(rate) / 8 * StarNet::payload_share;
  };
  Problem problem;
  std::map<std::string, SiteIndex> sites;
  for (const auto& [name, rate] : uplinks_) {
    sites[name] = static_cast<SiteIndex>(problem.sites.size());
    problem.sites.push_back({name, payload(rate)});
  }
  for (std::size_t i = 0; i < size(); ++i) {
    const StarSource& spec = sources_[i];
    Source source{.peer = static_cast<fetcher::PeerId>(i),
                  .rate = payload(spec.rate),
                  .delay = to_seconds(spec.round_trip),
                  .price = spec.price};
    if (!spec.site.empty()) source.site = sites.at(spec.site);
    problem.sources.push_back(source);
  }
  ClassTable table;
  for (std::uint64_t block = 0; block < blocks_; ++block) {
    std::vector<SourceIndex> holders;
    for (std::size_t i = 0; i < size(); ++i) {
      if (drawn(sources_[i].copy, block, blocks_) || drawn(sources_[i].other, block, blocks_))
        holders.push_back(static_cast<SourceIndex>(i));
    }
    table.add({BlockIndex(block), BlockCount(1)}, 1, holders, wire_bytes_per_block);
  }
  table.move_into(problem);
  return problem;
}

}  // namespace weft::testing
