// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/fetcher/loopback_node.h"

#include "fetcher/service/relative_trees.h"
#include "fetcher/wire/frame.h"
#include "indexer/core/file_io.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>

namespace weft::fetcher::testing {
namespace {

Awaitable<Result<std::shared_ptr<PeerSession>>> dial(PeerContext context, PeerOptions options,
                                                     std::string address, TimePoint deadline) {
  WEFT_CO_TRY(Address parsed, parse_address(address));
  auto session = co_await connect_peer(context, std::move(parsed), std::move(options), deadline);
  if (!session) co_return std::unexpected(std::move(session).error());
  co_return std::shared_ptr<PeerSession>(std::move(*session));
}

Awaitable<void> start_server(PeerServer* server, Result<void>* outcome) {
  *outcome = server->start();
  co_return;
}
Awaitable<void> server_address(PeerServer* server, std::uint16_t* port) {
  *port = server->local().port;
  co_return;
}
Awaitable<void> stop_server(PeerServer* server) {
  co_await server->stop();
}
Awaitable<void> server_stats(PeerServer* server, PeerServerStats* stats) {
  *stats = server->stats();
  co_return;
}
Awaitable<void> stop_exchange(Exchange* exchange) {
  co_await exchange->stop();
}
Awaitable<void> stop_tasks(TaskGroup* tasks) {
  co_await tasks->stop();
}

template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}
void need(const Result<void>& result) {
  if (!result) throw std::runtime_error(result.error().message());
}

}  // namespace

LoopbackNode::LoopbackNode(std::string name, Disguise disguise)
    : name_(std::move(name)), disguise_(std::move(disguise)), files_(disk) {
  start();
}

LoopbackNode::LoopbackNode(std::string name, FileSystem& files, LoopbackOptions options)
    : name_(std::move(name)), options_(std::move(options)), files_(files) {
  start();
}

std::unique_ptr<LoopbackNode> LoopbackNode::on_real_disk(std::string name,
                                                         LoopbackOptions options) {
  return std::unique_ptr<LoopbackNode>(
      new LoopbackNode(std::move(name), posix_file_system(), std::move(options)));
}

LoopbackNode::~LoopbackNode() {
  stop();
}

wire::Hello LoopbackNode::hello() const {
  wire::Hello hello;
  hello.node = store_->node_id();
  hello.name = name_;
  hello.features = features;
  return hello;
}

void LoopbackNode::start() {
  // Makes spdlog's registry before there are I/O threads: ThreadSanitizer does not see the
  // library's own lock around its first use.
  spdlog::set_level(spdlog::level::warn);
  store_ = need(Store::open(
      files_, {.directory = directory_.path() / "state", .free_space_floor = ByteCount(0)}));
  if (disguise_) disguised_ = disguise_(*store_);
  workers_ = std::make_unique<WorkerPool>(WorkerPoolOptions{});
  io_ = std::make_unique<IoThread>();
  network_ = make_tcp_network(io_->executor(), {.allow_plain = options_.beyond_loopback});
  offload_ = make_pool_offload(*workers_, io_->timers());
  tasks_ = std::make_unique<TaskGroup>(io_->executor());
  const PeerContext context{*network_, io_->timers(), *tasks_};
  PeerOptions peer;
  peer.hello = hello();
  peer.await_hello = false;
  // Only what is wanted: tests count bytes.
  const ExchangeOptions exchange{.per_minute = ByteCount(0), .max_keys = signature_keys};
  exchange_ =
      std::make_unique<Exchange>(io_->executor(), io_->timers(), *offload_, *store_, exchange);
  FetcherOptions options;
  options.node = store_->node_id();
  options.exchange = exchange_.get();
  options.order = options_.order;
  swarms_ = std::make_unique<SwarmBook>(1);
  options.swarms = swarms_.get();
  options.relatives = std::make_shared<RelativeTrees>(*store_);
  fetcher_ = std::make_unique<Fetcher>(
      io_->executor(), io_->timers(), *offload_,
      [context, peer](std::string address, TimePoint deadline) {
        return dial(context, peer, std::move(address), deadline);
      },
      options);
  if (port_ != 0) serve();
}

