// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <system_error>

#include <fcntl.h>

namespace weft::testing {

/// Open-file-description locks on one byte, as QEMU takes them.
inline struct flock byte_lock(short type, off_t at) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = at;
  lock.l_len = 1;
  return lock;
}

/// False: somebody else's lock is in the way, or another error (errno).
inline bool lock_byte(int file, short type, off_t at) {
  auto lock = byte_lock(type, at);
  return ::fcntl(file, F_OFD_SETLK, &lock) == 0;
}

/// The lock of others that keeps `file` from writing the byte: F_UNLCK if there is none.
inline short lock_in_the_way(int file, off_t at) {
  auto lock = byte_lock(F_WRLCK, at);
  if (::fcntl(file, F_OFD_GETLK, &lock) != 0)
    throw std::system_error(errno, std::generic_category(), "F_OFD_GETLK");
  return lock.l_type;
}

}  // namespace weft::testing
