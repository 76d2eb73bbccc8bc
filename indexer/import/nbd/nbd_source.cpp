// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/nbd/nbd_source.h"

#include <algorithm>
#include <utility>

namespace weft {
namespace {

constexpr std::size_t most_readers = 16;
// A multiple of any block size, and small enough for the protocol's 32 bits.
constexpr ByteCount status_length{std::uint64_t{1} << 31};
constexpr std::size_t most_said = 400;
// How long a server whose connection broke gets to say why.
constexpr Duration last_words = std::chrono::seconds(2);

}  // namespace

NbdSource::NbdSource(FileSystem& fs, ImageChain chain, BlockGraph graph,
                     std::unique_ptr<QemuNbd> server, NbdSourceOptions options)
    : fs_(fs),
      chain_(std::move(chain)),
      graph_(std::move(graph)),
      server_(std::move(server)),
      options_(options) {}

Result<std::unique_ptr<NbdSource>> NbdSource::open(FileSystem& fs, ImageChain chain,
                                                   NbdSourceOptions options) {
  options.readers = std::clamp<std::size_t>(options.readers, 1, most_readers);
  WEFT_TRY(BlockGraph graph, BlockGraph::of(chain));
  WEFT_TRY(auto server, QemuNbd::start(graph, options.readers + 1));
  std::unique_ptr<NbdSource> source(
      new NbdSource(fs, std::move(chain), std::move(graph), std::move(server), options));
  const std::stop_callback on_stop(options.stop, [opened = source.get()] { opened->interrupt(); });
  WEFT_CHECK(source->connect());
  return source;
}

Result<void> NbdSource::connect() {
  const std::string name = chain_.layers.front().file.path.string();
  for (UniqueFd& socket : server_->take_sockets()) {
    auto connection =
        NbdConnection::open(std::move(socket), *options_.clock, options_.start_timeout);
    if (!connection) {
      Error error = explained(connection.error(), "cannot open it");
      // Before the first byte the image is what it does not like.
      if (error.is(Errc::helper_failed)) error.code = Errc::bad_image;
      return std::unexpected(std::move(error));
    }
    const ByteCount size(connection->size());
    if (size.value() == 0) return fail(Errc::empty_image, Operation::import, name);
    if (size > max_image_size) {
      return fail(Errc::image_too_large, Operation::import, name + ": the limit is 64 TiB");
    }
    size_ = size;
    if (!status_connection_) {
      status_connection_ = *std::move(connection);
    } else {
      Lock lock(mutex_);
      free_.push_back(*std::move(connection));
      ++usable_;
    }
  }
  return {};
}

Error NbdSource::explained(const Error& error, const std::string& doing) const {
  if (interrupted_) return fail(Errc::cancelled, Operation::import).error();
  Error told = error;
  told.operation = Operation::import;
  told.detail = chain_.layers.front().file.path.string() + ": qemu-nbd ";
  std::string said = graph_.with_names(server_->said());
  if (error.is(Errc::deadline_passed)) {
    told.detail += doing + " in time";
  } else if (error.code.category() == std::generic_category()) {
    told.code = Errc::bad_image;
    told.detail += doing + ": " + error.code.message();
  } else {
    told.code = Errc::helper_failed;
    const auto end = server_->end_within(last_words);
    told.detail += doing + ": it " + end.value_or("hung up (" + error.detail + ")");
    said = graph_.with_names(server_->said());
  }
  if (said.size() > most_said) said = "… " + said.substr(said.size() - most_said);
  if (!said.empty()) told.detail += ": it says: " + said;
  return told;
}

Result<std::optional<Extent>> NbdSource::next_data(ByteOffset from) {
  const ByteOffset end(size_.value());
  while (from < end) {
    for (const Extent& extent : status_.data) {
      const ByteOffset extent_end = extent.offset + extent.length;
      if (extent_end <= from) continue;
      const ByteOffset first = std::max(from, extent.offset);
      return Extent{first, extent_end - first};
    }
    from = std::max(from, status_.end);
    if (from >= end) break;
    const ByteCount length = std::min(end - from, status_length);
    auto status = status_connection_->status(from, length, options_.request_timeout);
    if (!status) {
      return std::unexpected(explained(
          status.error(), "cannot tell where data are from byte " + std::to_string(from.value())));
    }
    status_ = *std::move(status);
  }
  return std::nullopt;
}

Result<void> NbdSource::read(ByteOffset offset, std::span<std::byte> out) {
  WEFT_TRY(NbdConnection reader, take_reader());
  const Result<void> outcome = reader.read(offset, out, options_.request_timeout);
  give_back(std::move(reader));
  if (outcome) return {};
  return std::unexpected(
      explained(outcome.error(), "cannot read it at byte " + std::to_string(offset.value())));
}

Result<NbdConnection> NbdSource::take_reader() {
  Lock lock(mutex_);
  // Whoever has one gives it back within its request's deadline.
  while (free_.empty() && usable_ > 0)
    changed_.wait(mutex_);
  if (free_.empty()) {
    return fail(interrupted_ ? Errc::cancelled : Errc::helper_failed, Operation::import,
                chain_.layers.front().file.path.string() + ": qemu-nbd has failed before");
  }
  NbdConnection reader = std::move(free_.back());
  free_.pop_back();
  return reader;
}

void NbdSource::give_back(NbdConnection reader) {
  Lock lock(mutex_);
  if (reader.usable()) {
    free_.push_back(std::move(reader));
  } else {
    --usable_;
  }
  changed_.notify_all();
}

void NbdSource::interrupt() noexcept {
  interrupted_ = true;
  server_->kill();
}

}  // namespace weft
