// SPDX-License-Identifier: Apache-2.0
#include "fs/read/pending_reads.h"

#include <algorithm>

namespace weft::fs {

std::optional<PendingId> PendingReads::insert(PendingRead& read) {
  const Lock lock(mutex_);
  if (closed_ || reads_.size() >= limit_) return std::nullopt;
  return add(read);
}

std::optional<PendingId> PendingReads::put_back(PendingRead& read) {
  const Lock lock(mutex_);
  if (closed_) return std::nullopt;
  return add(read);
}

PendingId PendingReads::add(PendingRead& read) {
  if (std::erase(interrupted_, read.reply.key()) > 0) read.reader.interrupted = true;
  const PendingId id{next_id_++};
  reads_.emplace_hint(reads_.end(), id, std::move(read));
  return id;
}

PendingRead PendingReads::extract(Map::iterator at) {
  return std::move(reads_.extract(at).mapped());
}

std::optional<PendingRead> PendingReads::take(PendingId id) {
  const Lock lock(mutex_);
  const auto at = reads_.find(id);
  if (at == reads_.end()) return std::nullopt;
  return extract(at);
}

std::vector<PendingRead> PendingReads::close() {
  const Lock lock(mutex_);
  closed_ = true;
  std::vector<PendingRead> all;
  all.reserve(reads_.size());
  while (!reads_.empty()) {
    all.push_back(extract(reads_.begin()));
  }
  return all;
}

std::optional<ReadArgs> PendingReads::args(PendingId id) const {
  const Lock lock(mutex_);
  const auto at = reads_.find(id);
  if (at == reads_.end()) return std::nullopt;
  return at->second.args;
}

std::optional<unsigned> PendingReads::begin_fetch(PendingId id) {
  const Lock lock(mutex_);
  const auto at = reads_.find(id);
  if (at == reads_.end()) return std::nullopt;
  at->second.parked = false;
  at->second.ticket.reset();
  return ++at->second.fetches;
}

bool PendingReads::set_ticket(PendingId id, unsigned fetch, fetcher::FetchTicket ticket) {
  const Lock lock(mutex_);
  const auto at = reads_.find(id);
  if (at == reads_.end()) return false;
  if (at->second.fetches == fetch) at->second.ticket = ticket;
  return true;
}

void PendingReads::park(PendingId id) {
  const Lock lock(mutex_);
  if (const auto at = reads_.find(id); at != reads_.end()) at->second.parked = true;
}

std::optional<std::pair<PendingId, Reader>> PendingReads::mark_interrupted(RequestKey key) {
  const Lock lock(mutex_);
  for (auto& [id, read] : reads_) {
    if (read.reply.key() != key) continue;
    read.reader.interrupted = true;
    return std::pair(id, read.reader);
  }
  if (interrupted_.size() == remembered_interrupts) interrupted_.pop_front();
  interrupted_.push_back(key);
  return std::nullopt;
}

void PendingReads::set_process(PendingId id, std::uint32_t process_id) {
  const Lock lock(mutex_);
  const auto at = reads_.find(id);
  if (at != reads_.end()) at->second.reader.process_id = process_id;
}

std::vector<PendingReads::Waiting> PendingReads::waiting() const {
  const Lock lock(mutex_);
  std::vector<Waiting> all;
  all.reserve(reads_.size());
  for (const auto& [id, read] : reads_) {
    all.push_back({.id = id,
                   .args = read.args,
                   .reader = read.reader,
                   .parked = read.parked,
                   .ticket = read.ticket});
  }
  return all;
}

std::size_t PendingReads::size() const {
  const Lock lock(mutex_);
  return reads_.size();
}

}  // namespace weft::fs
