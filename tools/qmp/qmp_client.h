// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/error.h"
#include "indexer/core/unique_fd.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace weft::tools {

/// What QEMU answered: a value, or why not.
struct QmpAnswer {
  boost::json::value value;  ///< null if it refused
  std::string error_class;   ///< empty: it did not
  std::string refusal;
  [[nodiscard]] bool refused() const { return !error_class.empty(); }
};

/// A connection to QEMU's monitor (QMP): a line of JSON for each message, events between answers
/// skipped. Blocks the calling thread; one thread. QEMU serves one connection of a socket at a
/// time: keep it short.
class QmpClient {
 public:
  static constexpr std::size_t longest_line = std::size_t{4} << 20;
  /// How long QEMU is waited for: until `deadline`, and after a stop for `grace` at most.
  struct Patience {
    TimePoint deadline;
    std::stop_token stop;
    Duration grace{0};
  };

  /// Connects and agrees on capabilities; `deadline` is for all of the connection. errno of
  /// connect(2); Errc::helper_failed: it does not speak QMP; deadline_passed: it is silent, perhaps
  /// because somebody else (libvirt) holds its monitor; cancelled.
  [[nodiscard]] static Result<QmpClient> connect(const std::filesystem::path& socket,
                                                 TimePoint deadline, std::stop_token stop);

  /// Errors as above; `command` is named in them.
  [[nodiscard]] Result<QmpAnswer> call(std::string_view command,
                                       boost::json::object arguments = {});
  [[nodiscard]] const Patience& patience() const { return patience_; }
  /// For what is said from now on.
  void set_patience(Patience patience);

 private:
  QmpClient(UniqueFd socket, std::string name, Patience patience);
  Result<void> greet();
  [[nodiscard]] Result<boost::json::object> read_message();
  [[nodiscard]] Result<void> wait(short events);
  [[nodiscard]] std::unexpected<Error> broken(std::string_view what) const;

  UniqueFd socket_;
  std::string name_;  ///< of the socket, for messages
  Patience patience_;
  std::optional<TimePoint> stopped_at_;  ///< when the stop was seen
  std::string received_;
};

}  // namespace weft::tools
