// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/exchange/exchange.h"
#include "fetcher/net/io_thread.h"
#include "fetcher/net/offload.h"
#include "fetcher/net/task_group.h"
#include "fetcher/net/tcp_network.h"
#include "fetcher/peer/connect.h"
#include "fetcher/peer/peer_server.h"
#include "fetcher/schedule/prefetch_order.h"
#include "fetcher/service/fetcher.h"
#include "fetcher/swarm/swarm_book.h"
#include "fetcher/wire/frame.h"
#include "indexer/core/worker_pool.h"
#include "indexer/store/store.h"
#include "tests/integration/fetcher/altered_network.h"
#include "tests/support/indexer/faulty_file_system.h"
#include "tests/support/indexer/sample_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weft::fetcher::testing {

/// Decorates a store on its way to the server: to lie, for example.
using Disguise = std::function<std::unique_ptr<Store>(Store&)>;

/// What a node for measurements may be told besides.
struct LoopbackOptions {
  std::function<std::unique_ptr<PrefetchOrder>()> order = nullptr;  ///< null: as planned
  bool beyond_loopback = false;                                     ///< it may dial other addresses
};

/// A whole node on loopback: a real store on a disk that can fail, workers, an I/O thread, a server
/// and a fetcher. Blocking calls, for the test's thread.
class LoopbackNode {
 public:
  /// Keys of the signatures it asks for.
  static constexpr std::uint32_t signature_keys = 1024;

  explicit LoopbackNode(std::string name, Disguise disguise = {});
  /// On a disk that cannot fail and costs nothing extra: for benchmarks.
  static std::unique_ptr<LoopbackNode> on_real_disk(std::string name, LoopbackOptions options = {});
  ~LoopbackNode();

  /// The node's process ends and starts again on the same state; the server listens on the same
  /// port if it listened before.
  void stop();
  void start();
  /// Starts the server, the first time on a free port.
  void serve();
  void stop_serving();
  [[nodiscard]] std::string address() const;

  /// Adopts the image with its whole tree and these blocks ("##.." repeats to the end).
  std::shared_ptr<LocalImage> hold(std::string name, const test::SampleImage& image,
                                   std::string_view blocks = "#");
  /// Finds the image at the peers and adopts it.
  Result<std::shared_ptr<LocalImage>> adopt(const std::string& name_or_id);
  Result<RemoteImage> locate(const std::string& name_or_id);
  /// A demand read, awaited: what it hands over, or its error.
  Result<FetchOutcome> read(const std::shared_ptr<LocalImage>& image, BlockRange range,
                            std::chrono::seconds patience = std::chrono::seconds(30),
                            bool hold = true);
  /// Materializes and waits for a final state.
  MaterializeProgress materialize(const std::shared_ptr<LocalImage>& image);
  [[nodiscard]] PeerServerStats served();
  /// Waits until `condition` holds; false after 20 s.
  static bool eventually(const std::function<bool()>& condition);

  [[nodiscard]] Store& store() { return *store_; }
  [[nodiscard]] Fetcher& fetcher() { return *fetcher_; }
  test::FaultyFileSystem disk;
  /// Of its server's Hello; set before `serve`.
  std::uint64_t features = wire::supported_features;
  /// What its server says; set before `serve`.
  Alter alter;

 private:
  LoopbackNode(std::string name, FileSystem& files, LoopbackOptions options);
  [[nodiscard]] wire::Hello hello() const;

  std::string name_;
  Disguise disguise_;
  LoopbackOptions options_;
  FileSystem& files_;
  test::TempDirectory directory_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Store> disguised_;
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<IoThread> io_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Network> altered_;
  std::unique_ptr<Offload> offload_;
  std::unique_ptr<TaskGroup> tasks_;
  std::unique_ptr<SwarmBook> swarms_;
  std::unique_ptr<PeerServer> server_;
  std::unique_ptr<Exchange> exchange_;
  std::unique_ptr<Fetcher> fetcher_;
};

/// Expects that every byte of `local` is that of `image`.
void expect_equal(LocalImage& local, const test::SampleImage& image);

}  // namespace weft::fetcher::testing
