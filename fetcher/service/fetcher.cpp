// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/fetcher.h"

#include "fetcher/service/engine.h"
#include "fetcher/service/graft.h"
#include "fetcher/service/lookup.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <future>
#include <optional>
#include <utility>

namespace weft::fetcher {

namespace asio = boost::asio;

/// The engine, and the ways to it from other threads.
class Fetcher::Impl : public std::enable_shared_from_this<Fetcher::Impl> {
 public:
  Impl(Executor executor, Timers& timers, Offload& workers, Connect connect, FetcherOptions options)
      : io(executor),
        relatives(options.relatives),
        engine(executor, timers, workers, std::move(connect), options) {}

  template <class F>
  void later(F function) {
    if (stopped) return;
    asio::post(io,
               [self = shared_from_this(), f = std::move(function)]() mutable { f(self->engine); });
  }
  /// Runs `function` on the I/O thread and waits for its result; at once when called there.
  template <class F>
  auto now(F function) {
    using R = std::invoke_result_t<F&, FetchEngine&>;
    std::promise<R> result;
    std::future<R> future = result.get_future();
    asio::dispatch(io, [&] { result.set_value(function(engine)); });
    return future.get();
  }

  const Executor io;
  const std::shared_ptr<RelativeTrees> relatives;
  FetchEngine engine;  // I/O thread only
  std::atomic<std::uint64_t> last_ticket{0};
  std::atomic<bool> stopped{false};
};

Fetcher::Fetcher(Executor io, Timers& timers, Offload& workers, Connect connect,
                 FetcherOptions options)
    : impl_(std::make_shared<Impl>(io, timers, workers, std::move(connect), options)) {}

Fetcher::~Fetcher() = default;

void Fetcher::add_peer(std::string address, PeerLinkInfo link) {
  impl_->later([address = std::move(address), link = std::move(link)](FetchEngine& e) mutable {
    e.add_peer(std::move(address), std::move(link));
  });
}

void Fetcher::remove_peer(std::string address) {
  impl_->later([address = std::move(address)](FetchEngine& e) { e.remove_peer(address); });
}

std::vector<PeerStatus> Fetcher::peers() {
  if (impl_->stopped) return {};
  return impl_->now([](FetchEngine& e) { return e.peers(); });
}

Awaitable<Result<RemoteImage>> Fetcher::locate(std::string name_or_id, BlockIndex first_read) {
  const std::shared_ptr<Impl> impl = impl_;
  if (impl->stopped)
    co_return fail(Errc::cancelled, Operation::locate, "the node is shutting down");
  co_return co_await asio::co_spawn(
      impl->io, impl->engine.locate(std::move(name_or_id), first_read), asio::use_awaitable);
}

void Fetcher::attach(std::shared_ptr<LocalImage> image) {
  impl_->later([image = std::move(image)](FetchEngine& e) mutable { e.attach(std::move(image)); });
}

void Fetcher::detach(const ImageId& image) {
  impl_->later([image](FetchEngine& e) { e.detach(image); });
}

std::shared_ptr<MaterializeJob> Fetcher::materialize(std::shared_ptr<LocalImage> image,
                                                     MaterializeOptions options,
                                                     MaterializeJob::OnProgress on_progress) {
  const std::weak_ptr<Impl> weak = impl_;
  auto wake = [weak] {
    if (const auto impl = weak.lock(); impl && !impl->stopped) {
      impl->later([](FetchEngine& e) { e.wake_jobs(); });
    }
  };
  return impl_->now([&](FetchEngine& e) {
    return e.materialize(std::move(image), options, std::move(on_progress), std::move(wake));
  });
}

void Fetcher::prefetch_boot(std::shared_ptr<LocalImage> image) {
  impl_->later([image = std::move(image)](FetchEngine& e) { e.prefetch_boot(image); });
}

void Fetcher::profile_changed(const ImageId& image) {
  impl_->later([image](FetchEngine& e) { e.profile_changed(image); });
}

FetchTicket Fetcher::read(DemandRead request, Done done) {
  const FetchTicket ticket{++impl_->last_ticket};
  if (impl_->stopped) {
    done(fail(Errc::cancelled, Operation::fetch, "the node is shutting down"));
    return ticket;
  }
  // Looked up here: the caller may read the tree from the disk, the I/O thread may not.
  resolve_missing(*request.image, request.range);
  Result<Missing> missing = look_up_missing(*request.image, request.range, impl_->relatives.get());
  impl_->later([ticket, request = std::move(request), missing = std::move(missing),
                done = std::move(done)](FetchEngine& e) mutable {
    e.read(ticket, std::move(request), std::move(missing), std::move(done));
  });
  return ticket;
}

void Fetcher::cancel(FetchTicket ticket) {
  impl_->later([ticket](FetchEngine& e) { e.cancel(ticket); });
}

FetchStatistics Fetcher::statistics() {
  if (impl_->stopped) return {};
  return impl_->now([](FetchEngine& e) { return e.statistics(); });
}

void Fetcher::stop() {
  if (impl_->stopped) return;
  asio::co_spawn(impl_->io, shutdown(), asio::use_future).get();
}

Awaitable<void> Fetcher::shutdown() {
  const std::shared_ptr<Impl> impl = impl_;
  co_await impl->engine.shutdown();
  impl->stopped = true;
}

}  // namespace weft::fetcher
