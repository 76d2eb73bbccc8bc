// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/session_core.h"
#include "fetcher/wire/failure_code.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace weft::fetcher {
namespace {

std::unexpected<Error> broken(std::string detail) {
  return fail(Errc::peer_misbehaved, Operation::receive, std::move(detail));
}

Error named(Error error, const std::string& peer) {
  if (!error.detail.contains(peer)) {
    error.detail = "peer " + peer + (error.detail.empty() ? "" : ": " + error.detail);
  }
  return error;
}

bool has_more(const wire::Message& message) {
  if (const auto* nodes = std::get_if<wire::TreeNodes>(&message)) return nodes->more;
  if (const auto* pack = std::get_if<wire::TreePack>(&message)) return pack->more;
  if (const auto* part = std::get_if<wire::SignatureAnswer>(&message)) return part->more;
  if (const auto* part = std::get_if<wire::ProfileAnswer>(&message)) return part->more;
  return false;
}

}  // namespace

Awaitable<void> SessionCore::read_frames() {
  while (!closed_) {
    auto frame = co_await source_.next();
    if (closed_) co_return;
    Result<void> handled;
    if (!frame) {
      handled = std::unexpected(std::move(frame).error());
    } else if (!*frame) {
      handled = fail(Errc::peer_unreachable, Operation::receive, "the connection was closed");
    } else {
      handled = handle(**std::move(frame));
    }
    if (!handled) close(named(std::move(handled).error(), stream_->remote()));
  }
}

Result<void> SessionCore::handle(wire::Frame frame) {
  const wire::FrameHeader header = frame.header;
  stats_.received_by_priority[static_cast<std::size_t>(header.priority)] += frame.wire_size();
  if (!frame.known) {
    if (greeted_ && header.request == 0) return {};  // an announcement of a later version
    return broken("frame of unknown version " + std::to_string(header.version) + " or type " +
                  std::to_string(std::to_underlying(header.type)));
  }
  WEFT_TRY(wire::Message message, wire::decode(frame.payload, header.type));
  if (const auto* m = std::get_if<wire::Hello>(&message)) return handle_hello(*m);
  if (const auto* m = std::get_if<wire::Failure>(&message)) {
    return handle_failure(header.request, *m);
  }
  if (!greeted_) return broken("the first frame is not a hello");
  if (const auto* m = std::get_if<wire::Residency>(&message)) {
    handle_residency(*m);
    return {};
  }
  if (const auto* m = std::get_if<wire::Pong>(&message)) {
    handle_pong(*m);
    return {};
  }
  if (const auto* m = std::get_if<wire::Ping>(&message)) {
    send(wire::Priority::control, 0, wire::Pong{m->token});
    return {};
  }
  return handle_answer(header.request, std::move(message));
}

Result<void> SessionCore::handle_hello(const wire::Hello& hello) {
  if (greeted_) return broken("a second hello");
  const auto& ours = options_.hello;
  if (hello.version_max < ours.version_min || hello.version_min > ours.version_max) {
    return fail(Errc::peer_version, Operation::handshake,
                "it speaks versions " + std::to_string(hello.version_min) + " to " +
                    std::to_string(hello.version_max) + ", this node " +
                    std::to_string(ours.version_min) + " to " + std::to_string(ours.version_max) +
                    ": upgrade the older one");
  }
  remote_ = hello;
  greeted_ = true;
  round_trip_.sample(now() - begun_);
  changed_.notify_all();
  return {};
}

void SessionCore::handle_pong(const wire::Pong& pong) {
  if (!ping_sent_ || pong.token != ping_token_) return;
  round_trip_.sample(now() - *ping_sent_);
  ping_sent_.reset();
}

void SessionCore::handle_residency(const wire::Residency& residency) {
  const auto found = watches_.find(residency.image);
  if (found == watches_.end()) return;  // no longer watched
  const auto handler = found->second.handler;
  (*handler)(residency);
}

