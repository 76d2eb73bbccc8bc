// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/session_core.h"

#include "fetcher/profile/profile_codec.h"
#include "indexer/similarity/signature_codec.h"

#include <algorithm>
#include <string>
#include <utility>

namespace weft::fetcher {
namespace {

wire::MessageType answer_to(const wire::Message& request) {
  switch (wire::type_of(request)) {
    case wire::MessageType::image_list_request:
      return wire::MessageType::image_list;
    case wire::MessageType::find_image_request:
      return wire::MessageType::image_found;
    case wire::MessageType::tree_pack_request:
      return wire::MessageType::tree_pack;
    case wire::MessageType::signature_request:
      return wire::MessageType::signature_answer;
    case wire::MessageType::have_request:
      return wire::MessageType::have_answer;
    case wire::MessageType::swarm_request:
      return wire::MessageType::swarm_answer;
    case wire::MessageType::profile_request:
      return wire::MessageType::profile_answer;
    default:
      return wire::MessageType::tree_nodes;
  }
}

}  // namespace

SessionCore::SessionCore(PeerContext context, PeerOptions options, std::unique_ptr<Stream> stream)
    : context_(context),
      options_(std::move(options)),
      stream_(std::move(stream)),
      source_(*stream_,
              [this](std::size_t size) {
                heard_ = now();
                stats_.bytes_received += size;
                if (!outstanding_.empty()) rate_.arrived(heard_, size);
              }),
      begun_(context.timers.now()),
      heard_(begun_) {}

void SessionCore::start() {
  send(wire::Priority::control, 0, options_.hello);
  const auto self = shared_from_this();
  context_.tasks.spawn("session writer", [](std::shared_ptr<SessionCore> s) -> Awaitable<void> {
    co_await s->write_frames();
  }(self));
  context_.tasks.spawn("session reader", [](std::shared_ptr<SessionCore> s) -> Awaitable<void> {
    co_await s->read_frames();
  }(self));
  context_.tasks.spawn("session watch", [](std::shared_ptr<SessionCore> s) -> Awaitable<void> {
    co_await s->watch_silence();
  }(self));
}

Awaitable<Result<void>> SessionCore::greeted(TimePoint deadline) {
  bool in_time = true;
  while (!greeted_ && !closed_ && in_time) {
    in_time = co_await changed_.wait_until(context_.timers, deadline);
  }
  if (closed_) co_return std::unexpected(*closed_);
  if (greeted_) co_return Result<void>();
  co_return fail(Errc::deadline_passed, Operation::handshake,
                 "peer " + stream_->remote() + " accepts connections but does not answer");
}

std::optional<Error> SessionCore::cannot_send(const wire::Message& request) const {
  if (closed_) {
    return Error{make_error_code(Errc::peer_unreachable), Operation::send, closed_->message()};
  }
  if (outstanding_.size() >= options_.max_outstanding) {
    return Error{make_error_code(Errc::queue_full), Operation::send,
                 "too many requests to peer " + stream_->remote()};
  }
  if (auto valid = wire::check(request); !valid) return std::move(valid).error();
  return std::nullopt;
}

std::uint32_t SessionCore::next_id() {
  do {
    ++last_id_;
  } while (last_id_ == 0 || outstanding_.contains(last_id_));
  return last_id_;
}

void SessionCore::send(wire::Priority priority, std::uint32_t request,
                       const wire::Message& message) {
  to_send_[static_cast<std::size_t>(priority)].push_back(wire::encode(message, request, priority));
  can_send_.notify_all();
}

Awaitable<Result<wire::Message>> SessionCore::call(wire::Message request, wire::Priority priority,
                                                   TimePoint deadline) {
  auto call = std::make_shared<Call>();
  co_return co_await await_answer(std::move(request), std::move(call), priority, deadline);
}

Awaitable<Result<std::vector<NodePack>>> SessionCore::call_packs(wire::TreePackRequest request,
                                                                 wire::Priority priority,
                                                                 TimePoint deadline) {
  if (auto error = cannot_send(request)) co_return std::unexpected(*std::move(error));
  auto call = std::make_shared<Call>();
  const auto packs = call->packs = std::make_shared<PackLedger>(request);
  wire::Message message = std::move(request);
  WEFT_CO_CHECK(co_await await_answer(std::move(message), std::move(call), priority, deadline));
  co_return packs->take();
}

Awaitable<Result<std::vector<std::byte>>> SessionCore::call_signature(
    wire::SignatureRequest request, wire::Priority priority, TimePoint deadline) {
  const std::size_t most = max_encoded_signature(request.max_keys);
  co_return co_await call_bytes(std::move(request), most, priority, deadline);
}

Awaitable<Result<std::vector<std::byte>>> SessionCore::call_profile(wire::ProfileRequest request,
                                                                    TimePoint deadline) {
  const std::size_t most = max_encoded_profile(request.max_entries);
  co_return co_await call_bytes(std::move(request), most, wire::Priority::readahead, deadline);
}

Awaitable<Result<std::vector<std::byte>>> SessionCore::call_bytes(wire::Message request,
                                                                  std::size_t most,
                                                                  wire::Priority priority,
                                                                  TimePoint deadline) {
  auto call = std::make_shared<Call>();
  call->max_bytes = most;
  const auto parts = call;
  WEFT_CO_CHECK(co_await await_answer(std::move(request), std::move(call), priority, deadline));
  co_return std::move(parts->bytes);
}

Awaitable<Result<std::vector<bool>>> SessionCore::call_have(wire::HaveRequest request,
                                                            TimePoint deadline) {
  const std::size_t asked = request.keys.size();
  wire::Message message = std::move(request);
  WEFT_CO_TRY(wire::Message answer,
              co_await call(std::move(message), wire::Priority::readahead, deadline));
  auto& held = std::get<wire::HaveAnswer>(answer).held;
  if (held.size() == asked) co_return std::move(held);
  const Error reason{make_error_code(Errc::peer_misbehaved), Operation::receive,
                     "it was asked for " + std::to_string(asked) + " blocks and answered for " +
                         std::to_string(held.size())};
  close(reason);
  co_return std::unexpected(reason);
}

Awaitable<Result<void>> SessionCore::agreed(wire::MessageType type, TimePoint deadline) {
  const std::uint64_t feature = wire::feature_of(type);
  if (feature == 0) co_return Result<void>();
  if ((options_.hello.features & feature) != 0) {
    WEFT_CO_CHECK(co_await greeted(deadline));
    if ((remote_.features & feature) != 0) co_return Result<void>();
  }
  co_return fail(Errc::unsupported, Operation::send,
                 "peer " + stream_->remote() + " and this node do not both know messages of type " +
                     std::string(wire::to_string(type)));
}

Awaitable<Result<wire::Message>> SessionCore::await_answer(wire::Message request,
                                                           std::shared_ptr<Call> call,
                                                           wire::Priority priority,
                                                           TimePoint deadline) {
  WEFT_CO_CHECK(co_await agreed(wire::type_of(request), deadline));
  if (auto error = cannot_send(request)) co_return std::unexpected(*std::move(error));
  const std::uint32_t id = next_id();
  call->answer = answer_to(request);
  outstanding_.emplace(id, Outstanding{.on_batch = {}, .call = call, .ledger = {}, .sent = now()});
  rate_.asked(now());
  ++stats_.requests;
  send(priority, id, request);
  bool in_time = true;
  while (!call->result && in_time) {
    in_time = co_await call->done.wait_until(context_.timers, deadline);
  }
  if (call->result) co_return *std::move(call->result);
  cancel(RequestId{id});
  co_return fail(Errc::deadline_passed, Operation::receive,
                 "peer " + stream_->remote() + " did not answer in time");
}

RequestId SessionCore::ask_blocks(wire::Message request, std::vector<BlockRange> asked,
                                  wire::Priority priority, PeerSession::OnBatch on_batch) {
  const std::uint32_t id = next_id();
  if (auto error = cannot_send(request)) {
    fail_later(std::move(on_batch), *std::move(error));
    return RequestId{id};
  }
  outstanding_.emplace(
      id, Outstanding{.on_batch = std::make_shared<PeerSession::OnBatch>(std::move(on_batch)),
                      .call = {},
                      .ledger = std::make_shared<BlockLedger>(asked),
                      .sent = now()});
  rate_.asked(now());
  ++stats_.requests;
  send(priority, id, request);
  return RequestId{id};
}

void SessionCore::fail_later(PeerSession::OnBatch on_batch, Error error) {
  // Not from within the call: the caller does not know the request's id yet.
  context_.timers.call_at(now(), [weak = weak_from_this(), handler = std::move(on_batch),
                                  e = std::move(error)]() mutable {
    if (weak.lock() != nullptr) handler(std::unexpected(std::move(e)), true);
  });
}

void SessionCore::reprioritise(RequestId id, wire::Priority priority) {
  const auto number = std::to_underlying(id);
  const auto found = outstanding_.find(number);
  if (found == outstanding_.end() || found->second.on_batch == nullptr) return;
  send(wire::Priority::control, 0, wire::Reprioritise{.request = number, .priority = priority});
}

void SessionCore::cancel(RequestId id) {
  const auto found = outstanding_.find(std::to_underlying(id));
  if (found == outstanding_.end()) return;
  if (found->second.on_batch == nullptr && found->second.call == nullptr) return;
  // The entry stays until the peer has ended its answer: frames may be on their way.
  Outstanding ended = found->second;
  found->second = Outstanding{.on_batch = {}, .call = {}, .ledger = {}, .sent = ended.sent};
  send(wire::Priority::control, 0, wire::Cancel{std::to_underlying(id)});
  finish(std::move(ended), {make_error_code(Errc::cancelled), Operation::fetch, {}});
}

void SessionCore::watch(const ImageId& image, PeerSession::OnResidency on_residency) {
  if (closed_) return;
  const std::uint32_t id = next_id();
  watches_[image] = {id, std::make_shared<PeerSession::OnResidency>(std::move(on_residency))};
  send(wire::Priority::control, id, wire::WatchResidency{.image = image, .watch = true});
}

void SessionCore::unwatch(const ImageId& image) {
  if (watches_.erase(image) == 0 || closed_) return;
  send(wire::Priority::control, 0, wire::WatchResidency{.image = image, .watch = false});
}

void SessionCore::on_closed(PeerSession::OnClosed handler) {
  if (!closed_) {
    on_closed_ = std::move(handler);
    return;
  }
  context_.timers.call_at(now(), [weak = weak_from_this(), h = std::move(handler)]() mutable {
    if (const auto self = weak.lock()) h(*self->closed_);
  });
}

void SessionCore::close(const Error& reason) {
  if (closed_) return;
  const auto self = shared_from_this();
  closed_ = reason;
  stream_->close();
  can_send_.notify_all();
  changed_.notify_all();
  watches_.clear();
  for (auto& queue : to_send_)
    queue.clear();
  for (auto& [id, outstanding] : std::exchange(outstanding_, {})) {
    finish(std::move(outstanding), *closed_);
  }
  if (auto handler = std::exchange(on_closed_, {})) handler(*closed_);
}

void SessionCore::abandon() {
  on_closed_ = {};
  for (auto& [id, outstanding] : outstanding_)
    outstanding.on_batch = {};
  close({make_error_code(Errc::cancelled), Operation::none, "the session was dropped"});
}

void SessionCore::finish(Outstanding outstanding, const Error& error) {
  if (outstanding.call != nullptr && !outstanding.call->result) {
    outstanding.call->result = std::unexpected(error);
    outstanding.call->done.notify_all();
  }
  if (outstanding.on_batch != nullptr) (*outstanding.on_batch)(std::unexpected(error), true);
}

LinkEstimate SessionCore::link() const {
  LinkEstimate estimate = assumed_;
  estimate.rate = rate_.rate(now());
  if (estimate.rate.known()) estimate.bytes_per_second = estimate.rate.mean;
  if (round_trip_.samples() > 0) {
    estimate.round_trip = round_trip_.least();
    estimate.round_trip_measured = true;
  }
  estimate.samples = rate_.samples();
  estimate.stalled = rate_.stalled(now());
  estimate.stalls = rate_.stalls();
  return estimate;
}

void SessionCore::assume(const LinkEstimate& prior) {
  assumed_ = prior;
  rate_.assume(prior.rate, now());
}

Awaitable<void> SessionCore::write_frames() {
  while (!closed_) {
    const auto queue = std::ranges::find_if(to_send_, [](const auto& q) { return !q.empty(); });
    if (queue == to_send_.end()) {
      co_await can_send_.wait();
      continue;
    }
    const std::vector<std::byte> frame = std::move(queue->front());
    queue->pop_front();
    const auto written = co_await stream_->write(frame);
    if (!written) {
      close(written.error());
      break;
    }
    stats_.bytes_sent += frame.size();
  }
}

Awaitable<void> SessionCore::watch_silence() {
  while (!closed_) {
    const TimePoint dead = heard_ + options_.dead_after;
    const TimePoint ping = ping_sent_ ? dead : heard_ + options_.ping_after;
    if (now() >= dead) {
      close({make_error_code(Errc::peer_unreachable), Operation::receive,
             "peer " + stream_->remote() + " has been silent for too long"});
    } else if (now() >= ping) {
      ping_sent_ = now();
      send(wire::Priority::control, 0, wire::Ping{++ping_token_});
    } else {
      // `heard_` moves on without waking us: it is looked at again then.
      (void)co_await changed_.wait_until(context_.timers, std::min(ping, dead));
    }
  }
}

}  // namespace weft::fetcher
