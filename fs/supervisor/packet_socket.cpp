// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/packet_socket.h"

#include "indexer/core/assert.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace weft::fs::supervision {
namespace {

using ControlBuffer = std::array<char, CMSG_SPACE(sizeof(int) * descriptors_per_packet)>;

std::unexpected<Error> gone() {
  return fail(Errc::cancelled, Operation::control, "worker or supervisor is gone");
}

void take_descriptors(msghdr& message, std::vector<UniqueFd>& out) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      out.emplace_back(fd);
    }
  }
}

}  // namespace

Result<std::pair<UniqueFd, UniqueFd>> make_socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail_errno(errno, Operation::open, "socket between supervisor and worker");
  }
  std::pair pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
  // net.core.wmem_max may bound this; its default still holds two of the largest packets.
  const int room = static_cast<int>(8 * max_packet);
  for (const int end : ends) {
    static_cast<void>(::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &room, sizeof room));
  }
  return pair;
}

bool is_packet_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

Result<bool> send_packet(int socket, std::span<const std::byte> bytes,
                         std::span<const int> descriptors) {
  WEFT_ASSERT(descriptors.size() <= descriptors_per_packet, "the caller splits them");
  iovec data{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  alignas(cmsghdr) ControlBuffer control{};
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  for (;;) {
    if (::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) return false;
    if (errno == EPIPE || errno == ECONNRESET) return gone();
    return fail_errno(errno, Operation::send, "socket between supervisor and worker");
  }
}

Result<std::optional<Received>> receive_packet(int socket) {
  Received received;
  received.bytes.resize(max_packet);
  iovec data{received.bytes.data(), received.bytes.size()};
  alignas(cmsghdr) ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t n = 0;
  do {
    n = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
  if (n == 0 || (n < 0 && errno == ECONNRESET)) return gone();
  if (n < 0) return fail_errno(errno, Operation::receive, "socket between supervisor and worker");
  take_descriptors(message, received.descriptors);
  received.descriptors_lost = (message.msg_flags & MSG_CTRUNC) != 0;
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    return fail(Errc::bad_request, Operation::receive, "oversized packet");
  }
  received.bytes.resize(static_cast<std::size_t>(n));
  return received;
}

}  // namespace weft::fs::supervision
