// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/error.h"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>

namespace weft::tools {

class Node;

struct ControlServerOptions {
  std::filesystem::path socket;  ///< STATE/control.sock; a stale one is replaced
  std::size_t max_connections = 64;
  std::size_t max_header = 16 * 1024;
  std::size_t max_body = 64 * 1024;
  /// For a request to arrive and for an answer to be taken. An idle connection is closed after it.
  Duration io_timeout = std::chrono::seconds(30);
  /// Silence of a streamed answer after which an empty line is sent, so that a client can tell a
  /// slow operation from a dead node.
  Duration heartbeat = std::chrono::seconds(5);
  std::size_t query_threads = 3;
  std::size_t long_calls = 12;  ///< at once; more are refused with Errc::queue_full
};

/// Serves the control API (API.md): HTTP/1.1 and JSON on a Unix socket that only its owner may open
/// (mode 0600). Sockets are handled on the node's I/O thread, requests on threads of its own: long
/// ones do not hold up queries.
///
/// Lifecycle: `start` on a node that has a network; `stop` (or the destructor) refuses connections,
/// asks running requests to stop, answers them and waits for all. The node outlives it and is
/// stopped after it. Not to be called from the I/O thread.
class ControlServer {
 public:
  /// Errc::not_permitted; errno of bind(2).
  [[nodiscard]] static Result<std::unique_ptr<ControlServer>> start(Node& node,
                                                                    ControlServerOptions options);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Requests being worked on now. Any thread.
  [[nodiscard]] std::size_t active() const noexcept;
  void stop();

 private:
  class Impl;
  explicit ControlServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft::tools
