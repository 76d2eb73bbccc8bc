// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/address.h"
#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"

#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace weft::tools {

/// Answers GET /metrics on a TCP port, for Prometheus, which cannot read a Unix socket; nothing
/// else, so that the port gives no control over the node.
///
/// One thread, one request at a time, each within a few seconds: a client that dawdles is cut off.
/// Lifecycle: answers from `start` to its destruction, which waits for the request at hand.
class MetricsServer {
 public:
  /// Makes the text; on the server's thread, where it may block. Not to be called after `~`.
  using Render = std::function<Result<std::string>()>;

  /// Errno of bind(2); Errc::bad_config: not an address of this host.
  [[nodiscard]] static Result<std::unique_ptr<MetricsServer>> start(const fetcher::Address& address,
                                                                    Render render);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

 private:
  MetricsServer(UniqueFd listener, UniqueFd wake, Render render);
  void run();
  void serve(const UniqueFd& client) const;

  const UniqueFd listener_;
  const UniqueFd wake_;  ///< eventfd
  const Render render_;
  std::thread thread_;
};

/// The answer to a request's head (up to its empty line), as HTTP/1.1 with `Connection: close`.
[[nodiscard]] std::string answer_metrics_request(std::string_view head,
                                                 const MetricsServer::Render& render);

}  // namespace weft::tools
