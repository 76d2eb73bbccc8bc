// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/fuse_mount.h"

#include "fs/mount/probe.h"
#include "fs/mount/unmount.h"
#include "fs/session/open_table.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <span>

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weft::fs {
namespace {

constexpr const char* fuse_device = "/dev/fuse";
constexpr int init_timeout_ms = 5000;
constexpr Duration probe_deadline = std::chrono::seconds(1);

Result<UniqueFd> open_device() {
  UniqueFd fd(::open(fuse_device, O_RDWR | O_CLOEXEC));
  if (fd) return fd;
  if (errno == ENOENT || errno == ENXIO || errno == ENODEV) {
    return fail(Errc::not_permitted, Operation::mount,
                "there is no /dev/fuse: load the module with `modprobe fuse`; a container needs "
                "--device /dev/fuse and CAP_SYS_ADMIN");
  }
  if (errno == EACCES || errno == EPERM) {
    return fail(Errc::not_permitted, Operation::mount, "cannot open /dev/fuse: run weft as root");
  }
  return fail_errno(errno, Operation::open, fuse_device);
}

/// A dead mount would be covered, not replaced, and come back when the new one is unmounted.
Result<void> clear_target(const std::string& target) {
  for (;;) {
    WEFT_TRY(const MountTable table, MountTable::read());
    const MountEntry* there = table.at(target);
    if (there == nullptr) return {};
    if (!there->is_weft() || probe(target, probe_deadline) != Liveness::dead) {
      return fail(Errc::already_mounted, Operation::mount,
                  target + ": carries a mount of type " + there->type);
    }
    WEFT_CHECK(detach(*there, false));
  }
}

Result<void> mount_device(const UniqueFd& device, const std::string& target, TargetKind kind,
                          bool writable) {
  const std::string options = "fd=" + std::to_string(device.get()) +
                              ",rootmode=" + (kind == TargetKind::directory ? "40000" : "100000") +
                              ",user_id=0,group_id=0,allow_other,default_permissions,max_read=" +
                              std::to_string(max_read_bytes);
  const unsigned long flags = MS_NOSUID | MS_NODEV | (writable ? 0 : MS_RDONLY);
  if (::mount("weft", target.c_str(), std::string(mount_type).c_str(), flags, options.c_str()) ==
      0) {
    return {};
  }
  if (errno == EPERM || errno == EACCES) {
    return fail(Errc::not_permitted, Operation::mount,
                target + ": mounting needs root (CAP_SYS_ADMIN)");
  }
  if (errno == ENOENT || errno == ENOTDIR) {
    return fail(Errc::bad_target, Operation::mount, target + ": " + std::strerror(errno));
  }
  if (errno == ENODEV) {
    return fail(Errc::unsupported, Operation::mount,
                "this kernel has no FUSE: load the module with `modprobe fuse`");
  }
  return fail_errno(errno, Operation::mount, target);
}

Result<UniqueFd> clone_channel(const UniqueFd& original) {
  WEFT_TRY(UniqueFd clone, open_device());
  std::uint32_t source = static_cast<std::uint32_t>(original.get());
  if (::ioctl(clone.get(), FUSE_DEV_IOC_CLONE, &source) != 0) {
    return fail_errno(errno, Operation::mount, "cannot clone the /dev/fuse channel");
  }
  return clone;
}

Result<std::vector<std::byte>> read_init(const UniqueFd& channel) {
  pollfd p{channel.get(), POLLIN, 0};
  const int ready = ::poll(&p, 1, init_timeout_ms);
  if (ready < 0) return fail_errno(errno, Operation::mount, "waiting for the kernel's INIT");
  if (ready == 0) {
    return fail(Errc::deadline_passed, Operation::mount, "the kernel sent no INIT request");
  }
  std::vector<std::byte> request(FUSE_MIN_READ_BUFFER);
  const ssize_t n = ::read(channel.get(), request.data(), request.size());
  if (n < 0) return fail_errno(errno, Operation::mount, "reading the kernel's INIT");
  request.resize(static_cast<std::size_t>(n));
  fuse_in_header header{};
  if (request.size() >= sizeof header) std::memcpy(&header, request.data(), sizeof header);
  if (header.opcode != FUSE_INIT || request.size() < sizeof header + 16) {
    return fail(Errc::unsupported, Operation::mount, "the kernel's first request is not INIT");
  }
  return request;
}

bool write_read_ahead(DeviceId device) {
  const std::string path = "/sys/class/bdi/" + device.to_string() + "/read_ahead_kb";
  const std::string value = std::to_string(read_ahead_bytes / 1024);
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), value.data(), value.size()) == std::ssize(value);
}

void offer_read_ahead(std::span<std::byte> init_request) {
  const std::size_t at = sizeof(fuse_in_header) + offsetof(fuse_init_in, max_readahead);
  std::memcpy(init_request.data() + at, &read_ahead_bytes, sizeof read_ahead_bytes);
}

Result<void> complete(FuseMount& mount, unsigned channels) {
  WEFT_TRY(mount.init_request, read_init(mount.channels[0]));
  WEFT_TRY(mount.opens, OpenTable::make_memory());
  for (unsigned i = 1; i < channels; ++i) {
    WEFT_TRY(UniqueFd clone, clone_channel(mount.channels[0]));
    mount.channels.push_back(std::move(clone));
  }
  WEFT_TRY(const MountTable table, MountTable::read());
  const MountEntry* entry = table.at(mount.target);
  if (entry == nullptr || !entry->is_weft()) {
    return fail(Errc::bad_target, Operation::mount,
                mount.target + ": another mount came first, or the path has symlinks");
  }
  mount.device = entry->device;
  if (write_read_ahead(mount.device)) offer_read_ahead(mount.init_request);
  return {};
}

}  // namespace

Result<FuseMount> open_fuse_mount(const std::string& target, TargetKind kind, unsigned channels,
                                  bool writable) {
  if (channels == 0 || channels > max_channels || !target.starts_with('/')) {
    return fail(Errc::bad_request, Operation::mount,
                target + ": not an absolute path, or not 1 to " + std::to_string(max_channels) +
                    " channels");
  }
  WEFT_TRY(UniqueFd device, open_device());
  WEFT_CHECK(clear_target(target));
  WEFT_CHECK(mount_device(device, target, kind, writable));
  FuseMount mount{.target = target, .device = {}, .channels = {}, .init_request = {}, .opens = {}};
  mount.channels.push_back(std::move(device));
  if (auto done = complete(mount, channels); !done) {
    ::umount2(target.c_str(), MNT_DETACH);  // follows symlinks, as mount(2) did
    return std::unexpected(std::move(done).error());
  }
  return mount;
}

Result<void> close_fuse_mount(DeviceId device, bool force) {
  WEFT_TRY(const MountTable table, MountTable::read());
  for (const MountEntry* entry : table.of_device(device)) {
    if (force) {
      WEFT_CHECK(detach(*entry, true));
    } else {
      WEFT_CHECK(unmount(*entry));
    }
  }
  return {};
}

void detach_dead(DeviceId device) {
  const auto table = MountTable::read();
  if (!table) return;
  for (const MountEntry* entry : table->of_device(device)) {
    if (entry->is_weft() && probe(entry->point, probe_deadline) == Liveness::dead) {
      static_cast<void>(detach(*entry, false));
    }
  }
}

bool is_connected(const UniqueFd& channel) {
  pollfd p{channel.get(), 0, 0};
  return ::poll(&p, 1, 0) >= 0 && (p.revents & (POLLERR | POLLNVAL)) == 0;
}

}  // namespace weft::fs
