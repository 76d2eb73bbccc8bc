// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/readiness.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace weft::fs {

Readiness::Readiness(UniqueFd pipe) : pipe_(std::move(pipe)) {
  if (pipe_) ::fcntl(pipe_.get(), F_SETFD, FD_CLOEXEC);
  if (const char* path = std::getenv("NOTIFY_SOCKET")) socket_path_ = path;
}

void Readiness::ready() {
  if (told_) return;
  told_ = true;
  if (pipe_) {
    static constexpr std::string_view line = "ready\n";
    static_cast<void>(!::write(pipe_.get(), line.data(), line.size()));
    pipe_.reset();
  }
  notify("READY=1");
}

void Readiness::stopping() {
  pipe_.reset();
  notify("STOPPING=1");
}

void Readiness::notify(const std::string& state) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path_.empty() || socket_path_.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, socket_path_.data(), socket_path_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // abstract
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path_.size());
  ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
           reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace weft::fs
