// SPDX-License-Identifier: Apache-2.0
#include "fs/session/fuse_session.h"

#include "fs/read/read_service.h"
#include "fs/session/channel.h"
#include "fs/session/image_opens.h"
#include "fs/session/libfuse.h"
#include "fs/session/operations.h"
#include "fs/session/session_limits.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace weft::fs {

void FuseSession::Destroy::operator()(fuse_session* session) const noexcept {
  fuse_session_destroy(session);
}

FuseSession::FuseSession(MountHandle handle, const ServedImage& served, Options options)
    : options_(std::move(options)), served_(served), handle_(std::move(handle)) {}

FuseSession::~FuseSession() {
  stop();
}

Result<std::unique_ptr<FuseSession>> FuseSession::start(MountHandle handle,
                                                        const ServedImage& served,
                                                        Options options) {
  if (handle.channels.empty() || handle.init_request.size() < sizeof(abi::InHeader)) {
    return fail(Errc::bad_request, Operation::serve, "a mount without channel or INIT request");
  }
  std::unique_ptr<FuseSession> session(
      new FuseSession(std::move(handle), served, std::move(options)));
  WEFT_CHECK(session->open());
  WEFT_CHECK(session->replay_init());
  if (session->handle_.inherited) session->ask_for_unanswered();
  WEFT_CHECK(session->start_threads());
  return session;
}

Result<void> FuseSession::open() {
  char program[] = "weft";
  char* arguments[] = {program, nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  const fuse_lowlevel_ops operations = make_operations();
  // libfuse hands the pointer back as it got it; operations only read from it.
  session_.reset(
      fuse_session_new(&args, &operations, sizeof operations, const_cast<ServedImage*>(&served_)));
  fuse_opt_free_args(&args);
  if (!session_) return fail(Errc::unsupported, Operation::serve, "libfuse refuses its options");

  UniqueFd own(::fcntl(handle_.channels.front().get(), F_DUPFD_CLOEXEC, 0));
  if (!own) return fail_errno(errno, Operation::serve, "cannot duplicate the FUSE channel");
  if (fuse_session_custom_io(session_.get(), &channel_io(), own.get()) != 0) {
    return fail(Errc::unsupported, Operation::serve, "libfuse refuses custom I/O");
  }
  (void)own.release();  // closed by fuse_session_destroy
  return {};
}

Result<void> FuseSession::replay_init() {
  const ChannelScope scope(handle_.channels.front().get());
  std::optional<PassthroughOffer> passthrough;
  if (offers_passthrough(handle_.init_request)) passthrough.emplace();
  std::vector<std::byte> request = handle_.init_request;
  fuse_buf buffer{};
  buffer.mem = request.data();
  buffer.size = request.size();
  fuse_session_process_buf(session_.get(), &buffer);
  if (fuse_session_exited(session_.get()) != 0) {
    return fail(Errc::unsupported, Operation::serve, "this kernel's FUSE is not compatible");
  }
  return {};
}

void FuseSession::ask_for_unanswered() {
  const abi::OutHeader resend{
      .len = sizeof(abi::OutHeader), .error = abi::notify_resend, .unique = 0};
  const int channel = handle_.channels.front().get();
  if (::write(channel, &resend, sizeof resend) >= 0) return;
  // Before Linux 6.9; then reads that were in flight at the hand-over wait until they are killed.
  spdlog::warn("{}: the kernel cannot send unanswered requests again: {}", options_.name,
               std::strerror(errno));
}

Result<void> FuseSession::start_threads() {
  running_ = static_cast<unsigned>(handle_.channels.size());
  for (unsigned i = 0; i < handle_.channels.size(); ++i) {
    auto thread = ChannelThread::start(
        {.name = "fuse/" + std::to_string(i) + " " + options_.name, .index = i},
        [this, channel = handle_.channels[i].get()] { serve(channel); });
    if (!thread) {
      running_ -= static_cast<unsigned>(handle_.channels.size()) - i;
      return std::unexpected(std::move(thread).error());
    }
    threads_.push_back(std::move(*thread));
  }
  return {};
}

void FuseSession::serve(int channel) {
  const ChannelScope scope(channel);
  // Not initialised: requests are small, and untouched pages cost no memory.
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(channel_buffer_size);
  while (!stopping_.load(std::memory_order_relaxed) &&
         serve_one(channel, {buffer.get(), channel_buffer_size})) {
  }
  if (--running_ == 0 && !stopping_.load() && options_.ended) options_.ended();
}

bool FuseSession::serve_one(int channel, std::span<std::byte> buffer) {
  const ssize_t size = ::read(channel, buffer.data(), buffer.size());
  if (size < 0) {
    // ENOENT: the request was interrupted before it was read.
    if (errno == EINTR || errno == EAGAIN || errno == ENOENT) return true;
    if (errno != ENODEV && errno != ECONNABORTED) {
      spdlog::error("{}: reading from /dev/fuse: {}", options_.name, std::strerror(errno));
    }
    return false;
  }
  abi::InHeader header;
  if (static_cast<std::size_t>(size) < sizeof header) return false;
  std::memcpy(&header, buffer.data(), sizeof header);
  if (header.opcode == abi::opcode_interrupt)
    return interrupt(buffer.first(static_cast<std::size_t>(size)));
  ChannelScope::set_request(header.unique);
  fuse_buf request{};
  request.mem = buffer.data();
  request.size = static_cast<std::size_t>(size);
  fuse_session_process_buf(session_.get(), &request);
  return true;
}

bool FuseSession::interrupt(std::span<const std::byte> request) {
  abi::InterruptIn body;
  if (request.size() < sizeof(abi::InHeader) + sizeof body) return false;
  std::memcpy(&body, request.data() + sizeof(abi::InHeader), sizeof body);
  try {
    served_.reads.interrupt(RequestKey{body.unique});
  } catch (...) {
    log_exception("interrupt", std::current_exception());
  }
  return true;
}

void FuseSession::stop() {
  stopping_ = true;
  constexpr auto pause = std::chrono::milliseconds(1);
  auto patience = std::chrono::milliseconds(5000);
  for (const auto& thread : threads_) {
    // Again and again: a signal that comes just before the thread enters read(2) is lost.
    for (thread->wake(); !thread->ended_within(pause); thread->wake()) {
      if (patience == pause)
        spdlog::error("{}: cannot stop yet: a read of the local disk hangs", options_.name);
      patience -= pause;
    }
  }
  threads_.clear();
}

}  // namespace weft::fs
