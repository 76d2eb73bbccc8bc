// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/server_connection.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace weft::fetcher {
namespace {

constexpr std::size_t max_watches = 256;
constexpr std::size_t max_runs = 65536;
// An image nobody has open does not change; it may have been opened anew meanwhile.
constexpr Duration look_up_interval = std::chrono::seconds(5);
// An image that is not here may come. Nodes that begin to fetch it together do so soon after they
// watched it at each other, so it is looked for often at first.
constexpr int looks_while_its_age_doubles = 4;

struct Look {
  std::shared_ptr<LocalImage> image;
  std::uint64_t generation = 0;
  Holdings holdings;
};

Result<Look> look_at(Store& store, std::shared_ptr<LocalImage> image, const ImageId& id) {
  if (image == nullptr) {
    WEFT_TRY(image, store.image(id));
  }
  // Read first: what changes while we look is found at the next poll.
  const std::uint64_t generation = image->generation();
  Holdings holdings = holdings_of(*image, max_runs);
  return Look{std::move(image), generation, std::move(holdings)};
}

}  // namespace

Result<void> ServerConnection::handle_watch(std::uint32_t request,
                                            const wire::WatchResidency& watch) {
  if (!watch.watch) {
    watches_.erase(watch.image);
    return {};
  }
  if (request == 0) {
    return fail(Errc::peer_misbehaved, Operation::receive, "a watch without a request id");
  }
  if (!watches_.contains(watch.image) && watches_.size() >= max_watches) {
    send_failure(request, {.code = make_error_code(Errc::queue_full),
                           .detail = "too many images are watched on this connection"});
    return {};
  }
  watches_[watch.image] = {};  // asked again: announced as a whole again
  watches_[watch.image].request = request;
  watches_[watch.image].since = in({});
  if (!std::exchange(polling_, true)) {
    shared_.tasks.spawn("peer residency",
                        [](std::shared_ptr<ServerConnection> c) -> Awaitable<void> {
                          co_await c->poll_residency();
                        }(shared_from_this()));
  }
  watches_changed_.notify_all();
  return {};
}

Awaitable<void> ServerConnection::poll_residency() {
  while (!closed_ && !finishing_) {
    std::vector<ImageId> images;
    for (const auto& [image, watch] : watches_)
      images.push_back(image);
    for (const ImageId& image : images)
      co_await announce(image);
    const TimePoint next = in(shared_.options.residency_poll);
    // A new watch is answered at once.
    const auto has_new = [this] {
      for (const auto& [image, watch] : watches_) {
        if (!watch.looked) return true;
      }
      return false;
    };
    bool in_time = true;
    while (!closed_ && !finishing_ && !has_new() && in_time) {
      in_time = co_await watches_changed_.wait_until(shared_.context.timers, next);
    }
  }
}

Awaitable<void> ServerConnection::announce(ImageId image) {
  const auto before = watches_.find(image);
  if (before == watches_.end() || closed_) co_return;
  const std::uint32_t request = before->second.request;
  auto open = before->second.image.lock();
  if (before->second.looked) {
    const bool changed = open != nullptr ? open->generation() != before->second.generation
                                         : !before->second.announced.complete &&
                                               before->second.look_up_again <= in({});
    if (!changed || queue_.ready_bytes() > shared_.options.answer_bytes) co_return;
  }
  Store& store = shared_.context.store;
  auto work = [&store, open, image] { return look_at(store, open, image); };
  auto look = co_await run_on_worker(shared_.context.offload, std::move(work));
  const auto after = watches_.find(image);
  if (closed_ || after == watches_.end() || after->second.request != request) co_return;
  Watch& watch = after->second;
  watch.looked = true;
  if (!look && look.error().is(Errc::unknown_image)) {
    const Duration age = in({}) - watch.since;
    watch.look_up_again = in(std::min(age / looks_while_its_age_doubles, look_up_interval));
    if (!watch.generation) co_return;
    watch.generation.reset();  // it has been removed
    watch.since = in({});
    for (const wire::Residency& frame : announcements(image, watch.announced, {}, false))
      send(wire::Priority::readahead, request, frame);
    watch.announced = {};
    co_return;
  }
  if (!look) {
    send_failure(request, look.error());
    watches_.erase(after);
    co_return;
  }
  const bool first = !watch.generation;
  for (const wire::Residency& frame :
       announcements(image, watch.announced, look->holdings, first)) {
    send(wire::Priority::readahead, request, frame);
  }
  watch.announced = std::move(look->holdings);
  watch.generation = look->generation;
  watch.image = look->image;
  watch.look_up_again = in(look_up_interval);
}

}  // namespace weft::fetcher
