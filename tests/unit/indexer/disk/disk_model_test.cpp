// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/indexer/disk/disk_fixture.h"

#include <algorithm>
#include <random>

// Random operations on a disk, compared with an array of bytes after each.
namespace weft {
namespace {

class DiskModel : public test::DiskFixture, public ::testing::WithParamInterface<std::uint64_t> {
 protected:
  struct Part {
    std::uint64_t offset;
    std::uint64_t length;
  };
  Part part() {
    const std::uint64_t longest = random_() % 4 == 0 ? size : 9000;
    const std::uint64_t offset = random_() % size;
    return {offset, 1 + random_() % std::min(longest, size - offset)};
  }
  Part aligned(Part p) {
    const std::uint64_t from = p.offset / block_size * block_size;
    return {from, std::min(size - from, (p.length + block_size) / block_size * block_size)};
  }
  void write(Part p) {
    std::vector<std::byte> bytes(p.length);
    for (auto& byte : bytes)
      byte = static_cast<std::byte>(random_());
    ASSERT_TRUE(disk_->write(ByteOffset(p.offset), bytes));
    std::ranges::copy(bytes, model_.begin() + static_cast<std::ptrdiff_t>(p.offset));
  }
  void zero(Part p) {
    ASSERT_TRUE(disk_->zero(ByteOffset(p.offset), ByteCount(p.length)));
    std::fill_n(model_.begin() + static_cast<std::ptrdiff_t>(p.offset), p.length, std::byte{0});
  }
  void step() {
    const Part p = random_() % 2 == 0 ? part() : aligned(part());
    switch (random_() % 8) {
      case 0:
      case 1:
        return zero(p);
      case 2:
        ASSERT_TRUE(disk_->flush());
        return;
      case 3:
        if (random_() % 4 == 0) open();  // as after a kill: nothing is flushed
        return;
      default:
        return write(p);
    }
  }
  void check(Part p) {
    std::vector<std::byte> out(p.length);
    ASSERT_TRUE(disk_->read(ByteOffset(p.offset), out));
    ASSERT_TRUE(std::ranges::equal(out, std::span(model_).subspan(p.offset, p.length)))
        << p.offset << " + " << p.length;
  }

  std::mt19937_64 random_{GetParam()};
  std::vector<std::byte> model_ = sample_bytes();
};

TEST_P(DiskModel, random_operations_leave_what_they_leave_in_an_array) {
  for (int i = 0; i < 400; ++i) {
    ASSERT_NO_FATAL_FAILURE(step()) << "step " << i;
    ASSERT_NO_FATAL_FAILURE(check(part())) << "step " << i;
    if (i % 40 == 0) ASSERT_NO_FATAL_FAILURE(check({0, size})) << "step " << i;
  }
  ASSERT_TRUE(disk_->flush());
  cut(test::Survival::nothing);
  open();
  check({0, size});
  EXPECT_TRUE(reads_as(*base_, sample_)) << "the image below was changed";
}

INSTANTIATE_TEST_SUITE_P(Seeds, DiskModel, ::testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace weft
