// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/answer_queue.h"

#include "fetcher/peer/answer.h"

#include <utility>

namespace weft::fetcher {

using wire::Priority;

bool AnswerQueue::add(std::uint32_t request, Priority priority, std::shared_ptr<Answer> answer,
                      std::size_t cost) {
  Entry entry{.priority = priority, .answer = std::move(answer), .cost = cost};
  if (!entries_.emplace(request, std::move(entry)).second) return false;
  at(priority).order.push_back(request);
  request_bytes_ += cost;
  return true;
}

void AnswerQueue::add_frame(Priority priority, std::uint32_t request, Bytes frame) {
  ready_bytes_ += frame.size();
  at(priority).ready.push_back({priority, request, std::move(frame)});
}

std::optional<AnswerQueue::Job> AnswerQueue::next_job() {
  std::size_t ahead = 0;
  for (Class& c : classes_) {
    ahead += c.ready.size() + c.making;
    if (ahead >= look_ahead) return std::nullopt;
    for (auto it = c.order.begin(); it != c.order.end(); ++it) {
      Entry& entry = entries_.find(*it)->second;
      const bool in_turn = entry.priority == Priority::prefetch;
      if (entry.making && in_turn) return std::nullopt;  // the next one would overtake it
      if (entry.making) continue;
      entry.making = true;
      ++c.making;
      const std::uint32_t request = *it;
      if (!in_turn) c.order.splice(c.order.end(), c.order, it);
      return Job{request, entry.priority, entry.answer};
    }
  }
  return std::nullopt;
}

void AnswerQueue::made(std::uint32_t request, Bytes frame, bool last) {
  const auto found = entries_.find(request);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  entry.making = false;
  --at(entry.priority).making;
  if (!entry.cancelled) add_frame(entry.priority, request, std::move(frame));
  if (entry.cancelled || last) erase(found);
}

std::optional<AnswerQueue::Ready> AnswerQueue::pop() {
  for (Class& c : classes_) {
    if (c.ready.empty()) continue;
    Ready ready = std::move(c.ready.front());
    c.ready.pop_front();
    ready_bytes_ -= ready.frame.size();
    return ready;
  }
  return std::nullopt;
}

bool AnswerQueue::cancel(std::uint32_t request) {
  const auto found = entries_.find(request);
  if (found == entries_.end() || found->second.cancelled) return false;
  drop_ready(request);
  // A worker may be making a frame for it: `made` removes the entry then.
  found->second.cancelled = true;
  at(found->second.priority).order.remove(request);
  if (!found->second.making) erase(found);
  return true;
}

void AnswerQueue::reprioritise(std::uint32_t request, Priority priority) {
  if (const auto found = entries_.find(request); found != entries_.end()) {
    Entry& entry = found->second;
    if (entry.cancelled || entry.priority == priority) return;
    Class& from = at(std::exchange(entry.priority, priority));
    from.order.remove(request);
    at(priority).order.push_back(request);
    from.making -= entry.making ? 1 : 0;
    at(priority).making += entry.making ? 1 : 0;
  }
  // Its last frame may be ready, and the answer itself gone.
  for (Class& from : classes_) {
    if (&from != &at(priority)) move_ready(request, from, at(priority));
  }
}

void AnswerQueue::move_ready(std::uint32_t request, Class& from, Class& to) {
  std::deque<Ready> staying;
  for (Ready& ready : from.ready) {
    (ready.request == request ? to.ready : staying).push_back(std::move(ready));
  }
  from.ready = std::move(staying);
}

void AnswerQueue::clear() {
  entries_.clear();
  classes_ = {};
  request_bytes_ = ready_bytes_ = 0;
}

void AnswerQueue::erase(std::map<std::uint32_t, Entry>::iterator entry) {
  request_bytes_ -= entry->second.cost;
  at(entry->second.priority).order.remove(entry->first);
  entries_.erase(entry);
}

void AnswerQueue::drop_ready(std::uint32_t request) {
  for (Class& c : classes_) {
    std::erase_if(c.ready, [this, request](const Ready& ready) {
      if (ready.request != request) return false;
      ready_bytes_ -= ready.frame.size();
      return true;
    });
  }
}

}  // namespace weft::fetcher
