// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fs/fuse_wire.h"

#include "fs/session/fuse_abi.h"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <linux/fuse.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weft::testing {
namespace {

template <class Body>
std::span<const std::byte> bytes_of(const Body& body) {
  return std::as_bytes(std::span(&body, 1));
}

std::vector<std::byte> make_request(std::uint32_t opcode, std::uint64_t unique, std::uint64_t node,
                                    std::span<const std::byte> body, std::uint32_t thread_id) {
  fs::abi::InHeader header{};
  header.len = static_cast<std::uint32_t>(sizeof header + body.size());
  header.opcode = opcode;
  header.unique = unique;
  header.nodeid = node;
  header.pid = thread_id;
  std::vector<std::byte> request(header.len);
  std::memcpy(request.data(), &header, sizeof header);
  if (!body.empty()) std::memcpy(request.data() + sizeof header, body.data(), body.size());
  return request;
}

}  // namespace

FuseWire::FuseWire(unsigned channels) {
  for (unsigned i = 0; i < channels; ++i) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
      throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    // Replies of 128 KiB are one packet.
    const int size = 1 << 20;
    ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    kernel_.emplace_back(ends[0]);
    session_.emplace_back(ends[1]);
  }
}

fs::MountHandle FuseWire::handle(fs::TargetKind kind, bool inherited) {
  fuse_init_in init{};
  init.major = 7;
  init.minor = 38;
  init.max_readahead = 128 << 10;
  init.flags = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_AUTO_INVAL_DATA | FUSE_ASYNC_DIO |
               FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES;
  fs::MountHandle handle;
  handle.spec.target = "/nowhere";
  handle.spec.kind = kind;
  handle.channels = std::move(session_);
  handle.init_request = make_request(FUSE_INIT, 2, 0, bytes_of(init), 0);
  handle.inherited = inherited;
  return handle;
}

void FuseWire::send(unsigned channel, std::uint32_t opcode, std::uint64_t unique,
                    std::uint64_t node, std::span<const std::byte> body, std::uint32_t thread_id) {
  const auto request = make_request(opcode, unique, node, body, thread_id);
  if (::send(kernel_[channel].get(), request.data(), request.size(), 0) < 0) {
    throw std::system_error(errno, std::generic_category(), "send");
  }
}

void FuseWire::read(unsigned channel, std::uint64_t unique, std::uint64_t node,
                    std::uint64_t offset, std::uint32_t size, std::uint32_t thread_id) {
  fuse_read_in body{};
  body.offset = offset;
  body.size = size;
  send(channel, FUSE_READ, unique, node, bytes_of(body), thread_id);
}

void FuseWire::write(unsigned channel, std::uint64_t unique, std::uint64_t node,
                     std::uint64_t offset, std::span<const std::byte> bytes) {
  fuse_write_in head{};
  head.offset = offset;
  head.size = static_cast<std::uint32_t>(bytes.size());
  const auto head_bytes = bytes_of(head);
  std::vector<std::byte> body(head_bytes.begin(), head_bytes.end());
  body.insert(body.end(), bytes.begin(), bytes.end());
  send(channel, FUSE_WRITE, unique, node, body);
}

void FuseWire::interrupt(unsigned channel, std::uint64_t unique) {
  fuse_interrupt_in body{.unique = unique};
  send(channel, FUSE_INTERRUPT, unique | 1, 0, bytes_of(body));
}

void FuseWire::lookup(unsigned channel, std::uint64_t unique, std::string_view name) {
  const std::string text(name);
  send(channel, FUSE_LOOKUP, unique, fs::abi::root_node,
       std::as_bytes(std::span(text.c_str(), text.size() + 1)));
}

void FuseWire::open(unsigned channel, std::uint64_t unique, std::uint64_t node,
                    std::uint32_t flags) {
  fuse_open_in body{};
  body.flags = flags;
  send(channel, FUSE_OPEN, unique, node, bytes_of(body));
}

std::optional<FuseReply> FuseWire::reply(unsigned channel, std::chrono::milliseconds timeout) {
  pollfd ready{kernel_[channel].get(), POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(timeout.count())) <= 0) return std::nullopt;
  std::vector<std::byte> packet(1 << 20);
  const ssize_t size = ::recv(kernel_[channel].get(), packet.data(), packet.size(), 0);
  if (size < static_cast<ssize_t>(sizeof(fs::abi::OutHeader))) return std::nullopt;
  fs::abi::OutHeader header;
  std::memcpy(&header, packet.data(), sizeof header);
  packet.resize(static_cast<std::size_t>(size));
  packet.erase(packet.begin(), packet.begin() + sizeof header);
  const bool notification = header.unique == 0;
  return FuseReply{.unique = header.unique,
                   .error = notification ? header.error : -header.error,
                   .body = std::move(packet)};
}

void FuseWire::close() {
  kernel_.clear();
}

}  // namespace weft::testing
