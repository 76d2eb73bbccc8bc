// SPDX-License-Identifier: Apache-2.0
#include "fs/record/mount_recorder.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace weft::fs {
namespace {

using std::chrono::milliseconds;

milliseconds since(TimePoint begin, TimePoint now) {
  return std::chrono::duration_cast<milliseconds>(now - begin);
}

}  // namespace

MountRecorder::MountRecorder(std::shared_ptr<LocalImage> image, std::string name,
                             fetcher::ProfileKeeper* keeper, bool at_once, RecordingRules rules)
    : image_(std::move(image)),
      name_(std::move(name)),
      keeper_(keeper),
      rules_(rules),
      touches_(image_->shape().blocks()) {
  if (keeper_ == nullptr || !touches_.usable() || !at_once) return;
  if (image_->usage().complete && keeper_->has(image_->info().id)) return;
  const Lock lock(mutex_);
  begin(false);
}

void MountRecorder::begin(bool by_hand) {
  by_hand_ = by_hand;
  recording_ = std::make_unique<BootRecording>(rules_);
  touches_.start();
}

void MountRecorder::drain() {
  recording_->add(touches_.take());
  recording_->resolve([this](BlockIndex block) { return image_->block_digest(block); });
}

RecordingStatus MountRecorder::status() const {
  const Lock lock(mutex_);
  if (!recording_) return {};
  return {.recording = true, .by_hand = by_hand_, .blocks = recording_->blocks()};
}

void MountRecorder::tick(TimePoint now, bool waiting) {
  const Lock lock(mutex_);
  if (!recording_) return;
  drain();
  const auto first = touches_.first_read();
  if (!first) return;
  if (waiting) recording_->still_active(since(*first, now));
  const milliseconds age = since(*first, now);
  if (by_hand_ ? age >= TouchLog::longest : recording_->is_over(age)) end_by_itself();
}

void MountRecorder::finish() {
  const Lock lock(mutex_);
  if (!recording_) return;
  drain();
  end_by_itself();
}

void MountRecorder::end_by_itself() {
  touches_.stop();
  const auto ended = std::exchange(recording_, nullptr);
  const RecordingKind kind = ended->kind(data_blocks());
  if (by_hand_ ? ended->blocks() == 0 : kind != RecordingKind::boot) {
    spdlog::debug("{}: {} blocks were read, which was no boot", name_, ended->blocks());
    return;
  }
  const fetcher::BootProfile profile = ended->profile(image_->info().id);
  if (auto kept = keeper_->record(profile); !kept) {
    spdlog::warn("{}: the profile of its boot is lost: {}", name_, kept.error().message());
    return;
  }
  spdlog::info("{}: boot recorded blocks={} seconds={:.1f}", name_, profile.entries.size(),
               std::chrono::duration<double>(profile.entries.back().at).count());
}

Result<void> MountRecorder::start() {
  const Lock lock(mutex_);
  if (keeper_ == nullptr || !touches_.usable()) {
    return fail(Errc::unsupported, Operation::mount, name_ + ": boots cannot be recorded here");
  }
  begin(true);
  return {};
}

Result<fetcher::BootProfile> MountRecorder::stop() {
  const Lock lock(mutex_);
  if (!recording_) {
    return fail(Errc::bad_request, Operation::mount,
                name_ + ": nothing is being recorded; start it first");
  }
  drain();
  touches_.stop();
  const auto ended = std::exchange(recording_, nullptr);
  if (ended->blocks() == 0) {
    return fail(Errc::bad_request, Operation::mount,
                name_ + ": no data was read from the mount while it was recorded");
  }
  fetcher::BootProfile profile = ended->profile(image_->info().id);
  WEFT_CHECK(keeper_->record(profile));
  return profile;
}

BlockCount MountRecorder::data_blocks() const {
  const ImageUsage usage = image_->usage();
  return usage.total - usage.zero;
}

}  // namespace weft::fs
