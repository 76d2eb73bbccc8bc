// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/disk_store.h"

namespace weft {

Result<std::unique_ptr<ImageWriter>> DiskStore::begin_import(ImportTarget) {
  return fail(Errc::unsupported, Operation::import);
}

Result<RemovalReport> DiskStore::remove(std::string_view) {
  return fail(Errc::unsupported, Operation::remove);
}

}  // namespace weft
