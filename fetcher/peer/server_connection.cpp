// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/server_connection.h"

#include "fetcher/peer/answer.h"
#include "fetcher/swarm/swarm_book.h"
#include "fetcher/wire/failure_code.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr std::size_t max_answers = 4096;
constexpr Duration goodbye_time = std::chrono::seconds(1);

std::unexpected<Error> broken(std::string detail) {
  return fail(Errc::peer_misbehaved, Operation::receive, std::move(detail));
}

// Control is for short answers; no guest waits for what images share.
wire::Priority highest_priority(wire::MessageType request) {
  switch (request) {
    case wire::MessageType::blocks_request:
    case wire::MessageType::blocks_by_digest_request:
      return wire::Priority::demand;
    case wire::MessageType::signature_request:
    case wire::MessageType::have_request:
    case wire::MessageType::profile_request:
      return wire::Priority::readahead;
    default:
      return wire::Priority::control;
  }
}

}  // namespace

ServerConnection::ServerConnection(ServerShared& shared, std::unique_ptr<Stream> stream)
    : shared_(shared),
      stream_(std::move(stream)),
      source_(*stream_,
              [this](std::size_t size) {
                shared_.stats.bytes_received += size;
                last_heard_ = shared_.context.timers.now();
              }),
      last_heard_(shared.context.timers.now()) {}

void ServerConnection::close() noexcept {
  if (std::exchange(closed_, true)) return;
  queue_.clear();
  watches_.clear();
  if (swarming_) shared_.context.swarms->left(node_);
  stream_->close();
  changed_.notify_all();
  watches_changed_.notify_all();
}

Awaitable<void> ServerConnection::run() {
  const auto self = shared_from_this();
  shared_.tasks.spawn("peer writer", [](std::shared_ptr<ServerConnection> c) -> Awaitable<void> {
    co_await c->write_frames();
  }(self));
  auto ended = co_await greet();
  if (ended) ended = co_await take_requests();
  if (!ended) co_await say_goodbye(std::move(ended).error());
  close();
}

Awaitable<Result<void>> ServerConnection::greet() {
  const Deadline watchdog(shared_.context.timers, in(shared_.options.handshake_timeout),
                          [this] { close(); });
  WEFT_CO_TRY(const auto frame, co_await source_.next());
  if (!frame) co_return fail(Errc::peer_unreachable, Operation::handshake);
  if (frame->header.type != wire::MessageType::hello || !frame->known) {
    co_return broken("the first frame is not a hello; is this a weft peer?");
  }
  WEFT_CO_TRY(const auto message, wire::decode(frame->payload, frame->header.type));
  const auto& theirs = std::get<wire::Hello>(message);
  const auto& ours = shared_.options.hello;
  if (theirs.version_max < ours.version_min || theirs.version_min > ours.version_max) {
    co_return fail(Errc::peer_version, Operation::handshake,
                   "this node speaks versions " + std::to_string(ours.version_min) + " to " +
                       std::to_string(ours.version_max) + ", the peer " +
                       std::to_string(theirs.version_min) + " to " +
                       std::to_string(theirs.version_max) + ": upgrade the older one");
  }
  features_ = ours.features & theirs.features;
  node_ = theirs.node;
  send(wire::Priority::control, 0, ours);
  co_return Result<void>();
}

bool ServerConnection::overloaded() const {
  return queue_.answers() >= max_answers ||
         queue_.request_bytes() > shared_.options.request_bytes ||
         queue_.ready_bytes() > shared_.options.answer_bytes;
}

Awaitable<Result<void>> ServerConnection::take_requests() {
  while (!closed_) {
    // Back-pressure: what the peer sends meanwhile waits in its own kernel.
    while (overloaded() && !closed_)
      co_await changed_.wait();
    const Deadline idle(shared_.context.timers, in(shared_.options.idle_timeout),
                        [this] { close(); });
    WEFT_CO_TRY(auto frame, co_await source_.next());
    if (!frame) break;
    WEFT_CO_CHECK(handle(*std::move(frame)));
    start_jobs();
  }
  co_return Result<void>();
}

Result<void> ServerConnection::handle(wire::Frame frame) {
  const wire::FrameHeader header = frame.header;
  if (!frame.known) {
    // A later version may ask for things unknown here; what belongs to no request is optional.
    if (header.request == 0) return {};
    const bool version = header.version != wire::version_of(header.type);
    send_failure(header.request,
                 fail(version ? Errc::peer_version : Errc::unsupported, Operation::receive,
                      "message type " + std::to_string(std::to_underlying(header.type)) +
                          " of version " + std::to_string(header.version))
                     .error());
    return {};
  }
  if ((wire::feature_of(header.type) & ~features_) != 0 && header.request != 0) {
    send_failure(header.request, fail(Errc::unsupported, Operation::receive,
                                      "a feature that the greetings did not agree upon")
                                     .error());
    return {};
  }
  WEFT_TRY(wire::Message message, wire::decode(frame.payload, header.type));
  return handle(header, std::move(message));
}

