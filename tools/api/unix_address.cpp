// SPDX-License-Identifier: Apache-2.0
#include "tools/api/unix_address.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/un.h>

namespace weft::tools {

Result<UnixAddress> unix_address(const std::filesystem::path& socket) {
  if (socket.native().size() < sizeof(sockaddr_un::sun_path)) {
    return UnixAddress{UniqueFd(), socket.native()};
  }
  const auto parent = socket.parent_path();
  UniqueFd directory(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return fail_errno(errno, Operation::open, parent.string());
  auto path = fmt::format("/proc/self/fd/{}/{}", directory.get(), socket.filename().string());
  return UnixAddress{std::move(directory), std::move(path)};
}

}  // namespace weft::tools
