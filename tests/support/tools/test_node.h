// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/indexer/temp_directory.h"
#include "tools/api/call.h"
#include "tools/config/config.h"
#include "tools/daemon/node.h"

#include <boost/json/object.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace weft::test {

/// A node in this process on a state directory of its own, driven through the handlers of the
/// control API. `restart` stops it and starts another on the same directory.
class TestNode {
 public:
  enum class Kind { store_only, networked };

  explicit TestNode(Kind kind, fs::MountKeeper* keeper = nullptr) : kind_(kind), keeper_(keeper) {
    start();
  }

  void start();
  void stop() { node_.reset(); }
  void restart() {
    stop();
    start();
  }

  [[nodiscard]] tools::Node& operator*() { return *node_; }
  [[nodiscard]] tools::Node* operator->() { return node_.get(); }
  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return files_ / name; }
  [[nodiscard]] std::string address() { return fetcher::to_string(*node_->network()->listening()); }
  [[nodiscard]] tools::NodeOptions options() const;

  /// "GET v1/images", "DELETE v1/mounts?target=/x", …
  [[nodiscard]] tools::Reply call(const std::string& method, const std::string& target,
                                  boost::json::object body = {}, tools::CallContext context = {});
  /// The answer of a call that must succeed.
  [[nodiscard]] boost::json::object must(const std::string& method, const std::string& target,
                                         boost::json::object body = {});
  /// A raw file of `mib` MiB of data that does not repeat, imported as `name`.
  boost::json::object import_random(const std::string& name, std::size_t mib, std::uint64_t seed);

 private:
  const Kind kind_;
  fs::MountKeeper* const keeper_;
  TempDirectory state_;
  TempDirectory files_;
  std::unique_ptr<tools::Node> node_;
};

}  // namespace weft::test
