// SPDX-License-Identifier: Apache-2.0
#include "fs/session/operations.h"

#include <spdlog/spdlog.h>

namespace weft::fs {

fuse_lowlevel_ops make_operations() {
  fuse_lowlevel_ops operations{};
  operations.init = op_init;
  operations.lookup = op_lookup;
  operations.getattr = op_getattr;
  operations.open = op_open;
  operations.release = op_release;
  operations.read = op_read;
  operations.lseek = op_lseek;
  operations.readdir = op_readdir;
  operations.statfs = op_statfs;
  operations.write = op_write;
  operations.fsync = op_fsync;
  operations.fallocate = op_fallocate;
  operations.setattr = op_setattr;
  refuse_changes(operations);
  return operations;
}

void log_exception(std::string_view operation, std::exception_ptr thrown) noexcept {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    spdlog::critical("FUSE {}: exception: {}; answering EIO", operation, e.what());
  } catch (...) {
    spdlog::critical("FUSE {}: unknown exception; answering EIO", operation);
  }
}

}  // namespace weft::fs