Result<void> ServerConnection::handle(const wire::FrameHeader& header, wire::Message message) {
  Store& store = shared_.context.store;
  if (auto* m = std::get_if<wire::BlocksRequest>(&message)) {
    return add_answer(header, answer_blocks(store, std::move(*m)));
  }
  if (auto* m = std::get_if<wire::BlocksByDigestRequest>(&message)) {
    return add_answer(header, answer_blocks_by_digest(store, std::move(*m)));
  }
  if (auto* m = std::get_if<wire::TreeNodesRequest>(&message)) {
    return add_answer(header, answer_tree_nodes(store, std::move(*m)));
  }
  if (auto* m = std::get_if<wire::TreePackRequest>(&message)) {
    return add_answer(header, answer_tree_pack(store, shared_.pack_budget, std::move(*m)));
  }
  if (const auto* m = std::get_if<wire::SignatureRequest>(&message)) {
    return add_answer(header, answer_signature(store, *m));
  }
  if (auto* m = std::get_if<wire::HaveRequest>(&message)) {
    return add_answer(header, answer_have(store, std::move(*m)));
  }
  if (const auto* m = std::get_if<wire::ProfileRequest>(&message)) {
    return handle_profile(header, *m);
  }
  if (auto* m = std::get_if<wire::FindImageRequest>(&message)) {
    return add_answer(header, answer_find_image(store, std::move(*m)));
  }
  if (auto* m = std::get_if<wire::ImageListRequest>(&message)) {
    return add_answer(header, answer_image_list(store, std::move(*m)));
  }
  if (const auto* m = std::get_if<wire::SwarmRequest>(&message)) {
    return handle_swarm(header, *m);
  }
  if (const auto* m = std::get_if<wire::Cancel>(&message)) {
    handle_cancel(*m);
    return {};
  }
  if (const auto* m = std::get_if<wire::Reprioritise>(&message)) {
    queue_.reprioritise(m->request, m->priority);
    changed_.notify_all();
    return {};
  }
  if (const auto* m = std::get_if<wire::WatchResidency>(&message)) {
    return handle_watch(header.request, *m);
  }
  if (const auto* m = std::get_if<wire::Ping>(&message)) {
    send(wire::Priority::control, 0, wire::Pong{m->token});
    return {};
  }
  if (const auto* m = std::get_if<wire::Failure>(&message)) {
    return std::unexpected(wire::to_error(*m, Operation::receive, remote()));
  }
  return broken("message " + std::string(wire::to_string(header.type)) +
                " is not one that this side expects");
}

Result<void> ServerConnection::add_answer(const wire::FrameHeader& header,
                                          std::unique_ptr<Answer> answer) {
  if (header.request == 0) return broken("a request without an id");
  const wire::Priority priority = std::max(header.priority, highest_priority(header.type));
  // What a waiting request takes: its lists in memory are at most twice what they were on the wire.
  const std::size_t cost = 2 * std::size_t{header.length} + 256;
  if (!queue_.add(header.request, priority, std::move(answer), cost)) {
    return broken("request id " + std::to_string(header.request) + " is in use");
  }
  ++shared_.stats.requests;
  return {};
}

Result<void> ServerConnection::handle_swarm(const wire::FrameHeader& header,
                                            const wire::SwarmRequest& request) {
  if (header.request == 0) return broken("a request without an id");
  SwarmBook* const book = shared_.context.swarms;
  if (book == nullptr) {
    send_failure(header.request, {.code = make_error_code(Errc::unsupported), .detail = {}});
    return {};
  }
  swarming_ = true;
  std::string address;
  if (auto seen = parse_address(remote()); seen && request.port != 0) {
    seen->port = request.port;
    address = to_string(*seen);
  }
  send(wire::Priority::readahead, header.request,
       book->asked(request, node_, std::move(address), shared_.context.timers.now()));
  return {};
}

Result<void> ServerConnection::handle_profile(const wire::FrameHeader& header,
                                              const wire::ProfileRequest& request) {
  ProfileKeeper* const profiles = shared_.context.profiles;
  if (profiles != nullptr) return add_answer(header, answer_profile(*profiles, request));
  if (header.request == 0) return broken("a request without an id");
  send_failure(header.request, {.code = make_error_code(Errc::unsupported), .detail = {}});
  return {};
}

void ServerConnection::handle_cancel(const wire::Cancel& cancel) {
  if (!queue_.cancel(cancel.request)) return;  // it has been answered meanwhile
  send_failure(cancel.request, {.code = make_error_code(Errc::cancelled), .detail = {}});
}

