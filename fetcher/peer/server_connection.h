// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/signal.h"
#include "fetcher/net/stream.h"
#include "fetcher/peer/answer_queue.h"
#include "fetcher/peer/frame_source.h"
#include "fetcher/peer/link_meter.h"
#include "fetcher/peer/pack_answer.h"
#include "fetcher/peer/peer_server.h"
#include "fetcher/peer/residency_runs.h"
#include "fetcher/wire/codec.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace weft::fetcher {

/// What the connections of one server share. Outlives them.
struct ServerShared {
  PeerServerContext context;
  PeerServerOptions options;
  TaskGroup tasks;
  PeerServerStats stats;
  std::shared_ptr<MemoryBudget> pack_budget;
};

/// One peer that is being served: a reader that takes requests, a writer that sends frames in order
/// of priority, workers that make them, and a poll of the images whose residency is watched.
///
/// Its tasks own it together. I/O thread only.
class ServerConnection : public std::enable_shared_from_this<ServerConnection> {
 public:
  ServerConnection(ServerShared& shared, std::unique_ptr<Stream> stream);

  /// Starts the writer and serves until the connection ends. `error()` then says why.
  [[nodiscard]] Awaitable<void> run();
  void close() noexcept;
  /// Set when the peer broke the protocol.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] std::string remote() const { return stream_->remote(); }

 private:
  struct Watch {
    std::uint32_t request = 0;
    std::weak_ptr<LocalImage> image;  // not held: a peer that watches must not keep it in use
    TimePoint since{};
    bool looked = false;
    std::optional<std::uint64_t> generation;  // null: the image has not been here
    Holdings announced;
    TimePoint look_up_again{};
  };

  // The reader.
  [[nodiscard]] Awaitable<Result<void>> greet();
  [[nodiscard]] Awaitable<Result<void>> take_requests();
  [[nodiscard]] Result<void> handle(wire::Frame frame);
  [[nodiscard]] Result<void> handle(const wire::FrameHeader& header, wire::Message message);
  [[nodiscard]] Result<void> add_answer(const wire::FrameHeader& header,
                                        std::unique_ptr<Answer> answer);
  [[nodiscard]] Result<void> handle_swarm(const wire::FrameHeader& header,
                                          const wire::SwarmRequest& request);
  [[nodiscard]] Result<void> handle_profile(const wire::FrameHeader& header,
                                            const wire::ProfileRequest& request);
  void handle_cancel(const wire::Cancel& cancel);
  [[nodiscard]] Result<void> handle_watch(std::uint32_t request, const wire::WatchResidency& watch);
  [[nodiscard]] bool overloaded() const;
  [[nodiscard]] Awaitable<void> say_goodbye(Error error);

  // The writer.
  [[nodiscard]] Awaitable<void> write_frames();
  [[nodiscard]] Awaitable<bool> write(AnswerQueue::Ready ready);
  void note_link(std::size_t sent, TimePoint now);
  void send(wire::Priority priority, std::uint32_t request, const wire::Message& message);
  void send_failure(std::uint32_t request, const Error& error);

  // The workers.
  void start_jobs();
  [[nodiscard]] Awaitable<void> make_frame(AnswerQueue::Job job, int level);

  // Residency.
  [[nodiscard]] Awaitable<void> poll_residency();
  [[nodiscard]] Awaitable<void> announce(ImageId image);

  [[nodiscard]] TimePoint in(Duration span) const { return shared_.context.timers.now() + span; }

  ServerShared& shared_;
  const std::unique_ptr<Stream> stream_;
  FrameSource source_;
  AnswerQueue queue_;
  SendMeter meter_;
  NodeId node_;                         // the peer, as it says
  std::optional<TimePoint> last_sent_;  // or the end of an idle wait after it
  std::map<ImageId, Watch> watches_;
  bool polling_ = false;
  bool closed_ = false;
  bool finishing_ = false;      // send what is ready, then end
  std::uint64_t features_ = 0;  // that both sides have
  bool swarming_ = false;       // it has asked about swarms
  TimePoint last_heard_;
  Signal changed_;
  Signal watches_changed_;
  std::optional<Error> error_;
};

}  // namespace weft::fetcher
