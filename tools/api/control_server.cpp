// SPDX-License-Identifier: Apache-2.0
#include "tools/api/control_server.h"

#include "fetcher/net/io_thread.h"
#include "fetcher/net/task_group.h"
#include "indexer/core/worker_pool.h"
#include "tools/api/http_session.h"
#include "tools/api/routes.h"
#include "tools/api/unix_address.h"
#include "tools/daemon/node.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cerrno>
#include <set>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace weft::tools {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using fetcher::Awaitable;

WorkerPoolOptions pool_options(std::size_t threads, std::size_t queue, std::string name) {
  WorkerPoolOptions options;
  options.threads = threads;
  options.queue_limit = queue;
  options.name = std::move(name);
  return options;
}

}  // namespace

class ControlServer::Impl {
 public:
  Impl(Node& node, ControlServerOptions options)
      : node_(node),
        options_(std::move(options)),
        io_(node.network()->io()),
        queries_(pool_options(options_.query_threads, options_.max_connections, "weft-query")),
        long_calls_(pool_options(options_.long_calls, options_.long_calls, "weft-call")),
        acceptor_(io_.executor()),
        tasks_(io_.executor()) {}

  ~Impl() { stop(); }

  Result<void> start() {
    WEFT_CHECK(listen());
    io_.run([this] { return begin_accepting(); });
    return {};
  }

  [[nodiscard]] std::size_t active() const noexcept { return active_; }

  void stop() {
    if (std::exchange(stopped_, true)) return;
    io_.run([this] { return end_all(); });
    queries_.stop();
    long_calls_.stop();
  }

 private:
  Result<void> listen();
  Awaitable<void> begin_accepting();
  Awaitable<void> accept_loop();
  Awaitable<void> serve(std::shared_ptr<HttpSession> session);
  Awaitable<void> end_all();
  bool begin(Call call, std::shared_ptr<RunningCall> running);
  void work(const Call& call, RunningCall& running);

  // Constant after construction.
  Node& node_;
  const ControlServerOptions options_;
  fetcher::IoThread& io_;
  // Have their own synchronisation.
  WorkerPool queries_;
  WorkerPool long_calls_;
  std::atomic<std::size_t> active_ = 0;
  std::atomic<std::size_t> active_long_ = 0;
  // Owner's thread.
  bool stopped_ = false;
  // I/O thread only.
  stream_protocol::acceptor acceptor_;
  fetcher::TaskGroup tasks_;
  std::set<std::shared_ptr<HttpSession>> sessions_;
};

Result<void> ControlServer::Impl::listen() {
  const auto shown = options_.socket.string();
  WEFT_TRY(const auto address, unix_address(options_.socket));
  // The state directory is locked by this process, so a socket found there has no server.
  if (::unlink(address.path.c_str()) != 0 && errno != ENOENT) {
    return fail_errno(errno, Operation::control, shown);
  }
  boost::system::error_code problem;
  acceptor_.open(stream_protocol(), problem);
  // Before bind: the file is created with the mode of the socket, so nobody else can ever open it.
  if (!problem && ::fchmod(acceptor_.native_handle(), 0600) != 0) {
    return fail_errno(errno, Operation::control, shown);
  }
  if (!problem) acceptor_.bind(stream_protocol::endpoint(address.path), problem);
  if (!problem) acceptor_.listen(asio::socket_base::max_listen_connections, problem);
  if (problem) return fail_errno(problem.value(), Operation::control, shown);
  if (::chmod(address.path.c_str(), 0600) != 0) {
    return fail_errno(errno, Operation::control, shown);
  }
  return {};
}

Awaitable<void> ControlServer::Impl::begin_accepting() {
  tasks_.spawn("control accept", accept_loop());
  co_return;
}

Awaitable<void> ControlServer::Impl::accept_loop() {
  constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
  while (acceptor_.is_open()) {
    auto [problem, socket] = co_await acceptor_.async_accept(as_tuple);
    if (!acceptor_.is_open()) break;
    if (problem) {
      // Too many open files or the like: passing trouble.
      spdlog::warn("control accept failed reason=\"{}\"", problem.message());
      co_await fetcher::sleep_until(io_.timers(),
                                    io_.timers().now() + std::chrono::milliseconds(200));
      continue;
    }
    if (sessions_.size() >= options_.max_connections) continue;  // closed by its destructor
    auto session =
        std::make_shared<HttpSession>(std::move(socket), io_.timers(), options_,
                                      [this](Call call, std::shared_ptr<RunningCall> running) {
                                        return begin(std::move(call), std::move(running));
                                      });
    sessions_.insert(session);
    tasks_.spawn("control session", serve(session));
  }
}

Awaitable<void> ControlServer::Impl::serve(std::shared_ptr<HttpSession> session) {
  co_await session->run();
  sessions_.erase(session);
}

Awaitable<void> ControlServer::Impl::end_all() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  for (const auto& session : sessions_)
    session->end();
  co_await tasks_.stop();
}

bool ControlServer::Impl::begin(Call call, std::shared_ptr<RunningCall> running) {
  const bool long_call = is_long(call);
  if (long_call && active_long_ >= options_.long_calls) return false;
  ++active_;
  if (long_call) ++active_long_;
  WorkerPool::Task task = [this, long_call, call = std::move(call), running = std::move(running)] {
    work(call, *running);
    --active_;
    if (long_call) --active_long_;
  };
  if ((long_call ? long_calls_ : queries_).try_submit(task)) return true;
  --active_;
  if (long_call) --active_long_;
  return false;
}

void ControlServer::Impl::work(const Call& call, RunningCall& running) {
  CallContext context;
  context.stop = running.stop_token();
  context.progress = [&running](boost::json::object line) { running.report(std::move(line)); };
  auto reply = dispatch(node_, call, context);
  if (!reply) {
    spdlog::info("request failed method={} target={} reason=\"{}\"", call.method, target_of(call),
                 reply.error().message());
  }
  running.finish(std::move(reply));
}

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlServer::~ControlServer() = default;

Result<std::unique_ptr<ControlServer>> ControlServer::start(Node& node,
                                                            ControlServerOptions options) {
  auto impl = std::make_unique<Impl>(node, std::move(options));
  WEFT_CHECK(impl->start());
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

std::size_t ControlServer::active() const noexcept {
  return impl_->active();
}
void ControlServer::stop() {
  impl_->stop();
}

}  // namespace weft::tools
