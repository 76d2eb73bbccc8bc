// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/served_mount.h"

#include "fs/read/process_state.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace weft::fs {
namespace {

ImageOpens::Parts parts_of_opens(const MountHandle& handle, const ServedMount::Parts& parts) {
  std::optional<OpenTable> table;
  if (auto mapped = OpenTable::map(handle.opens)) table.emplace(std::move(*mapped));
  return {
      .image = parts.image,
      // A disk's bytes are in two files.
      .policy = parts.disk ? PassthroughPolicy::off : parts.passthrough,
      .offered = offers_passthrough(handle.init_request),
      .table = std::move(table),
      .backing = make_backing_files(handle.channels.empty() ? -1 : handle.channels.front().get())};
}

}  // namespace

ServedMount::ServedMount(const MountHandle& handle, Parts parts)
    : key_(handle.key),
      target_(handle.spec.target),
      name_(parts.name),
      policy_(parts.policy),
      on_ended_(std::move(parts.ended)),
      recorder_(parts.image, parts.name, parts.profiles, !parts.taken_over),
      reads_(parts.image, parts.fetcher,
             {.name = parts.name,
              .policy = parts.policy,
              .disk = parts.disk,
              .touches = &recorder_.touches()},
             steady_clock(), system_processes()),
      opens_(parts_of_opens(handle, parts)),
      served_{.image = parts.image,
              .kind = handle.spec.kind,
              .file_name = parts.name + ".raw",
              .reads = reads_,
              .opens = opens_,
              .disk = parts.disk} {
  opens_.hold_off(recorder_.recording());
}

Result<std::unique_ptr<ServedMount>> ServedMount::start(MountHandle handle, Parts parts) {
  std::unique_ptr<ServedMount> mount(new ServedMount(handle, std::move(parts)));
  // Raw: the session's threads end before the mount does.
  auto session = FuseSession::start(std::move(handle), mount->served_,
                                    {.name = mount->name_, .ended = [self = mount.get()] {
                                       self->ended_ = true;
                                       self->on_ended_();
                                     }});
  if (!session) return std::unexpected(std::move(session).error());
  mount->session_ = std::move(*session);
  return mount;
}

void ServedMount::tick() {
  reads_.tick();
  recorder_.tick(steady_clock().now(), recorder_.recording() && !reads_.waiting().empty());
  opens_.hold_off(recorder_.recording());
}

Result<void> ServedMount::start_recording() {
  // Before the first read is noted none may be passed through.
  opens_.hold_off(true);
  auto started = recorder_.start();
  opens_.hold_off(recorder_.recording());
  return started;
}

Result<fetcher::BootProfile> ServedMount::stop_recording() {
  auto profile = recorder_.stop();
  opens_.hold_off(recorder_.recording());
  return profile;
}

ServedMount::~ServedMount() {
  stop();
}

void ServedMount::stop() {
  if (session_) session_->stop();
  reads_.close();
  session_.reset();
  // Nobody asked for it, and a successor has no need of it: it only makes a later power cut cost
  // less.
  if (served_.disk && !std::exchange(stopped_, true)) {
    if (const auto flushed = served_.disk->flush(); !flushed) {
      spdlog::error("{}: disk not flushed at its end: {}", name_, flushed.error().message());
    }
  }
}

MountStatus ServedMount::status() const {
  return {.target = target_,
          .kind = served_.kind,
          .name = name_,
          .image = served_.image->info().id,
          .disk = served_.disk != nullptr,
          .policy = policy_,
          .state = ended() ? MountState::ending : MountState::serving,
          .reads = reads_.statistics(),
          .changes = reads_.changes(),
          .opens = opens_.status(),
          .waiting = reads_.waiting(),
          .recording = recorder_.status(),
          .lost_blocks = served_.image->lost_blocks()};
}

}  // namespace weft::fs
