// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/worker_link.h"

#include "fs/mount/mount_users.h"
#include "fs/supervisor/direct_keeper.h"
#include "fs/supervisor/fuse_mount.h"
#include "fs/supervisor/link_socket.h"
#include "fs/supervisor/mount_registry.h"
#include "fs/supervisor/packet_socket.h"
#include "fs/supervisor/worker_process.h"
#include "indexer/core/mutex.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include <fcntl.h>

namespace weft::fs {
namespace {

using namespace supervision;

/// Keys of mounts made without the supervisor start here, far above what it has given out.
constexpr MountKey own_keys{std::uint64_t{1} << 48};

/// A supervisor that knows the call answers it at once, but for one that mounts or unmounts.
constexpr Duration opens_deadline = std::chrono::seconds(2);

UniqueFd copy_of(const UniqueFd& descriptor) {
  return UniqueFd(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 3));
}

/// What is needed to unmount, and to serve again, without the supervisor. All channels: the kernel
/// fails the requests that were taken from one that is closed.
HeldMount known_of(const MountHandle& handle, DeviceId device) {
  HeldMount known{.key = handle.key,
                  .spec = handle.spec,
                  .fuse = {.target = handle.spec.target,
                           .device = device,
                           .channels = {},
                           .init_request = handle.init_request,
                           .opens = copy_of(handle.opens)}};
  for (const UniqueFd& channel : handle.channels)
    known.fuse.channels.push_back(copy_of(channel));
  return known;
}

class SupervisedKeeper final : public WorkerLink {
 public:
  SupervisedKeeper(UniqueFd socket, WorkerLinkOptions options)
      : options_(options), own_(make_direct_mount_keeper(own_keys)), socket_(std::move(socket)) {}

  Result<MountHandle> mount(MountSpec spec, unsigned channels) override {
    WEFT_CHECK(check_limits(spec));
    if (channels == 0 || channels > max_channels) {
      return fail(Errc::bad_request, Operation::mount, "number of channels");
    }
    if (supervised()) {
      auto reply = call(MountCall{spec, channels});
      if (reply || !reply.error().is(Errc::cancelled)) return remember(std::move(reply));
    }
    spdlog::warn("{}: mounting without a supervisor; the mount ends with this process",
                 spec.target);
    return own_->mount(std::move(spec), channels);
  }

  Result<void> unmount(MountKey key, bool force) override {
    Result<void> done;
    if (key > own_keys) {
      done = own_->unmount(key, force);
    } else if (auto reply = supervised() ? call(UnmountCall{key, force}) : lost(); reply) {
      done = {};
    } else if (!reply.error().is(Errc::cancelled)) {
      done = std::unexpected(std::move(reply).error());
      if (done.error().is(Errc::target_busy)) name_users(done.error(), device_of(key));
    } else {
      done = unmount_alone(key, force);
    }
    if (done) drop(key);
    return done;
  }

  Result<std::vector<MountHandle>> inherited() override {
    auto mounts = supervised() ? inherited_of_supervisor() : lost();
    if (!mounts && mounts.error().is(Errc::cancelled)) return inherited_alone();
    if (mounts) has_inherited_ = true;
    return mounts;
  }

  void forget(MountKey key) override {
    if (key > own_keys) return own_->forget(key);
    drop(key);
    if (supervised()) static_cast<void>(call(ForgetCall{key}));
  }

  Result<void> report_ready() override {
    WEFT_CHECK(call(ReadyCall{}));
    return {};
  }

  [[nodiscard]] bool supervised() const noexcept override { return socket_.connected(); }

  /// Also without the supervisor: an old worker may have those of its candidate.
  [[nodiscard]] bool shared() const noexcept override { return true; }

  Result<Candidate> prepare_upgrade(const std::string& binary) override {
    if (binary.size() > max_text) {
      return fail(Errc::bad_request, Operation::serve, "the binary's path is too long");
    }
    WEFT_TRY(LinkReply reply, call(UpgradeCall{binary}, options_.upgrade_deadline));
    auto* candidate = std::get_if<StandingByReply>(&reply.message);
    if (candidate == nullptr) return unexpected_reply();
    return Candidate{candidate->process_id, std::move(candidate->build)};
  }

  Result<void> hand_over() override {
    WEFT_CHECK(call(HandOverCall{}, options_.upgrade_deadline));
    return {};
  }

  Result<void> stand_by(const std::string& build) override {
    WEFT_CHECK(call(StandByCall{build}, options_.upgrade_deadline));
    return {};
  }

  void refuse(const Error& why) override { static_cast<void>(call(RefuseCall{why})); }

 private:
  static std::unexpected<Error> lost() {
    return fail(Errc::cancelled, Operation::control, "the supervisor is lost");
  }
  static std::unexpected<Error> unexpected_reply() {
    return fail(Errc::bad_request, Operation::control, "unexpected reply of the supervisor");
  }

