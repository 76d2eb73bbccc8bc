// SPDX-License-Identifier: Apache-2.0
#include "fetcher/swarm/swarm_book.h"

#include "fetcher/swarm/shares.h"
#include "indexer/core/assert.h"
#include "indexer/core/mix.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr Duration sweep_every = std::chrono::seconds(1);

}  // namespace

wire::SwarmAnswer SwarmBook::asked(const wire::SwarmRequest& request, const NodeId& node,
                                   std::string address, TimePoint now) {
  wire::SwarmAnswer answer;
  answer.origin = !fetched_.contains(request.image);
  Swarm* swarm = find(request.image, now);
  if (swarm == nullptr && swarms_.size() < limits_.images) swarm = &swarms_[request.image];
  if (swarm == nullptr) return answer;
  auto& mine = request.complete ? swarm->complete : swarm->fetching;
  auto& other = request.complete ? swarm->fetching : swarm->complete;
  if (const auto was = std::ranges::find(other, node, &Member::node); was != other.end()) {
    erase(other, static_cast<std::size_t>(was - other.begin()));
  }
  auto member = std::ranges::find(mine, node, &Member::node);
  if (member == mine.end() && mine.size() < limits_.members) {
    member = mine.insert(mine.end(), {node, {}, now});
  }
  if (member != mine.end()) {
    member->address = std::move(address);
    member->asked = now;
    if (!request.complete) {
      answer.members = static_cast<std::uint32_t>(mine.size());
      answer.slot = static_cast<std::uint32_t>(member - mine.begin());
    }
  }
  answer.partners =
      draw(*swarm, node, std::min<std::size_t>(request.most, wire::max_swarm_partners));
  return answer;
}

void SwarmBook::left(const NodeId& node) {
  for (auto& [image, swarm] : swarms_) {
    for (auto* list : {&swarm.fetching, &swarm.complete}) {
      const auto member = std::ranges::find(*list, node, &Member::node);
      if (member != list->end()) erase(*list, static_cast<std::size_t>(member - list->begin()));
    }
  }
  std::erase_if(swarms_, [](const auto& entry) { return entry.second.empty(); });
}

std::vector<wire::SwarmPartner> SwarmBook::members(const ImageId& image, std::size_t most,
                                                   TimePoint now) {
  Swarm* swarm = find(image, now);
  return swarm == nullptr ? std::vector<wire::SwarmPartner>{} : draw(*swarm, NodeId{}, most);
}

std::size_t SwarmBook::size(const ImageId& image) const {
  const auto found = swarms_.find(image);
  return found == swarms_.end() ? 0 : found->second.fetching.size();
}

SwarmBook::Swarm* SwarmBook::find(const ImageId& image, TimePoint now) {
  const auto found = swarms_.find(image);
  if (found == swarms_.end()) return nullptr;
  sweep(found->second, now);
  return &found->second;
}

/// Forgets who has not asked for long.
void SwarmBook::sweep(Swarm& swarm, TimePoint now) const {
  if (now - swarm.swept < sweep_every) return;
  swarm.swept = now;
  for (auto* list : {&swarm.fetching, &swarm.complete}) {
    for (std::size_t i = list->size(); i > 0; --i) {
      if (now - (*list)[i - 1].asked > limits_.keep) erase(*list, i - 1);
    }
  }
}

/// The last takes its place: all other slots stay as they are.
void SwarmBook::erase(std::vector<Member>& list, std::size_t at) {
  if (at + 1 < list.size()) list[at] = std::move(list.back());
  list.pop_back();
}

std::vector<wire::SwarmPartner> SwarmBook::draw(const Swarm& swarm, const NodeId& but,
                                                std::size_t most) {
  std::vector<const Member*> all;
  for (const auto* list : {&swarm.fetching, &swarm.complete}) {
    for (const Member& member : *list) {
      if (!member.address.empty() && member.node != but) all.push_back(&member);
    }
  }
  std::vector<wire::SwarmPartner> drawn;
  while (drawn.size() < most && !all.empty()) {
    const std::size_t at = (random_ = mix(random_)) % all.size();
    drawn.push_back({all[at]->node, all[at]->address});
    all[at] = all.back();
    all.pop_back();
  }
  return drawn;
}

void SwarmBook::check_invariants() const {
  WEFT_ASSERT(swarms_.size() <= limits_.images, "too many swarms");
  for (const auto& [image, swarm] : swarms_) {
    std::set<NodeId> nodes;
    for (const auto* list : {&swarm.fetching, &swarm.complete}) {
      WEFT_ASSERT(list->size() <= limits_.members, "too many members");
      for (const Member& member : *list)
        WEFT_ASSERT(nodes.insert(member.node).second, "a member is there twice");
    }
  }
}

}  // namespace weft::fetcher
