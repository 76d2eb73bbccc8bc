// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/link_socket.h"

#include "fs/supervisor/packet_socket.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

namespace weft::fs::supervision {
namespace {

std::unexpected<Error> lost() {
  return fail(Errc::cancelled, Operation::control, "the supervisor is lost");
}

int milliseconds_until(TimePoint deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock().now()).count();
  return static_cast<int>(std::clamp<long>(left, 0, 60'000));
}

}  // namespace

LinkSocket::LinkSocket(UniqueFd socket)
    : socket_(std::move(socket)), receiver_([this] { receive_loop(); }) {}

LinkSocket::~LinkSocket() {
  stopping_ = true;
  ::shutdown(socket_.get(), SHUT_RDWR);
  receiver_.join();
}

Result<void> LinkSocket::send(const Packet& packet, TimePoint deadline) {
  const std::vector<std::byte> bytes = encode(packet);
  for (;;) {
    WEFT_TRY(const bool sent, send_packet(socket_.get(), bytes, {}));
    if (sent) return {};
    pollfd p{socket_.get(), POLLOUT, 0};
    if (::poll(&p, 1, milliseconds_until(deadline)) == 0) {
      return fail(Errc::deadline_passed, Operation::control,
                  "the supervisor does not read its socket");
    }
  }
}

Result<LinkReply> LinkSocket::call(Message message, TimePoint deadline) {
  const bool mounts = std::holds_alternative<MountCall>(message);
  Packet packet{0, std::move(message)};
  {
    const Lock lock(mutex_);
    packet.request = next_request_++;
    waiting_.emplace(packet.request, std::nullopt);
  }
  auto sent = send(packet, deadline);
  const Lock lock(mutex_);
  const auto it = waiting_.find(packet.request);
  while (sent && !it->second && connected_) {
    if (!arrived_.wait_until(mutex_, deadline)) break;
  }
  auto reply = std::move(it->second);
  waiting_.erase(it);
  if (reply) return std::move(*reply);
  if (!connected_) return lost();
  if (!sent) return std::unexpected(std::move(sent).error());
  if (mounts) abandoned_mounts_.insert(packet.request);
  return fail(Errc::deadline_passed, Operation::control, "the supervisor does not answer");
}

void LinkSocket::receive_loop() {
  ::pthread_setname_np(::pthread_self(), "supervisor-link");
  while (receive_one()) {
  }
  disconnect();
}

bool LinkSocket::receive_one() {
  // No deadline: between calls there is nothing to wait for but the end of the supervisor, or of
  // this object, which shuts the socket down.
  pollfd p{socket_.get(), POLLIN, 0};
  if (::poll(&p, 1, -1) < 0) return errno == EINTR;
  auto received = receive_packet(socket_.get());
  if (!received) {
    if (!received.error().is(Errc::cancelled)) spdlog::error("{}", received.error().message());
    return false;
  }
  if (*received) accept(std::move(**received));
  return true;
}

void LinkSocket::accept(Received received) {
  auto packet = decode(received.bytes);
  if (!packet) {
    spdlog::error("from the supervisor: {}", packet.error().message());
    return;
  }
  if (std::holds_alternative<DescriptorsReply>(packet->message)) {
    return add_descriptors(std::move(received));
  }
  assembly_.reset();
  if (auto* mount = std::get_if<MountReply>(&packet->message)) {
    assembly_.emplace();
    assembly_->request = packet->request;
    assembly_->reply = std::move(*mount);
    return add_descriptors(std::move(received));
  }
  deliver(packet->request, LinkReply{std::move(packet->message), std::move(received.descriptors)});
}

void LinkSocket::add_descriptors(Received received) {
  if (!assembly_) return;
  MountAssembly& a = *assembly_;
  a.expected += std::min(descriptors_per_packet, a.reply.channels - a.expected);
  std::ranges::move(received.descriptors, std::back_inserter(a.descriptors));
  a.lost |= received.descriptors_lost;
  if (a.expected < a.reply.channels) return;
  if (a.lost || a.descriptors.size() != a.reply.channels) {
    if (!a.reply.inherited) {
      const Packet undo{0, UnmountCall{a.reply.key, true}};
      static_cast<void>(send(undo, steady_clock().now()));
    }
    deliver(a.request, fail_errno(EMFILE, Operation::mount,
                                  a.reply.spec.target +
                                      ": not all descriptors arrived; raise the limit of open "
                                      "files (LimitNOFILE, ulimit -n)"));
  } else {
    deliver(a.request, LinkReply{std::move(a.reply), std::move(a.descriptors)});
  }
  assembly_.reset();
}

void LinkSocket::deliver(std::uint64_t request, Result<LinkReply> reply) {
  MountKey orphan{};
  {
    const Lock lock(mutex_);
    if (const auto it = waiting_.find(request); it != waiting_.end()) {
      it->second.emplace(std::move(reply));
      arrived_.notify_all();
      return;
    }
    if (abandoned_mounts_.erase(request) == 0 || !reply) return;
    const auto* mount = std::get_if<MountReply>(&reply->message);
    if (mount == nullptr) return;
    orphan = mount->key;
  }
  spdlog::warn("a mount was completed after its caller had given up; unmounting it");
  static_cast<void>(send({0, UnmountCall{orphan, true}}, steady_clock().now()));
}

void LinkSocket::disconnect() {
  if (!stopping_) {
    spdlog::error(
        "the supervisor is gone; live mounts are still served, but end when this process ends. "
        "Restart the daemon when no guest needs them");
  }
  const Lock lock(mutex_);
  connected_ = false;
  arrived_.notify_all();
}

}  // namespace weft::fs::supervision
