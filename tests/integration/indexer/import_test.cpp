// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/indexer/file_in_store.h"
#include "tests/support/indexer/raw_image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

// Imports into a real store: what a file becomes, and what is left when one ends early.
namespace weft {
namespace {

using test::DiskCall;
using test::Survival;

class ImportIntoStore : public test::FileInStore {
 protected:
  ImportIntoStore() {
    // Data, a hole of many pieces, data that ends inside of a block.
    auto bytes = test::random_blocks(BlockCount(300), 1);
    bytes.resize(3'000'000 + bytes.size());
    const auto tail = test::random_blocks(BlockCount(40), 2);
    bytes.insert(bytes.end(), tail.begin(), tail.end() - 1000);
    content_ = bytes;
    test::write_file(source(), content_);
  }

  void expect_whole() {
    const auto entry = store_->find("disk");
    ASSERT_TRUE(entry) << entry.error().message();
    EXPECT_TRUE(entry->usage.complete);
    const auto found = image("disk");
    ASSERT_TRUE(found);
    expect_content(*found, content_);
  }

  std::vector<std::byte> content_;
};

TEST_F(ImportIntoStore, copy_is_readable_without_its_source) {
  ASSERT_TRUE(import(ImportMode::copy));
  std::filesystem::remove(source());
  expect_whole();
  reopen();
  expect_whole();
}

TEST_F(ImportIntoStore, automatic_mode_works_on_any_file_system) {
  const auto imported = import(ImportMode::automatic);
  ASSERT_TRUE(imported) << imported.error().message();
  expect_whole();
}

TEST_F(ImportIntoStore, in_place_reads_the_owners_file) {
  const auto imported = import(ImportMode::in_place);
  ASSERT_TRUE(imported) << imported.error().message();
  expect_whole();
  const auto entries = store_->list().value();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_TRUE(entries[0].in_place);
  EXPECT_EQ(entries[0].source, std::filesystem::canonical(source()));
}

TEST_F(ImportIntoStore, second_import_of_the_name_is_refused_and_the_first_stays) {
  ASSERT_TRUE(import(ImportMode::copy));
  EXPECT_TRUE(import(ImportMode::copy).error().is(Errc::name_taken));
  expect_whole();
}

TEST_F(ImportIntoStore, full_disk_leaves_nothing_and_it_can_be_started_again) {
  disk_.set_space(ByteCount(1'000'000));
  const auto outcome = import(ImportMode::copy);
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().is(std::errc::no_space_on_device)) << outcome.error().message();
  EXPECT_TRUE(store_->list().value().empty());
  disk_.clear_faults();
  ASSERT_TRUE(import(ImportMode::copy));
  expect_whole();
}

TEST_F(ImportIntoStore, failing_at_any_change_leaves_all_or_nothing) {
  ASSERT_TRUE(import(ImportMode::copy));
  const std::uint64_t changes = disk_.calls(DiskCall::any_change);
  ASSERT_TRUE(store_->remove("disk"));
  for (std::uint64_t nth = 1; nth <= changes; ++nth) {
    disk_.add({.call = DiskCall::any_change, .nth = nth, .and_after = true});
    const auto outcome = import(ImportMode::copy);
    // The disk is gone for good, then the power: a restart sees what a crash would leave.
    store_.reset();
    disk_.power_cut(nth % 2 == 0 ? Survival::everything : Survival::nothing, nth);
    reopen();
    const auto entries = store_->list();
    ASSERT_TRUE(entries) << entries.error().message();
    if (outcome) {
      expect_whole();
      ASSERT_TRUE(store_->remove("disk"));
    } else if (!entries->empty()) {
      expect_whole();  // registered, but not told
      ASSERT_TRUE(store_->remove("disk"));
    }
    if (outcome) break;  // beyond the last change of an import
  }
  ASSERT_TRUE(import(ImportMode::copy));
  expect_whole();
}

}  // namespace
}  // namespace weft