void LoopbackNode::serve() {
  PeerServerOptions options;
  options.hello = hello();
  options.listen = {.host = "127.0.0.1", .port = port_};
  Store& served = disguised_ ? *disguised_ : *store_;
  if (alter) altered_ = make_altered_network(*network_, alter);
  Network& network = altered_ ? *altered_ : *network_;
  server_ =
      std::make_unique<PeerServer>(PeerServerContext{network, io_->timers(), *offload_, served,
                                                     io_->executor(), nullptr, swarms_.get()},
                                   options);
  Result<void> outcome;
  io_->run([&] { return start_server(server_.get(), &outcome); });
  need(outcome);
  io_->run([&] { return server_address(server_.get(), &port_); });
}

void LoopbackNode::stop_serving() {
  if (!server_) return;
  io_->run([&] { return stop_server(server_.get()); });
  server_.reset();
}

void LoopbackNode::stop() {
  if (!io_) return;
  fetcher_->stop();
  stop_serving();
  io_->run([&] { return stop_exchange(exchange_.get()); });
  io_->run([&] { return stop_tasks(tasks_.get()); });
  io_->stop();
  workers_->stop();
  fetcher_.reset();
  swarms_.reset();
  exchange_.reset();
  tasks_.reset();
  offload_.reset();
  altered_.reset();
  network_.reset();
  io_.reset();
  workers_.reset();
  disguised_.reset();
  store_.reset();
}

std::string LoopbackNode::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

std::shared_ptr<LocalImage> LoopbackNode::hold(std::string name, const test::SampleImage& image,
                                               std::string_view blocks) {
  std::shared_ptr<LocalImage> local = need(store_->adopt(name, image.info));
  need(image.send_tree(*local));
  const std::uint64_t count = image.blocks().value();
  for (std::uint64_t i = 0; i < count;) {
    std::uint64_t end = i;
    while (end < count && end - i < 128 && blocks[end % blocks.size()] == '#')
      ++end;
    if (end > i) need(image.send_blocks(*local, i, end - i));
    i = std::max(end, i + 1);
  }
  return local;
}

Result<RemoteImage> LoopbackNode::locate(const std::string& name_or_id) {
  return boost::asio::co_spawn(io_->executor(), fetcher_->locate(name_or_id, BlockIndex(0)),
                               boost::asio::use_future)
      .get();
}

Result<std::shared_ptr<LocalImage>> LoopbackNode::adopt(const std::string& name_or_id) {
  WEFT_TRY(const RemoteImage remote, locate(name_or_id));
  WEFT_TRY(std::shared_ptr<LocalImage> local, store_->adopt(remote.name, remote.info));
  for (const auto& entry : remote.path.nodes)
    WEFT_CHECK(local->add_node(entry.node, entry.bytes));
  fetcher_->attach(local);
  return local;
}

Result<FetchOutcome> LoopbackNode::read(const std::shared_ptr<LocalImage>& image, BlockRange range,
                                        std::chrono::seconds patience, bool hold) {
  auto promise = std::make_shared<std::promise<Result<FetchOutcome>>>();
  DemandRead request{image, range, io_->timers().now() + patience, hold};
  fetcher_->read(std::move(request), [promise](Result<FetchOutcome> outcome) {
    promise->set_value(std::move(outcome));
  });
  auto future = promise->get_future();
  if (future.wait_for(patience + std::chrono::seconds(20)) != std::future_status::ready) {
    return fail(Errc::deadline_passed, Operation::fetch, "the read was never answered");
  }
  return future.get();
}

MaterializeProgress LoopbackNode::materialize(const std::shared_ptr<LocalImage>& image) {
  const auto job = fetcher_->materialize(image, {}, nullptr);
  eventually([&] { return is_final(job->progress().state); });
  return job->progress();
}

PeerServerStats LoopbackNode::served() {
  PeerServerStats stats;
  if (server_) io_->run([&] { return server_stats(server_.get(), &stats); });
  return stats;
}

bool LoopbackNode::eventually(const std::function<bool()>& condition) {
  const TimePoint until = steady_clock().now() + std::chrono::seconds(20);
  while (!condition()) {
    if (steady_clock().now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

void expect_equal(LocalImage& local, const test::SampleImage& image) {
  constexpr std::uint64_t step = 256;
  std::vector<std::byte> bytes;
  for (std::uint64_t at = 0; at < image.blocks().value(); at += step) {
    const std::uint64_t count = std::min(step, image.blocks().value() - at);
    bytes.resize(count * block_size);
    const auto read = local.read(ByteOffset(at * block_size), bytes);
    ASSERT_TRUE(read) << read.error().message();
    ASSERT_TRUE(std::ranges::equal(bytes, image.block(at, count))) << "near block " << at;
  }
}

}  // namespace weft::fetcher::testing
