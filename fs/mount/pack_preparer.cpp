// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/pack_preparer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <pthread.h>

namespace weft::fs {
namespace {

constexpr Duration round_interval = std::chrono::seconds(1);
constexpr Duration retry_interval = std::chrono::minutes(1);
/// Work at a stretch; the pause after it is as long as the work was.
constexpr Duration stretch = std::chrono::milliseconds(20);

}  // namespace

PackPreparer::PackPreparer(Wanted wanted)
    : wanted_(std::move(wanted)), thread_([this] {
        ::pthread_setname_np(::pthread_self(), "packs");
        run();
      }) {}

void PackPreparer::stop() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void PackPreparer::run() {
  while (pause(round_interval)) {
    if (const auto image = next()) prepare(*image);
  }
}

std::shared_ptr<LocalImage> PackPreparer::next() {
  const auto images = wanted_();
  std::erase_if(failures_, [&](const auto& failure) {
    return std::ranges::none_of(
        images, [&](const auto& image) { return image->info().id == failure.first; });
  });
  const TimePoint now = steady_clock().now();
  for (const auto& image : images) {
    const auto failed = failures_.find(image->info().id);
    if (failed != failures_.end() && failed->second.generation == image->generation() &&
        now < failed->second.retry) {
      continue;
    }
    const BlockRange all{BlockIndex(0), image->shape().blocks()};
    if (image->readable(all)) return image;
  }
  return nullptr;
}

bool PackPreparer::still_wanted(const LocalImage& image) const {
  return std::ranges::any_of(wanted_(), [&](const auto& other) { return other.get() == &image; });
}

void PackPreparer::prepare(LocalImage& image) {
  const TimePoint begin = steady_clock().now();
  const auto passed = pass(image);
  const std::string id = to_hex(image.info().id);
  if (!passed) {
    failures_.insert_or_assign(image.info().id,
                               Failure{image.generation(), steady_clock().now() + retry_interval});
    spdlog::warn("image {}: cannot be served by the kernel alone: {}", id,
                 passed.error().message());
  } else if (image.whole_pack() >= 0) {
    failures_.erase(image.info().id);
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock().now() - begin);
    spdlog::info("image {}: its pack was compared and is whole after {} ms", id, took.count());
  }
}

Result<void> PackPreparer::pass(LocalImage& image) {
  TimePoint asked = steady_clock().now();
  TimePoint began = asked;
  BlockRange rest{BlockIndex(0), image.shape().blocks()};
  while (!rest.empty()) {
    WEFT_TRY(rest, image.make_whole(rest));
    const TimePoint now = steady_clock().now();
    if (now - began < stretch) continue;
    if (!pause(now - began)) return {};
    began = steady_clock().now();
    if (began - asked < round_interval) continue;
    if (!still_wanted(image)) return {};
    asked = began;
  }
  return {};
}

bool PackPreparer::pause(Duration duration) {
  const Lock lock(mutex_);
  const TimePoint until = steady_clock().now() + duration;
  while (!stopping_ && wake_.wait_until(mutex_, until)) {
  }
  return !stopping_;
}

}  // namespace weft::fs
