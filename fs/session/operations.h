// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/session/libfuse.h"
#include "fs/session/served_image.h"
#include "indexer/core/error.h"

#include <cerrno>
#include <exception>
#include <string_view>
#include <utility>

/// The FUSE operations, one in each op_*.cpp. All run on channel threads, never wait for the
/// network, and answer exactly once. What is not here, libfuse answers with ENOSYS, and the kernel
/// then deals with it alone: locks and extended attributes (asked for before every write
/// otherwise), among others.
namespace weft::fs {

void op_init(void* session, fuse_conn_info* connection);
void op_lookup(fuse_req_t request, fuse_ino_t parent, const char* name);
void op_getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info* file);
void op_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* file);
void op_release(fuse_req_t request, fuse_ino_t node, fuse_file_info* file);
void op_read(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset, fuse_file_info* file);
void op_lseek(fuse_req_t request, fuse_ino_t node, off_t offset, int whence, fuse_file_info* file);
void op_readdir(fuse_req_t request, fuse_ino_t node, size_t size, off_t offset,
                fuse_file_info* file);
void op_statfs(fuse_req_t request, fuse_ino_t node);
// Of disks; of an image they answer EROFS.
void op_write(fuse_req_t request, fuse_ino_t node, const char* bytes, size_t size, off_t offset,
              fuse_file_info* file);
void op_fsync(fuse_req_t request, fuse_ino_t node, int data_only, fuse_file_info* file);
void op_fallocate(fuse_req_t request, fuse_ino_t node, int mode, off_t offset, off_t length,
                  fuse_file_info* file);
void op_setattr(fuse_req_t request, fuse_ino_t node, struct stat* attributes, int which,
                fuse_file_info* file);
/// Fills in the operations that would change names: they answer EROFS.
void refuse_changes(fuse_lowlevel_ops& operations);

[[nodiscard]] fuse_lowlevel_ops make_operations();

[[nodiscard]] inline const ServedImage& served_by(fuse_req_t request) {
  return *static_cast<const ServedImage*>(fuse_req_userdata(request));
}

/// Logs what an operation threw. No exception may reach libfuse, which is C.
void log_exception(std::string_view operation, std::exception_ptr thrown) noexcept;

/// The firewall at the edge to libfuse: `compute` returns a Result, `send` replies with its value;
/// an error is replied as its errno, an exception as EIO.
template <class Compute, class Send>
void answer(fuse_req_t request, std::string_view operation, Compute compute, Send send) noexcept {
  using Value = decltype(compute());
  Value result = fail_errno(EIO, Operation::serve);
  try {
    result = compute();
  } catch (...) {
    log_exception(operation, std::current_exception());
  }
  if (result) {
    send(*result);
  } else {
    fuse_reply_err(request, to_errno(result.error()));
  }
}

}  // namespace weft::fs
