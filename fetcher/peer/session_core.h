// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/signal.h"
#include "fetcher/net/stream.h"
#include "fetcher/peer/block_ledger.h"
#include "fetcher/peer/connect.h"
#include "fetcher/peer/frame_source.h"
#include "fetcher/peer/link_meter.h"
#include "fetcher/wire/codec.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft::fetcher {

/// The state and tasks of a PeerSession: a reader that hands answers out, a writer, and a watch
/// over the peer's silence. Its tasks and the session own it together. I/O thread only.
///
/// Handlers may call anything here, `close` included: nothing is kept across a call of a handler
/// without being looked up again.
class SessionCore : public std::enable_shared_from_this<SessionCore> {
 public:
  SessionCore(PeerContext context, PeerOptions options, std::unique_ptr<Stream> stream);

  void start();
  /// Until the peer's Hello is here. Why not, otherwise.
  [[nodiscard]] Awaitable<Result<void>> greeted(TimePoint deadline);
  /// The first answer to `request`, or several tree-node answers in one. Errc::unsupported: it is
  /// of a feature that one side lacks, and was not sent.
  [[nodiscard]] Awaitable<Result<wire::Message>> call(wire::Message request,
                                                      wire::Priority priority, TimePoint deadline);
  /// Every pack of the answer.
  [[nodiscard]] Awaitable<Result<std::vector<NodePack>>> call_packs(wire::TreePackRequest request,
                                                                    wire::Priority priority,
                                                                    TimePoint deadline);
  /// The parts of the answer, joined: an encoded signature of at most the keys asked for.
  [[nodiscard]] Awaitable<Result<std::vector<std::byte>>> call_signature(
      wire::SignatureRequest request, wire::Priority priority, TimePoint deadline);
  /// The same of a boot profile.
  [[nodiscard]] Awaitable<Result<std::vector<std::byte>>> call_profile(wire::ProfileRequest request,
                                                                       TimePoint deadline);
  [[nodiscard]] Awaitable<Result<std::vector<bool>>> call_have(wire::HaveRequest request,
                                                               TimePoint deadline);
  [[nodiscard]] RequestId ask_blocks(wire::Message request, std::vector<BlockRange> asked,
                                     wire::Priority priority, PeerSession::OnBatch on_batch);
  void reprioritise(RequestId id, wire::Priority priority);
  void cancel(RequestId id);
  void watch(const ImageId& image, PeerSession::OnResidency on_residency);
  void unwatch(const ImageId& image);
  void on_closed(PeerSession::OnClosed handler);
  /// Ends every request with `reason`, then calls the close handler.
  void close(const Error& reason);
  /// Closes without calling anybody.
  void abandon();

  [[nodiscard]] const wire::Hello& remote() const { return remote_; }
  [[nodiscard]] LinkEstimate link() const;
  void assume(const LinkEstimate& prior);
  [[nodiscard]] const SessionStats& stats() const { return stats_; }

 private:
  /// A caller that waits for one message.
  struct Call {
    wire::MessageType answer;
    std::optional<Result<wire::Message>> result;
    wire::TreeNodes nodes;  // of the frames before the last
    std::shared_ptr<PackLedger> packs = {};
    std::vector<std::byte> bytes;  // of a signature or profile: the parts so far
    std::size_t max_bytes = 0;
    Signal done;
  };
  /// Ended for the caller, and still answered by the peer, if both are null.
  struct Outstanding {
    std::shared_ptr<PeerSession::OnBatch> on_batch;
    std::shared_ptr<Call> call;
    std::shared_ptr<BlockLedger> ledger;
    TimePoint sent{};
  };
  struct Watch {
    std::uint32_t request = 0;
    std::shared_ptr<PeerSession::OnResidency> handler;
  };

  // Sending.
  [[nodiscard]] std::optional<Error> cannot_send(const wire::Message& request) const;
  /// Waits for the peer's Hello where a message of this type may only be sent if both know it.
  [[nodiscard]] Awaitable<Result<void>> agreed(wire::MessageType type, TimePoint deadline);
  [[nodiscard]] std::uint32_t next_id();
  void send(wire::Priority priority, std::uint32_t request, const wire::Message& message);
  [[nodiscard]] Awaitable<Result<wire::Message>> await_answer(wire::Message request,
                                                              std::shared_ptr<Call> call,
                                                              wire::Priority priority,
                                                              TimePoint deadline);
  [[nodiscard]] Awaitable<Result<std::vector<std::byte>>> call_bytes(wire::Message request,
                                                                     std::size_t most,
                                                                     wire::Priority priority,
                                                                     TimePoint deadline);
  [[nodiscard]] Result<void> accept_bytes(Call& call, std::span<const std::byte> part,
                                          std::string_view what);
  [[nodiscard]] Awaitable<void> write_frames();
  void fail_later(PeerSession::OnBatch on_batch, Error error);

  // Receiving.
  [[nodiscard]] Awaitable<void> read_frames();
  [[nodiscard]] Result<void> handle(wire::Frame frame);
  [[nodiscard]] Result<void> handle_hello(const wire::Hello& hello);
  [[nodiscard]] Result<void> handle_answer(std::uint32_t request, wire::Message message);
  [[nodiscard]] Result<void> handle_batch(std::uint32_t request, wire::BlockBatch batch);
  [[nodiscard]] Result<void> handle_call(std::uint32_t request, wire::Message message);
  [[nodiscard]] Result<void> accept_part(Call& call, wire::Message& message, bool more);
  [[nodiscard]] Result<void> handle_failure(std::uint32_t request, const wire::Failure& failure);
  void handle_residency(const wire::Residency& residency);
  void handle_pong(const wire::Pong& pong);
  void end(std::map<std::uint32_t, Outstanding>::iterator entry);
  static void finish(Outstanding outstanding, const Error& error);

  [[nodiscard]] Awaitable<void> watch_silence();
  [[nodiscard]] TimePoint now() const { return context_.timers.now(); }

  // Constant after construction.
  const PeerContext context_;
  const PeerOptions options_;
  const std::unique_ptr<Stream> stream_;

  FrameSource source_;
  std::array<std::deque<std::vector<std::byte>>, 4> to_send_;
  Signal can_send_;
  std::map<std::uint32_t, Outstanding> outstanding_;
  std::map<ImageId, Watch> watches_;
  std::uint32_t last_id_ = 0;
  wire::Hello remote_;
  bool greeted_ = false;
  std::optional<Error> closed_;
  PeerSession::OnClosed on_closed_;
  Signal changed_;  // greeted or closed
  RateMeter rate_;
  RoundTripMeter round_trip_;
  LinkEstimate assumed_;
  TimePoint begun_;
  TimePoint heard_;
  std::optional<TimePoint> ping_sent_;
  std::uint64_t ping_token_ = 0;
  SessionStats stats_;
};

}  // namespace weft::fetcher
