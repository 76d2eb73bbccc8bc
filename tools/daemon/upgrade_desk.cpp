// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/upgrade_desk.h"

#include <spdlog/spdlog.h>

namespace weft::tools {

Result<fs::Candidate> UpgradeDesk::prepare(const std::string& binary) {
  if (link_ == nullptr || !link_->supervised()) {
    return fail(Errc::unsupported, Operation::serve,
                "this node has no supervisor: only `weft daemon` can be upgraded while it runs");
  }
  {
    const Lock lock(mutex_);
    if (state_ != State::idle) {
      return fail(Errc::queue_full, Operation::serve, "an upgrade is under way");
    }
    state_ = State::preparing;
    last_error_.clear();
  }
  auto candidate = link_->prepare_upgrade(binary);
  const Lock lock(mutex_);
  state_ = candidate ? State::due : State::idle;
  if (!candidate) last_error_ = candidate.error().message();
  return candidate;
}

UpgradeDesk::State UpgradeDesk::state() const {
  const Lock lock(mutex_);
  return state_;
}

void UpgradeDesk::failed(const Error& why) {
  const Lock lock(mutex_);
  state_ = State::idle;
  last_error_ = why.message();
}

std::string UpgradeDesk::last_error() const {
  const Lock lock(mutex_);
  return last_error_;
}

}  // namespace weft::tools
