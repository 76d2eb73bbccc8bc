// SPDX-License-Identifier: Apache-2.0
#include "tools/api/holdings.h"

#include "indexer/tree/image_id.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace weft::tools {
namespace {

double part(BlockCount some, BlockCount all) {
  return all.value() == 0 ? 1
                          : static_cast<double>(some.value()) / static_cast<double>(all.value());
}

bool names(std::string_view reference, std::string_view name, const ImageId& id) {
  return reference == name || is_prefix_of(reference, id);
}

ByteCount content_of(const WantedImage& image, const std::optional<Signature>& target) {
  return bytes_of(target ? target->unique_blocks : blocks_for(image.info.size));
}

ByteCount rounded(double blocks) {
  return bytes_of(BlockCount(static_cast<std::uint64_t>(std::llround(std::max(0.0, blocks)))));
}

}  // namespace

Result<WantedImage> find_wanted(std::string_view reference, std::span<const ImageEntry> local,
                                std::span<const PeerSeen> peers) {
  std::optional<WantedImage> found;
  const auto take = [&](const std::string& name, const ImageInfo& info) -> Result<void> {
    if (!names(reference, name, info.id)) return {};
    if (!found) found = WantedImage{name, info};
    if (found->info.id == info.id) return {};
    return fail(Errc::ambiguous_image, Operation::locate,
                fmt::format("{} is {} and {}: ask by id", reference, to_hex(found->info.id),
                            to_hex(info.id)));
  };
  for (const ImageEntry& entry : local)
    WEFT_CHECK(take(entry.name, entry.info));
  if (found) return *found;
  for (const PeerSeen& peer : peers) {
    if (!peer.holdings) continue;
    for (const auto& image : peer.holdings->images)
      WEFT_CHECK(take(image.name, image.info));
  }
  if (found) return *found;
  return fail(Errc::unknown_image, Operation::locate,
              fmt::format("{}: neither here nor in the lists of connected peers", reference));
}

HoldingsOf::HoldingsOf(WantedImage image, std::optional<Signature> target, SignatureSource source)
    : image_(std::move(image)),
      target_(std::move(target)),
      source_(std::move(source)),
      content_(content_of(image_, target_)) {}

const std::optional<Signature>& HoldingsOf::signature(const ImageId& id) {
  const auto found = loaded_.find(id);
  return found != loaded_.end() ? found->second : loaded_.emplace(id, source_(id)).first->second;
}

/// Of an image some of whose `data` blocks are missing. Duplicates are taken to be spread evenly.
fetcher::Share HoldingsOf::part_of_it(BlockCount missing, BlockCount data) const {
  if (missing.value() == 0) return {.bytes = content_, .standard_error = {}, .exact = true};
  const double here = 1 - std::min(1.0, part(missing, data));
  const double blocks = here * static_cast<double>(blocks_for(content_).value());
  // Never rounded up to the whole.
  const ByteCount most = content_ - std::min(content_, ByteCount(block_size));
  return {.bytes = std::min(rounded(blocks), most), .standard_error = {}, .exact = true};
}

std::optional<fetcher::Share> HoldingsOf::estimate(const std::vector<Other>& others) {
  if (others.empty()) return fetcher::Share{.bytes = {}, .standard_error = {}, .exact = true};
  if (!target_) return std::nullopt;
  std::vector<fetcher::HeldImage> held;
  for (const Other& other : others) {
    const auto& known = signature(other.id);
    if (known) held.push_back({&*known, other.part});
  }
  if (held.empty()) return std::nullopt;
  const Overlap shared = fetcher::shared_with_any(*target_, held);
  return fetcher::Share{.bytes = std::min(rounded(shared.blocks), content_),
                        .standard_error = rounded(shared.standard_error),
                        .exact = shared.is_exact() && held.size() == others.size()};
}

fetcher::NodeView HoldingsOf::here(std::string name, std::span<const ImageEntry> local) {
  fetcher::NodeView view{.name = std::move(name), .address = {}, .share = {}};
  std::vector<Other> others;
  for (const ImageEntry& entry : local) {
    const ImageUsage& usage = entry.usage;
    const BlockCount data = usage.total - usage.zero;
    if (entry.info.id == image_.info.id) {
      view.share = part_of_it(usage.missing, data);
      return view;
    }
    others.push_back({entry.info.id, part(data - std::min(data, usage.missing), data)});
  }
  view.share = estimate(others);
  return view;
}

fetcher::NodeView HoldingsOf::at(const PeerSeen& peer) {
  fetcher::NodeView view{.name = {},
                         .address = peer.address,
                         .connected = false,
                         .share = {},
                         .price_per_gib = peer.link.price_per_gib};
  if (peer.status) {
    view.name = peer.status->name;
    view.connected = peer.status->state == fetcher::PeerState::connected;
    view.bytes_per_second = peer.status->bytes_per_second;
    view.round_trip = peer.status->round_trip;
  }
  if (!peer.holdings || peer.holdings->listed == TimePoint{}) return view;
  std::vector<Other> others;
  for (const auto& image : peer.holdings->images) {
    const BlockCount total = blocks_for(image.info.size);
    if (image.info.id == image_.info.id) {
      const BlockCount missing = image.complete ? BlockCount(0) : total - image.available;
      view.share = part_of_it(missing, total);
      return view;
    }
    others.push_back({image.info.id, image.complete ? 1.0 : part(image.available, total)});
  }
  view.share = estimate(others);
  return view;
}

}  // namespace weft::tools
