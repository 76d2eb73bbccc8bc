// SPDX-License-Identifier: Apache-2.0
#include "tools/api/running_call.h"

#include <boost/asio/post.hpp>

#include <utility>

namespace weft::tools {

void RunningCall::wake() {
  boost::asio::post(io_, [self = shared_from_this()] { self->changed_.notify_all(); });
}

void RunningCall::report(boost::json::object progress) {
  {
    const Lock lock(mutex_);
    news_.progress = std::move(progress);
  }
  wake();
}

void RunningCall::finish(Reply reply) {
  {
    const Lock lock(mutex_);
    news_.reply.emplace(std::move(reply));
  }
  wake();
}

RunningCall::News RunningCall::take() {
  const Lock lock(mutex_);
  return std::exchange(news_, News{});
}

}  // namespace weft::tools