Awaitable<void> ServerConnection::say_goodbye(Error error) {
  if (error.is(Errc::peer_misbehaved) || error.is(Errc::peer_version)) error_ = error;
  if (closed_ || !error_) co_return;
  queue_.clear();
  send_failure(0, *error_);
  finishing_ = true;
  changed_.notify_all();
  watches_changed_.notify_all();
  // Closing at once could destroy the message on its way; so could bytes that nobody has read.
  const Deadline watchdog(shared_.context.timers, in(goodbye_time), [this] { close(); });
  std::vector<std::byte> ignored(4096);
  for (;;) {
    const auto size = co_await stream_->read_some(ignored);
    if (!size || *size == 0) co_return;
  }
}

void ServerConnection::send(wire::Priority priority, std::uint32_t request,
                            const wire::Message& message) {
  if (closed_ || finishing_) return;
  queue_.add_frame(priority, request, wire::encode(message, request, priority));
  changed_.notify_all();
}

void ServerConnection::send_failure(std::uint32_t request, const Error& error) {
  send(wire::Priority::control, request, wire::make_failure(error));
}

Awaitable<void> ServerConnection::write_frames() {
  while (!closed_) {
    auto ready = queue_.pop();
    if (!ready && finishing_) break;
    if (!ready) {
      const bool idle = queue_.answers() == 0;
      const TimePoint begun = shared_.context.timers.now();
      co_await changed_.wait();
      if (idle) {
        last_sent_ = shared_.context.timers.now();
        meter_.waited(*last_sent_ - begun);
      }
      continue;
    }
    start_jobs();           // there is room to look ahead again
    changed_.notify_all();  // and perhaps to read requests
    if (!co_await write(*std::move(ready))) break;
  }
  if (finishing_) {
    stream_->shutdown_write();
  } else {
    close();
  }
}

Awaitable<bool> ServerConnection::write(AnswerQueue::Ready ready) {
  Timers& timers = shared_.context.timers;
  const Deadline watchdog(timers, in(shared_.options.write_timeout), [this] { close(); });
  const TimePoint begun = timers.now();
  const auto written = co_await stream_->write(ready.frame);
  if (!written) co_return false;
  const TimePoint ended = timers.now();
  meter_.written(ready.frame.size(), ended - begun, ended - last_sent_.value_or(begun));
  last_sent_ = ended;
  note_link(ready.frame.size(), ended);
  shared_.stats.bytes_sent += ready.frame.size();
  shared_.stats.bytes_by_priority[static_cast<std::size_t>(ready.priority)] += ready.frame.size();
  co_return true;
}

void ServerConnection::note_link(std::size_t sent, TimePoint now) {
  LinkMonitor* const links = shared_.context.links;
  const auto sample = meter_.take_sample();
  if (links == nullptr || node_.is_zero()) return;
  links->sent(node_, sent);
  if (sample) links->sent(node_, sample->bytes_per_second, sample->busy, now);
}

void ServerConnection::start_jobs() {
  if (closed_ || finishing_) return;
  const int level = compression_level(meter_.bytes_per_second(), meter_.pace());
  while (auto job = queue_.next_job()) {
    shared_.tasks.spawn(
        "peer answer",
        [](std::shared_ptr<ServerConnection> c, AnswerQueue::Job j, int l) -> Awaitable<void> {
          co_await c->make_frame(std::move(j), l);
        }(shared_from_this(), *std::move(job), level));
  }
}

Awaitable<void> ServerConnection::make_frame(AnswerQueue::Job job, int level) {
  struct Made {
    std::vector<std::byte> frame;
    AnswerPart part;
  };
  const std::uint32_t request = job.request;
  const wire::Priority priority = job.priority;
  auto work = [answer = job.answer, request, priority, level]() -> Result<Made> {
    WEFT_TRY(AnswerPart part, answer->next(level));
    auto frame = wire::encode(part.message, request, priority);
    part.message = wire::Ping{};
    return Made{std::move(frame), std::move(part)};
  };
  const auto made = co_await run_on_worker(shared_.context.offload, std::move(work));
  if (closed_ || finishing_) co_return;
  if (made) {
    PeerServerStats& stats = shared_.stats;
    ++stats.batches;
    stats.blocks_sent += made->part.blocks_sent;
    stats.blocks_zero += made->part.blocks_zero;
    stats.blocks_absent += made->part.blocks_absent;
    queue_.made(request, made->frame, made->part.last);
  } else {
    const auto failure = wire::make_failure(made.error());
    queue_.made(request, wire::encode(failure, request, priority), true);
  }
  start_jobs();
  changed_.notify_all();
}

}  // namespace weft::fetcher
