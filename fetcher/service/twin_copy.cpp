// SPDX-License-Identifier: Apache-2.0
#include "fetcher/service/twin_copy.h"

#include <array>
#include <cstddef>
#include <span>
#include <utility>

namespace weft::fetcher {
namespace {

constexpr BlockCount one(1);
constexpr BlockCount resolved_together(4096);  // a gap this wide begins another lookup

/// Borrows what it can. What it cannot is copied, so errors do not matter here.
void borrow(LocalImage& image, const std::vector<TwinToCopy>& twins) {
  BlockRange around;
  const auto look = [&] {
    if (!around.empty()) (void)image.resolve(around);
  };
  for (const TwinToCopy& twin : twins) {
    if (twin.from.get() == &image) continue;
    if (!around.empty() && twin.to < around.end() + resolved_together) {
      around = BlockRange::between(around.first, twin.to + one);
      continue;
    }
    look();
    around = {twin.to, one};
  }
  look();
}

/// Reads the content and commits it as the twin's, which compares its digest.
Result<void> copy(LocalImage& image, const TwinToCopy& twin) {
  if (!twin.from) return fail(Errc::not_resident, Operation::read);
  std::array<std::byte, block_size> bytes;
  WEFT_CHECK(twin.from->read(offset_of(twin.first), bytes));
  return image.commit({twin.to, one}, bytes);
}

}  // namespace

CopiedTwins copy_twins(LocalImage& image, std::vector<TwinToCopy> twins) {
  CopiedTwins result;
  borrow(image, twins);
  for (TwinToCopy& twin : twins) {
    if (!image.readable({twin.to, one})) {
      const Result<void> copied = copy(image, twin);
      if (!copied &&
          (copied.error().is(Errc::digest_mismatch) || copied.error().is(Errc::not_resident))) {
        append_run(result.failed, {twin.to, one});
        continue;
      }
      if (!copied) {
        result.store_error = copied.error();
        result.unstored.push_back(std::move(twin));
        continue;
      }
    }
    append_run(result.readable, {twin.to, one});
    (twin.from.get() == &image ? result.copied : result.joined) += one;
  }
  return result;
}

}  // namespace weft::fetcher
