// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/request_server.h"

#include "fs/supervisor/packet_socket.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include <poll.h>

namespace weft::fs::supervision {
namespace {

Message result_of(Result<void> done) {
  if (done) return DoneReply{};
  return FailedReply{std::move(done).error()};
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace

short RequestServer::events() const {
  return outgoing_.empty() ? POLLIN : POLLOUT;
}

void RequestServer::on_event() {
  if (!outgoing_.empty()) return flush();
  auto received = receive_packet(socket_.get());
  if (!received) return socket_.reset();
  if (!*received) return;
  const auto packet = decode((*received)->bytes);
  if (packet) return answer(*packet);
  // The request's id may not be where this version expects it: the worker's deadline ends its wait.
  spdlog::error("from the worker: {}", packet.error().message());
  garbled_ = packet.error();
}

MountReply RequestServer::reply_for(const HeldMount& mount, bool inherited) {
  return {.key = mount.key,
          .spec = mount.spec,
          .device = mount.fuse.device,
          .init_request = mount.fuse.init_request,
          .inherited = inherited,
          .channels = static_cast<std::uint32_t>(mount.fuse.channels.size())};
}

Message RequestServer::perform(const Message& call) {
  return std::visit(
      Overloaded{[&](const ReadyCall&) -> Message {
                   ready_ = true;
                   return DoneReply{};
                 },
                 [&](const MountCall& m) -> Message {
                   if (auto limits = check_limits(m.spec); !limits)
                     return result_of(std::move(limits));
                   const auto mount = mounts_.mount(m.spec, m.channels);
                   if (!mount) return FailedReply{mount.error()};
                   spdlog::info("{}: mounted", m.spec.target);
                   return reply_for(**mount, false);
                 },
                 [&](const UnmountCall& m) -> Message {
                   return result_of(mounts_.unmount(m.key, m.force));
                 },
                 [&](const InheritedCall& m) -> Message {
                   const HeldMount* mount = mounts_.next_inherited(m.after);
                   if (mount == nullptr) return EndReply{};
                   return reply_for(*mount, true);
                 },
                 [&](const ForgetCall& m) -> Message {
                   mounts_.forget(m.key);
                   return DoneReply{};
                 },
                 [](const auto&) -> Message {
                   return FailedReply{
                       fail(Errc::bad_request, Operation::control, "not a call").error()};
                 }},
      call);
}

bool RequestServer::keep_for_upgrade(const Packet& packet) {
  constexpr std::size_t most_upgrade_calls = 4;
  const auto& call = packet.message;
  const bool of_upgrade =
      std::holds_alternative<UpgradeCall>(call) || std::holds_alternative<HandOverCall>(call) ||
      std::holds_alternative<StandByCall>(call) || std::holds_alternative<RefuseCall>(call);
  if (!of_upgrade || upgrade_calls_.size() >= most_upgrade_calls) return false;
  upgrade_calls_.push_back(packet);
  return true;
}

std::optional<Packet> RequestServer::take_upgrade_call() {
  if (upgrade_calls_.empty()) return std::nullopt;
  Packet call = std::move(upgrade_calls_.front());
  upgrade_calls_.pop_front();
  return call;
}

void RequestServer::reply(std::uint64_t request, Message reply) {
  if (!socket_) return;
  queue(request, std::move(reply));
  flush();
}

void RequestServer::answer(const Packet& packet) {
  if (keep_for_upgrade(packet)) return;
  if (restricted_) {
    return reply(packet.request, FailedReply{fail(Errc::not_permitted, Operation::control,
                                                  "a candidate that may not serve yet")
                                                 .error()});
  }
  if (const auto* opens = std::get_if<OpensCall>(&packet.message)) {
    answer_opens(packet.request, opens->key);
  } else {
    queue(packet.request, perform(packet.message));
  }
  flush();
}

void RequestServer::answer_opens(std::uint64_t request, MountKey key) {
  if (mounts_.find(key) == nullptr) {
    return queue(request, FailedReply{fail(Errc::not_mounted, Operation::control).error()});
  }
  outgoing_.push_back({encode({request, OpensReply{}}), key, 0, 0, true});
}

void RequestServer::queue(std::uint64_t request, Message reply) {
  const auto* mount = std::get_if<MountReply>(&reply);
  const MountKey key = mount != nullptr ? mount->key : MountKey{};
  const std::size_t channels = mount != nullptr ? mount->channels : 0;
  std::size_t count = std::min(channels, descriptors_per_packet);
  outgoing_.push_back({encode({request, std::move(reply)}), key, 0, count, false});
  for (std::size_t first = count; first < channels; first += count) {
    count = std::min(channels - first, descriptors_per_packet);
    outgoing_.push_back({encode({request, DescriptorsReply{}}), key, first, count, false});
  }
}

std::vector<int> RequestServer::descriptors_of(const Outgoing& packet) const {
  std::vector<int> result;
  const HeldMount* mount = mounts_.find(packet.mount);
  if (mount != nullptr && packet.opens) result.push_back(mount->fuse.opens.get());
  for (std::size_t i = 0; mount != nullptr && i < packet.count; ++i) {
    result.push_back(mount->fuse.channels[packet.first + i].get());
  }
  return result;
}

void RequestServer::flush() {
  while (!outgoing_.empty()) {
    const Outgoing& packet = outgoing_.front();
    const auto sent = send_packet(socket_.get(), packet.bytes, descriptors_of(packet));
    if (sent && !*sent) return;
    if (!sent) {
      if (!sent.error().is(Errc::cancelled)) spdlog::error("{}", sent.error().message());
      outgoing_.clear();
      return socket_.reset();
    }
    outgoing_.pop_front();
  }
}

}  // namespace weft::fs::supervision
