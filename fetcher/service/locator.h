// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/awaitable.h"
#include "fetcher/net/signal.h"
#include "fetcher/net/task_group.h"
#include "fetcher/net/timers.h"
#include "fetcher/service/fetcher.h"
#include "fetcher/service/peer_table.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weft::fetcher {

/// Checks an answer to a search: the image's info against its id, and that it is the one asked for;
/// the path against the info, from the root down. Nodes after the first that is missing or wrong
/// are left out. Errc::peer_misbehaved. Pure.
[[nodiscard]] Result<wire::ImageFound> verified(wire::ImageFound found,
                                                const std::string& name_or_id,
                                                BlockIndex first_read);

/// Finds images at peers, and remembers for a while what was offered where. I/O thread only.
class Locator {
 public:
  /// All arguments outlive it; `tasks` is stopped before it is destroyed.
  Locator(TaskGroup& tasks, Timers& timers, PeerTable& peers, Duration timeout);

  [[nodiscard]] Awaitable<Result<RemoteImage>> locate(std::string name_or_id,
                                                      BlockIndex first_read);
  /// Whether the peer offered the whole image lately: then it need not be asked again.
  [[nodiscard]] bool offered_whole(PeerId peer, const ImageId& image) const;
  void forget(PeerId peer);

 private:
  struct Search;
  Awaitable<void> ask(PeerId peer, std::shared_ptr<Search> search);
  Awaitable<void> wait(std::shared_ptr<Search> search);
  [[nodiscard]] Result<RemoteImage> conclude(Search& search);

  TaskGroup& tasks_;
  Timers& timers_;
  PeerTable& peers_;
  Duration timeout_;
  std::map<ImageId, std::vector<PeerId>> whole_;
};

}  // namespace weft::fetcher
