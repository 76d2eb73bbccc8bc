// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/locator.h"

#include "indexer/tree/image_id.h"
#include "indexer/tree/path_verify.h"
#include "indexer/tree/tree_shape.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <span>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::size_t remembered_images = 256;
constexpr Duration grace = std::chrono::seconds(1);

// The nodes on the way to `first_read`, as far as the peer sent them; all of them are right.
Result<std::vector<wire::TreeNodes::Entry>> checked_path(const wire::ImageFound& found,
                                                         BlockIndex first_read) {
  const ImageInfo& info = found.image.info;
  const TreeShape shape(info.size);
  std::vector<wire::TreeNodes::Entry> path;
  if (first_read >= BlockRange{BlockIndex(0), shape.blocks()}.end()) return path;
  for (const TreeNode& node : shape.path_to(first_read)) {
    const auto it = std::ranges::find(found.path.nodes, node, &wire::TreeNodes::Entry::node);
    if (it == found.path.nodes.end()) break;
    path.push_back(*it);
  }
  std::vector<PathNode> nodes;
  for (const wire::TreeNodes::Entry& entry : path)
    nodes.push_back({entry.node, entry.bytes});
  const auto verdict = verify_path(info, first_read, nodes);
  if (verdict) {
    path.resize(verdict->nodes);
  } else if (!verdict.error().is(Errc::not_resident)) {
    return fail(Errc::peer_misbehaved, Operation::locate, "a tree node fails its digest");
  }
  return path;
}

void add_to_list(std::string& list, const std::string& item) {
  if (!list.empty()) list += "; ";
  list += item;
}

/// What the last attempt failed with, which tells more than that there is no connection now.
std::string why_not_connected(const PeerTable& peers, PeerId peer) {
  for (auto& [id, status] : peers.status()) {
    if (id == peer && !status.last_error.empty()) return std::move(status.last_error);
  }
  return "not connected";
}

}  // namespace

Result<wire::ImageFound> verified(wire::ImageFound found, const std::string& name_or_id,
                                  BlockIndex first_read) {
  const ImageInfo& info = found.image.info;
  if (!is_consistent(info)) {
    return fail(Errc::peer_misbehaved, Operation::locate, "image id does not match size and root");
  }
  if (found.image.name != name_or_id && !is_prefix_of(name_or_id, info.id)) {
    return fail(Errc::peer_misbehaved, Operation::locate, "answered with another image");
  }
  WEFT_TRY(found.path.nodes, checked_path(found, first_read));
  return found;
}

struct Locator::Search {
  struct Found {
    PeerId peer{};
    std::string address;
    NodeId node;
    wire::ImageFound image;
  };
  std::string name_or_id;
  BlockIndex first_read;
  TimePoint deadline;
  std::size_t asking = 0;
  std::size_t answers = 0;  ///< positive or negative
  std::vector<Found> found;
  std::string trouble;  ///< of peers that did not answer
  Signal changed;
};

Locator::Locator(TaskGroup& tasks, Timers& timers, PeerTable& peers, Duration timeout)
    : tasks_(tasks), timers_(timers), peers_(peers), timeout_(timeout) {}

Awaitable<Result<RemoteImage>> Locator::locate(std::string name_or_id, BlockIndex first_read) {
  auto search = std::make_shared<Search>();
  search->name_or_id = std::move(name_or_id);
  search->first_read = first_read;
  search->deadline = timers_.now() + timeout_;
  for (const PeerId peer : peers_.all()) {
    ++search->asking;
    if (!tasks_.spawn("locate", ask(peer, search))) --search->asking;
  }
  co_await wait(search);
  co_return conclude(*search);
}

/// Until all have answered, or the deadline; once somebody has it, the others get a moment only, so
/// that one dead peer does not hold up a mount.
Awaitable<void> Locator::wait(std::shared_ptr<Search> search) {
  TimePoint until = search->deadline;
  while (search->asking > 0) {
    if (!search->found.empty()) until = std::min(until, timers_.now() + grace);
    const bool woken = co_await search->changed.wait_until(timers_, until);
    if (!woken) break;
  }
}

Awaitable<void> Locator::ask(PeerId peer, std::shared_ptr<Search> search) {
  const std::string address = peers_.address(peer);
  const TimePoint deadline = search->deadline;
  const std::shared_ptr<PeerSession> session = co_await peers_.settled(peer, deadline);
  if (session) {
    std::string name = search->name_or_id;
    Result<wire::ImageFound> answer =
        co_await session->find_image(std::move(name), search->first_read, deadline);
    if (answer && peers_.is_self(session->remote().node)) {
      answer = fail(Errc::peer_unreachable, Operation::locate, "this is our own address");
    }
    if (answer) {
      answer = verified(std::move(*answer), search->name_or_id, search->first_read);
      if (!answer) peers_.note_error(peer, answer.error().message());
    }
    if (answer) {
      ++search->answers;
      search->found.push_back({peer, address, session->remote().node, std::move(*answer)});
    } else if (answer.error().is(Errc::unknown_image)) {
      ++search->answers;
    } else {
      if (answer.error().is(Errc::ambiguous_image)) ++search->answers;
      add_to_list(search->trouble, address + ": " + answer.error().message());
    }
  } else {
    add_to_list(search->trouble, address + ": " + why_not_connected(peers_, peer));
  }
  --search->asking;
  search->changed.notify_all();
}

Result<RemoteImage> Locator::conclude(Search& search) {
  if (search.found.empty()) {
    if (search.answers > 0) {
      return fail(Errc::unknown_image, Operation::locate,
                  search.name_or_id + ": none of the peers asked has it");
    }
    std::string why = search.trouble.empty() ? "there are no peers" : search.trouble;
    return fail(Errc::peer_unreachable, Operation::locate, search.name_or_id + ": " + why);
  }
  RemoteImage image;
  std::string offers;
  std::set<ImageId> ids;
  for (Search::Found& found : search.found) {
    const wire::ImageSummary& summary = found.image.image;
    ids.insert(summary.info.id);
    add_to_list(offers, to_hex(summary.info.id) + " at " + found.address);
    if (found.image.path.nodes.size() > image.path.nodes.size() || image.offers.empty()) {
      image.path = std::move(found.image.path);
    }
    image.name = image.name.empty() ? summary.name : image.name;
    image.info = summary.info;
    image.offers.push_back({found.address, found.node, summary.available, summary.complete});
    if (whole_.size() > remembered_images) whole_.clear();
    if (summary.complete && !offered_whole(found.peer, summary.info.id)) {
      whole_[summary.info.id].push_back(found.peer);
    }
  }
  if (ids.size() > 1) {
    return fail(Errc::ambiguous_image, Operation::locate,
                search.name_or_id + ": peers offer different images, ask by id: " + offers);
  }
  return image;
}

bool Locator::offered_whole(PeerId peer, const ImageId& image) const {
  const auto it = whole_.find(image);
  return it != whole_.end() && std::ranges::find(it->second, peer) != it->second.end();
}

void Locator::forget(PeerId peer) {
  for (auto& [image, peers] : whole_)
    std::erase(peers, peer);
}

}  // namespace weft::fetcher
