// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/node.h"

#include "indexer/core/file_io.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include <unistd.h>

namespace weft::tools {
namespace {

std::string host_name() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return "weft";
  return buffer.data();
}

std::size_t worker_count(unsigned configured) {
  if (configured != 0) return configured;
  return std::max(2u, std::thread::hardware_concurrency());
}

std::int64_t unix_time() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

fetcher::OwnLinkInfo own_link_of(const Config& config) {
  fetcher::OwnLinkInfo info{
      .site = config.site, .ingress_bytes_per_second = config.ingress, .sites = {}};
  for (const auto& [name, uplink] : config.site_uplinks)
    info.sites.push_back({.name = name, .uplink_bytes_per_second = uplink});
  return info;
}

}  // namespace

Node::Node(NodeOptions options)
    : options_(std::move(options)),
      name_(options_.config.node_name.empty() ? host_name() : options_.config.node_name),
      own_link_(own_link_of(options_.config)),
      started_(steady_clock().now()) {}

// Not stopped: it failed. Guests that hold its mounts wait for whoever serves next.
Node::~Node() {
  end(options_.keeper == nullptr || !options_.keeper->shared());
}

Result<std::unique_ptr<Node>> Node::start(NodeOptions options) {
  std::unique_ptr<Node> node(new Node(std::move(options)));
  WEFT_CHECK(node->open());
  if (node->options_.network) WEFT_CHECK(node->connect());
  WEFT_CHECK(node->resume());
  return node;
}

Result<void> Node::open() {
  StoreOptions options{config().state, config().free_space_floor};
  WEFT_TRY(store_, Store::open(posix_file_system(), std::move(options)));
  profiles_ = std::make_unique<fetcher::ProfileBook>(*store_, unix_time);
  WorkerPoolOptions pool;
  pool.threads = worker_count(config().workers);
  pool.name = "weft-work";
  workers_ = std::make_unique<WorkerPool>(pool);
  return {};
}

Result<void> Node::connect() {
  NetworkOptions options{config().listen, config().insecure, name_, {}, own_link_, profiles_.get()};
  options.exchange.per_minute = config().exchange_budget;
  options.exchange.burst = ByteCount(config().exchange_budget.value() / 4);
  WEFT_TRY(network_, NetworkSide::start(*store_, *workers_, std::move(options)));
  jobs_ = std::make_unique<JobBook>(*store_, network_->fetcher());
  if (options_.keeper != nullptr) {
    fs::MountOptions mounts;
    mounts.passthrough = config().passthrough;
    mounts.profiles = profiles_.get();
    mounts_ = std::make_unique<MountBook>(*store_, network_->fetcher(), *options_.keeper,
                                          std::move(mounts));
  }
  return {};
}

Result<void> Node::resume() {
  auto* fetcher = network_ ? &network_->fetcher() : nullptr;
  peers_ = std::make_unique<PeerBook>(
      *store_, fetcher,
      PeerBook::Options{config().insecure, config().peer_prices, config().peer_sites});
  WEFT_CHECK(peers_->load());
  for (const auto& peer : config().peers) {
    WEFT_CHECK(peers_->add(fetcher::to_string(peer), PeerOrigin::config));
  }
  if (mounts_) WEFT_CHECK(mounts_->restore(options_.hopeless));
  if (jobs_) WEFT_CHECK(jobs_->resume());
  collect_unnamed();
  if (network_) housekeeper_ = std::make_unique<Housekeeper>([this] { keep_house(); });
  if (mounts_) switcher_ = std::make_unique<DiskSwitcher>(*mounts_);
  return {};
}

void Node::keep_house() {
  const auto flushed = store_->flush();
  if (!flushed && !flush_failing_.exchange(true)) {
    spdlog::error("store flush failed reason=\"{}\"", flushed.error().message());
  }
  if (flushed && flush_failing_.exchange(false)) spdlog::info("store flush succeeds again");
  if (mounts_) mounts_->reap();
  jobs_->reap();
  collect_unnamed();
}

// An image whose mount is recorded may be mounted again, also if it could not be at this start.
void Node::collect_unnamed() {
  const auto collected = store_->collect_unnamed(
      [this](const ImageId& id) { return is_in_mount_record(*store_, id); });
  if (!collected && !collect_failing_.exchange(true)) {
    spdlog::error("old versions not given back reason=\"{}\"", collected.error().message());
  }
  if (collected) collect_failing_ = false;
}

bool Node::busy() {
  return (mounts_ && !mounts_->list().empty()) || (jobs_ && jobs_->any_running());
}

void Node::stop() {
  end(true);
}

void Node::suspend() {
  end(false);
}

void Node::end(bool unmount) {
  if (std::exchange(stopped_, true)) return;
  if (network_) network_->stop_serving();
  switcher_.reset();
  if (housekeeper_) housekeeper_->stop();
  if (jobs_) {
    jobs_->reap();
    jobs_->close();
  }
  if (mounts_ && unmount) mounts_->close();
  if (mounts_ && !unmount) mounts_->suspend();
  if (network_) network_->stop();
  if (workers_) workers_->stop();
  if (jobs_) jobs_->settle();
  if (!store_) return;
  if (auto flushed = store_->flush(); !flushed) {
    spdlog::error("store not flushed at stop reason=\"{}\"", flushed.error().message());
  }
}

}  // namespace weft::tools
