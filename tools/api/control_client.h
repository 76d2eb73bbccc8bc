// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"
#include "tools/api/call.h"

#include <chrono>
#include <filesystem>
#include <span>
#include <string_view>

namespace weft::tools {

/// A connection to a node's control socket. Blocking, one call at a time, one thread.
class ControlClient {
 public:
  /// Errc::no_daemon: nothing listens there; not_permitted.
  [[nodiscard]] static Result<ControlClient> connect(const std::filesystem::path& socket);

  /// Sends the call and waits for its answer, taking progress on the way. When `context.stop` is
  /// requested the node is told (by closing our direction) and its answer awaited for a while.
  /// Errc::no_daemon: the node went away; deadline_passed: silence for `silence_limit`.
  [[nodiscard]] Reply call(Call call, const CallContext& context);

 private:
  explicit ControlClient(UniqueFd socket) : socket_(std::move(socket)) {}
  [[nodiscard]] Result<void> send(std::string_view bytes);
  [[nodiscard]] Result<std::size_t> receive(std::span<char> into, const CallContext& context);

  static constexpr Duration silence_limit = std::chrono::seconds(60);
  static constexpr Duration stop_limit = std::chrono::seconds(10);
  UniqueFd socket_;
  bool half_closed_ = false;
};

}  // namespace weft::tools
