// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/error.h"
#include "indexer/core/file_io.h"
#include "indexer/core/unique_fd.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

struct nbd_handle;

namespace weft {

/// One connection to an NBD server: libnbd's handle, with a deadline on every wait.
///
/// Used by one thread at a time. Errc::deadline_passed and Errc::peer_unreachable (the server hung
/// up, or sent what the protocol does not allow) end it: `usable` is false from then on. An errno
/// is the server's answer to one request. Details say what libnbd says.
class NbdConnection {
 public:
  /// Shakes hands over `socket`, asking for block status.
  [[nodiscard]] static Result<NbdConnection> open(UniqueFd socket, const Clock& clock,
                                                  Duration timeout);

  /// What the server says the image's size is: unchecked.
  [[nodiscard]] std::uint64_t size() const;
  /// Fills `out`.
  [[nodiscard]] Result<void> read(ByteOffset offset, std::span<std::byte> out, Duration timeout);

  struct Status {
    std::vector<Extent> data;  ///< ascending and apart; the rest of what is covered reads as zeros
    ByteOffset end;            ///< of what is covered: after `offset`, at most `offset` + `length`
  };
  /// What the server says about at most `length` bytes at `offset`, checked as stated above.
  /// `length` > 0, at most 2 GiB.
  [[nodiscard]] Result<Status> status(ByteOffset offset, ByteCount length, Duration timeout);

  [[nodiscard]] bool usable() const { return usable_; }

 private:
  struct Closer {
    void operator()(nbd_handle* handle) const noexcept;
  };
  using Handle = std::unique_ptr<nbd_handle, Closer>;

  NbdConnection(Handle handle, const Clock& clock) : handle_(std::move(handle)), clock_(&clock) {}

  // `done` answers 1 (yes), 0 (not yet) or −1 (libnbd's error).
  template <class Done>
  Result<void> wait_until(Done done, Duration timeout);
  Result<void> finish(std::int64_t cookie, Duration timeout);
  std::unexpected<Error> failed();

  Handle handle_;
  const Clock* clock_;
  bool usable_ = true;
};

}  // namespace weft
