// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/served_mount.h"

#include "fs/read/process_state.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace weft::fs {

ServedMount::ServedMount(const MountHandle& handle, Parts parts)
    : key_(handle.key),
      target_(handle.spec.target),
      name_(parts.name),
      policy_(parts.policy),
      on_ended_(std::move(parts.ended)),
      reads_(parts.image, parts.fetcher,
             {.name = parts.name, .policy = parts.policy, .disk = parts.disk}, steady_clock(),
             system_processes()),
      served_{.image = parts.image,
              .kind = handle.spec.kind,
              .file_name = parts.name + ".raw",
              .reads = reads_,
              .disk = parts.disk} {}

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
          .waiting = reads_.waiting()};
}

}  // namespace weft::fs
