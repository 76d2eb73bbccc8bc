// SPDX-License-Identifier: Apache-2.0
#include "tools/api/progress_feed.h"

#include "tools/api/views.h"

namespace weft::tools {

ProgressFeed::ProgressFeed(const CallContext& context, TimePoint now, Duration period)
    : context_(context), period_(period), progress_(ByteCount(0), now) {}

void ProgressFeed::update(ByteCount done, ByteCount total, TimePoint now) {
  progress_.set_total(total);
  progress_.update(done, now);
  const bool due = !last_ || now - *last_ >= period_ || done == total;
  if (!due || !context_.progress) return;
  last_ = now;
  context_.progress({{"progress", progress_json(progress_)}});
}

}  // namespace weft::tools
