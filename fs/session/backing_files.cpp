// SPDX-License-Identifier: Apache-2.0
#include "fs/session/backing_files.h"

#include "fs/session/fuse_abi.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/ioctl.h>

namespace weft::fs {
namespace {

// Of linux/fuse.h since 6.9: FUSE_DEV_IOC_BACKING_OPEN and _CLOSE.
constexpr unsigned ioctl_magic = 229;
constexpr unsigned long backing_open = _IOW(ioctl_magic, 1, abi::BackingMap);
constexpr unsigned long backing_close = _IOW(ioctl_magic, 2, std::uint32_t);

class KernelBackingFiles final : public BackingFiles {
 public:
  explicit KernelBackingFiles(int channel) : channel_(::fcntl(channel, F_DUPFD_CLOEXEC, 3)) {}

  Result<std::int32_t> open(int descriptor) override {
    abi::BackingMap map{.descriptor = descriptor, .flags = 0, .padding = 0};
    const int id = ::ioctl(channel_.get(), backing_open, &map);
    if (id > 0) return id;
    return fail_errno(id < 0 ? errno : EIO, Operation::serve, "backing file for passthrough");
  }

  void close(std::int32_t id) override {
    auto number = static_cast<std::uint32_t>(id);
    static_cast<void>(::ioctl(channel_.get(), backing_close, &number));
  }

 private:
  const UniqueFd channel_;
};

}  // namespace

std::unique_ptr<BackingFiles> make_backing_files(int channel) {
  return std::make_unique<KernelBackingFiles>(channel);
}

}  // namespace weft::fs