  Result<LinkReply> call(Message message) {
    return call(std::move(message), options_.call_deadline);
  }

  Result<LinkReply> call(Message message, Duration at_most) {
    WEFT_TRY(LinkReply reply, socket_.call(std::move(message), steady_clock().now() + at_most));
    if (auto* failed = std::get_if<FailedReply>(&reply.message)) {
      return std::unexpected(std::move(failed->error));
    }
    return reply;
  }

  Result<std::vector<MountHandle>> inherited_of_supervisor() {
    std::vector<MountHandle> mounts;
    for (MountKey after{};;) {
      WEFT_TRY(LinkReply reply, call(InheritedCall{after}));
      if (std::holds_alternative<EndReply>(reply.message)) return mounts;
      WEFT_TRY(MountHandle handle, remember(std::move(reply)));
      if (handle.key <= after) return unexpected_reply();
      after = handle.key;
      mounts.push_back(std::move(handle));
    }
  }

  /// What this process served until it suspended. One that has never served leaves it to that one.
  Result<std::vector<MountHandle>> inherited_alone() WEFT_EXCLUDES(mutex_) {
    if (!has_inherited_) return lost();
    std::vector<MountHandle> mounts;
    const Lock lock(mutex_);
    for (const auto& [key, mount] : known_) {
      if (!is_connected(mount.fuse.channels.front())) continue;
      WEFT_TRY(MountHandle handle, duplicate(mount, true));
      mounts.push_back(std::move(handle));
    }
    return mounts;
  }

  /// An older supervisor keeps no such memory and does not answer: then none, at once from the
  /// second time on.
  UniqueFd opens_of(MountKey key) {
    if (no_opens_) return UniqueFd();
    auto reply = socket_.call(
        OpensCall{key}, steady_clock().now() + std::min(opens_deadline, options_.call_deadline));
    if (!reply && reply.error().is(Errc::deadline_passed)) no_opens_ = true;
    if (!reply || !std::holds_alternative<OpensReply>(reply->message) ||
        reply->descriptors.size() != 1) {
      return UniqueFd();
    }
    return std::move(reply->descriptors.front());
  }

  Result<MountHandle> remember(Result<LinkReply> reply) WEFT_EXCLUDES(mutex_) {
    if (!reply) return std::unexpected(std::move(reply).error());
    auto* mount = std::get_if<MountReply>(&reply->message);
    if (mount == nullptr || reply->descriptors.empty()) return unexpected_reply();
    MountHandle handle{.key = mount->key,
                       .spec = std::move(mount->spec),
                       .channels = std::move(reply->descriptors),
                       .init_request = std::move(mount->init_request),
                       .opens = opens_of(mount->key),
                       .inherited = mount->inherited};
    HeldMount known = known_of(handle, mount->device);
    const Lock lock(mutex_);
    known_.insert_or_assign(handle.key, std::move(known));
    return handle;
  }

  Result<void> unmount_alone(MountKey key, bool force) WEFT_EXCLUDES(mutex_) {
    DeviceId device;
    {
      const Lock lock(mutex_);
      const auto it = known_.find(key);
      if (it == known_.end()) return fail(Errc::not_mounted, Operation::umount);
      device = it->second.fuse.device;
      if (!is_connected(it->second.fuse.channels.front())) return {};
    }
    auto done = close_fuse_mount(device, force);
    if (!done && done.error().is(Errc::target_busy)) name_users(done.error(), device);
    return done;
  }

  DeviceId device_of(MountKey key) WEFT_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    const auto it = known_.find(key);
    return it == known_.end() ? DeviceId{} : it->second.fuse.device;
  }

  void drop(MountKey key) WEFT_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    known_.erase(key);
  }

  const WorkerLinkOptions options_;
  const std::unique_ptr<MountKeeper> own_;
  std::atomic<bool> no_opens_{false};
  std::atomic<bool> has_inherited_{false};
  Mutex mutex_;
  std::map<MountKey, HeldMount> known_ WEFT_GUARDED_BY(mutex_);
  LinkSocket socket_;  // last: its thread ends before what it could touch
};

}  // namespace

UniqueFd take_supervisor_socket() {
  const char* text = std::getenv(socket_variable);
  if (text == nullptr) return UniqueFd();
  int fd = -1;
  const char* end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, fd);
  const bool good = parsed.ec == std::errc{} && parsed.ptr == end && fd > 2;
  ::unsetenv(socket_variable);
  if (!good || !is_packet_socket(fd)) return UniqueFd();
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return UniqueFd(fd);
}

bool take_standby() {
  const bool standby = std::getenv(standby_variable) != nullptr;
  ::unsetenv(standby_variable);
  return standby;
}

std::unique_ptr<WorkerLink> connect_mount_keeper(UniqueFd socket, WorkerLinkOptions options) {
  return std::make_unique<SupervisedKeeper>(std::move(socket), options);
}

}  // namespace weft::fs
