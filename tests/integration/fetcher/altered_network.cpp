// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/fetcher/altered_network.h"

#include "fetcher/wire/codec.h"
#include "fetcher/wire/frame_reader.h"

#include <boost/asio/awaitable.hpp>

#include <utility>
#include <vector>

namespace weft::fetcher::testing {
namespace {

class AlteredStream final : public Stream {
 public:
  AlteredStream(std::unique_ptr<Stream> inner, Alter alter)
      : inner_(std::move(inner)), alter_(std::move(alter)) {}

  Awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
    return inner_->read_some(into);
  }
  Awaitable<Result<void>> write(std::span<const std::byte> bytes) override {
    std::vector<std::byte> altered;
    for (;;) {
      WEFT_CO_TRY(const auto frame, frames_.next(bytes));
      if (!frame) break;
      WEFT_CO_TRY(wire::Message message, wire::decode(frame->payload, frame->header.type));
      alter_(message);
      const auto encoded = wire::encode(message, frame->header.request, frame->header.priority);
      altered.insert(altered.end(), encoded.begin(), encoded.end());
    }
    if (altered.empty()) co_return Result<void>{};
    co_return co_await inner_->write(altered);
  }
  void shutdown_write() noexcept override { inner_->shutdown_write(); }
  void close() noexcept override { inner_->close(); }
  std::string remote() const override { return inner_->remote(); }

 private:
  std::unique_ptr<Stream> inner_;
  Alter alter_;
  wire::FrameReader frames_;
};

class AlteredListener final : public Listener {
 public:
  AlteredListener(std::unique_ptr<Listener> inner, Alter alter)
      : inner_(std::move(inner)), alter_(std::move(alter)) {}

  Awaitable<Result<std::unique_ptr<Stream>>> accept() override {
    WEFT_CO_TRY(std::unique_ptr<Stream> stream, co_await inner_->accept());
    co_return std::make_unique<AlteredStream>(std::move(stream), alter_);
  }
  Address local() const override { return inner_->local(); }
  void close() noexcept override { inner_->close(); }

 private:
  std::unique_ptr<Listener> inner_;
  Alter alter_;
};

class AlteredNetwork final : public Network {
 public:
  AlteredNetwork(Network& inner, Alter alter) : inner_(inner), alter_(std::move(alter)) {}

  Awaitable<Result<std::unique_ptr<Stream>>> dial(Address address, TimePoint deadline) override {
    return inner_.dial(std::move(address), deadline);
  }
  Result<std::unique_ptr<Listener>> listen(const Address& address) override {
    WEFT_TRY(std::unique_ptr<Listener> listener, inner_.listen(address));
    return std::make_unique<AlteredListener>(std::move(listener), alter_);
  }

 private:
  Network& inner_;
  Alter alter_;
};

}  // namespace

std::unique_ptr<Network> make_altered_network(Network& inner, Alter alter) {
  return std::make_unique<AlteredNetwork>(inner, std::move(alter));
}

}  // namespace weft::fetcher::testing
