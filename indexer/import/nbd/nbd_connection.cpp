// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/nbd/nbd_connection.h"

#include <libnbd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weft {
namespace {

constexpr nbd_completion_callback no_callback{
    .callback = nullptr, .user_data = nullptr, .free = nullptr};

std::string last_error() {
  const char* const text = ::nbd_get_error();
  return text != nullptr ? text : "no reason given";
}

// What the server sends about block status, as it comes: pairs of length and flags.
struct Answer {
  std::uint64_t offset = 0;
  std::vector<std::uint32_t> entries;
  bool other_offset = false;

  static int take(void* self, const char* context, std::uint64_t offset, std::uint32_t* entries,
                  std::size_t count, int* /*error*/) {
    auto& answer = *static_cast<Answer*>(self);
    if (std::string_view(context) != LIBNBD_CONTEXT_BASE_ALLOCATION) return 0;
    if (offset != answer.offset) answer.other_offset = true;
    answer.entries.assign(entries, entries + count);
    return 0;
  }
};

// nullopt: not what the protocol allows. The last entry may go beyond what was asked for.
std::optional<NbdConnection::Status> status_of(ByteOffset offset, ByteCount length,
                                               std::span<const std::uint32_t> entries) {
  NbdConnection::Status status{.data = {}, .end = offset};
  const ByteOffset end = offset + length;
  for (std::size_t i = 0; i + 1 < entries.size() && status.end < end; i += 2) {
    if (entries[i] == 0) return std::nullopt;
    const ByteOffset next = std::min(end, status.end + ByteCount(entries[i]));
    if ((entries[i + 1] & LIBNBD_STATE_ZERO) == 0) {
      const bool continues = !status.data.empty() &&
                             status.data.back().offset + status.data.back().length == status.end;
      if (continues) {
        status.data.back().length += next - status.end;
      } else {
        status.data.push_back(Extent{status.end, next - status.end});
      }
    }
    status.end = next;
  }
  if (status.end == offset) return std::nullopt;
  return status;
}

}  // namespace

void NbdConnection::Closer::operator()(nbd_handle* handle) const noexcept {
  ::nbd_close(handle);
}

std::unexpected<Error> NbdConnection::failed() {
  const int number = ::nbd_get_errno();
  std::string text = last_error();
  const bool alive =
      ::nbd_aio_is_ready(handle_.get()) == 1 || ::nbd_aio_is_processing(handle_.get()) == 1;
  if (alive && number != 0) return fail_errno(number, Operation::read, std::move(text));
  usable_ = false;
  return fail(Errc::peer_unreachable, Operation::read, std::move(text));
}

template <class Done>
Result<void> NbdConnection::wait_until(Done done, Duration timeout) {
  const TimePoint deadline = clock_->now() + timeout;
  while (true) {
    const int state = done();
    if (state < 0) return failed();
    if (state > 0) return {};
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - clock_->now()).count();
    if (left <= 0) {
      // The request stays under way: nobody polls this handle again, so that nothing is written to
      // the request's buffer.
      usable_ = false;
      return fail(Errc::deadline_passed, Operation::read, "it does not answer");
    }
    if (::nbd_poll(handle_.get(), static_cast<int>(std::min<long>(left, 3'600'000))) < 0) {
      return failed();
    }
  }
}

Result<NbdConnection> NbdConnection::open(UniqueFd socket, const Clock& clock, Duration timeout) {
  NbdConnection made(Handle(::nbd_create()), clock);
  nbd_handle* const handle = made.handle_.get();
  // QEMU serves any range, whatever block size it would like best.
  if (handle == nullptr ||
      ::nbd_set_strict_mode(handle, ::nbd_get_strict_mode(handle) & ~LIBNBD_STRICT_ALIGN) != 0 ||
      ::nbd_add_meta_context(handle, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0 ||
      ::nbd_aio_connect_socket(handle, socket.release()) != 0) {
    return fail(Errc::peer_unreachable, Operation::connect, last_error());
  }
  WEFT_CHECK(made.wait_until(
      [handle] {
        if (::nbd_aio_is_ready(handle) == 1) return 1;
        return ::nbd_aio_is_dead(handle) == 1 || ::nbd_aio_is_closed(handle) == 1 ? -1 : 0;
      },
      timeout));
  return made;
}

std::uint64_t NbdConnection::size() const {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(::nbd_get_size(handle_.get()), 0));
}

Result<void> NbdConnection::finish(std::int64_t cookie, Duration timeout) {
  if (cookie < 0) return failed();
  return wait_until(
      [this, cookie] {
        return ::nbd_aio_command_completed(handle_.get(), static_cast<std::uint64_t>(cookie));
      },
      timeout);
}

Result<void> NbdConnection::read(ByteOffset offset, std::span<std::byte> out, Duration timeout) {
  return finish(
      ::nbd_aio_pread(handle_.get(), out.data(), out.size(), offset.value(), no_callback, 0),
      timeout);
}

Result<NbdConnection::Status> NbdConnection::status(ByteOffset offset, ByteCount length,
                                                    Duration timeout) {
  // A server without block status has no holes to tell of.
  if (::nbd_can_meta_context(handle_.get(), LIBNBD_CONTEXT_BASE_ALLOCATION) != 1) {
    return Status{.data = {Extent{offset, length}}, .end = offset + length};
  }
  Answer answer{.offset = offset.value(), .entries = {}};
  const nbd_extent_callback callback{
      .callback = &Answer::take, .user_data = &answer, .free = nullptr};
  WEFT_CHECK(finish(::nbd_aio_block_status(handle_.get(), length.value(), offset.value(), callback,
                                           no_callback, 0),
                    timeout));
  auto status = status_of(offset, length, answer.entries);
  if (status && !answer.other_offset) return *std::move(status);
  usable_ = false;
  return fail(Errc::peer_unreachable, Operation::read, "its block status makes no sense");
}

}  // namespace weft