Result<void> SessionCore::handle_answer(std::uint32_t request, wire::Message message) {
  const auto found = outstanding_.find(request);
  if (found == outstanding_.end()) {
    return broken("an answer to request " + std::to_string(request) + ", which was not made");
  }
  if (auto* batch = std::get_if<wire::BlockBatch>(&message)) {
    return handle_batch(request, std::move(*batch));
  }
  return handle_call(request, std::move(message));
}

Result<void> SessionCore::handle_batch(std::uint32_t request, wire::BlockBatch batch) {
  const auto found = outstanding_.find(request);
  const bool last = batch.last;
  const auto handler = found->second.on_batch;
  if (handler == nullptr) {
    if (found->second.call != nullptr) return broken("blocks, where something else was asked for");
    if (last) end(found);  // cancelled, and over now
    return {};
  }
  WEFT_CHECK(found->second.ledger->accept(batch));
  if (last) end(found);
  (*handler)(std::move(batch), last);
  return {};
}

Result<void> SessionCore::handle_call(std::uint32_t request, wire::Message message) {
  const auto found = outstanding_.find(request);
  const bool more = has_more(message);
  const auto call = found->second.call;
  if (call == nullptr) {
    if (found->second.on_batch != nullptr) return broken("not blocks, where blocks were asked for");
    if (!more) end(found);
    return {};
  }
  if (wire::type_of(message) != call->answer) {
    return broken("an answer of type " + std::string(wire::to_string(wire::type_of(message))) +
                  " to another question");
  }
  WEFT_CHECK(accept_part(*call, message, more));
  if (more) return {};
  round_trip_.sample(now() - found->second.sent);
  call->result = std::move(message);
  call->done.notify_all();
  end(found);
  return {};
}

Result<void> SessionCore::accept_part(Call& call, wire::Message& message, bool more) {
  if (auto* pack = std::get_if<wire::TreePack>(&message)) {
    WEFT_CHECK(call.packs->accept(std::move(*pack)));
  }
  if (const auto* answer = std::get_if<wire::SignatureAnswer>(&message)) {
    WEFT_CHECK(accept_bytes(call, answer->part, "signature"));
  }
  if (const auto* answer = std::get_if<wire::ProfileAnswer>(&message)) {
    WEFT_CHECK(accept_bytes(call, answer->part, "boot profile"));
  }
  if (auto* nodes = std::get_if<wire::TreeNodes>(&message)) {
    std::ranges::move(nodes->nodes, std::back_inserter(call.nodes.nodes));
    if (call.nodes.nodes.size() > wire::max_nodes) return broken("more nodes than asked for");
    if (!more) *nodes = std::move(call.nodes);
  }
  return {};
}

Result<void> SessionCore::accept_bytes(Call& call, std::span<const std::byte> part,
                                       std::string_view what) {
  if (part.size() > call.max_bytes - call.bytes.size()) {
    return broken("a " + std::string(what) + " larger than what was asked for");
  }
  call.bytes.insert(call.bytes.end(), part.begin(), part.end());
  return {};
}

Result<void> SessionCore::handle_failure(std::uint32_t request, const wire::Failure& failure) {
  Error error = wire::to_error(failure, Operation::fetch, stream_->remote());
  if (request == 0) {
    // The peer turns us away or gives up on us; what it says is part of the reason.
    return fail(failure.code == 7 ? Errc::peer_version : Errc::peer_unreachable, Operation::receive,
                "it closed the connection: " + failure.message);
  }
  const auto found = outstanding_.find(request);
  if (found == outstanding_.end()) {
    // A watch is refused: nothing is known of what the peer holds, as before.
    std::erase_if(watches_, [request](const auto& w) { return w.second.request == request; });
    return {};
  }
  Outstanding ended = std::move(found->second);
  end(found);
  finish(std::move(ended), error);
  return {};
}

void SessionCore::end(std::map<std::uint32_t, Outstanding>::iterator entry) {
  outstanding_.erase(entry);
  if (outstanding_.empty()) rate_.idle();
}

}  // namespace weft::fetcher
