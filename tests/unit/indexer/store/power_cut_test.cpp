// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/store.h"
#include "tests/support/indexer/faulty_file_system.h"
#include "tests/support/indexer/sample_image.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

// Cuts the power at every call that changes the disk, and looks at what a restart finds.
namespace weft {
namespace {

using test::DiskCall;
using test::Fault;
using test::FaultyFileSystem;
using test::SampleImage;
using test::Survival;
using test::TempDirectory;

/// What the store has promised so far.
struct Promises {
  struct Image {
    const SampleImage* sample;
    bool must_exist = false;          // its registration has returned
    bool may_exist = true;            // its removal has not
    std::set<std::uint64_t> durable;  // blocks that a flush has covered
  };
  std::map<std::string, Image> images;
};

using Step = std::function<Result<void>(Store&, Promises&)>;

Step adopt(std::string name, const SampleImage& sample) {
  return [=, &sample](Store& store, Promises& promises) -> Result<void> {
    promises.images[name] = {&sample, false, true, {}};
    WEFT_TRY(const auto image, store.adopt(name, sample.info));
    promises.images[name].must_exist = true;
    return sample.send_tree(*image);
  };
}

Step commit_and_flush(std::string name, std::uint64_t first, std::uint64_t count) {
  return [=](Store& store, Promises& promises) -> Result<void> {
    auto& promised = promises.images[name];
    WEFT_TRY(const auto image, store.image(promised.sample->info.id));
    WEFT_CHECK(promised.sample->send_blocks(*image, first, count));
    WEFT_CHECK(store.flush());
    for (std::uint64_t b = 0; b < promised.sample->blocks().value(); ++b) {
      if (image->readable({BlockIndex(b), BlockCount(1)})) promised.durable.insert(b);
    }
    return {};
  };
}

Step commit(std::string name, std::uint64_t first, std::uint64_t count) {
  return [=](Store& store, Promises& promises) -> Result<void> {
    const auto& sample = *promises.images[name].sample;
    WEFT_TRY(const auto image, store.image(sample.info.id));
    return sample.send_blocks(*image, first, count);
  };
}

Step import(std::string name, const SampleImage& sample) {
  return [=, &sample](Store& store, Promises& promises) -> Result<void> {
    auto& promised = promises.images[name];
    promised = {&sample, false, true, {}};
    WEFT_TRY(auto writer, store.begin_import({name, sample.info.size, PackKind::own, ""}));
    WEFT_CHECK(writer->put(BlockIndex(0), sample.bytes, sample.digests));
    WEFT_TRY([[maybe_unused]] const auto info, writer->publish());
    promised.must_exist = true;
    for (std::uint64_t b = 0; b < sample.blocks().value(); ++b)
      promised.durable.insert(b);
    return {};
  };
}

Step remove(std::string name) {
  return [=](Store& store, Promises& promises) -> Result<void> {
    promises.images[name].must_exist = false;
    WEFT_TRY([[maybe_unused]] const auto report, store.remove(name));
    promises.images[name].may_exist = false;
    return {};
  };
}

void check_promises(Store& store, const Promises& promises) {
  const auto list = store.list();
  ASSERT_TRUE(list) << list.error().message();
  std::set<std::string> present;
  for (const auto& entry : *list)
    present.insert(entry.name);
  for (const auto& [name, promised] : promises.images) {
    EXPECT_TRUE(!promised.must_exist || present.contains(name)) << name << " is lost";
    EXPECT_TRUE(promised.may_exist || !present.contains(name)) << name << " came back";
    if (!present.contains(name)) continue;
    const SampleImage& sample = *promised.sample;
    const auto image = store.image(sample.info.id);
    ASSERT_TRUE(image) << name << ": " << image.error().message();
    if (const auto signature = store.signature(sample.info.id, 1000)) {
      EXPECT_EQ(signature->keys, sample.keys()) << name;
    }
    for (std::uint64_t b = 0; b < sample.blocks().value(); ++b) {
      std::vector<std::byte> out(block_size);
      const auto read = (*image)->read(ByteOffset(b * block_size), out);
      if (read) {
        EXPECT_TRUE(std::ranges::equal(out, sample.block(b))) << name << " block " << b;
      } else {
        EXPECT_FALSE(promised.durable.contains(b)) << name << " lost flushed block " << b;
      }
    }
  }
}

/// True if the fault was reached.
bool run_until_cut(const std::vector<Step>& steps, std::uint64_t nth, Survival survival) {
  const TempDirectory dir;
  FaultyFileSystem fs;
  Promises promises;
  const StoreOptions options{dir / "state", ByteCount(0)};
  bool failed = false;
  {
    auto store = Store::open(fs, options);
    EXPECT_TRUE(store) << store.error().message();
    Fault cut;
    cut.call = DiskCall::any_change;
    cut.nth = nth;
    cut.and_after = true;
    cut.torn_after = nth % 3 * 1000;
    fs.add(cut);
    for (const Step& step : steps) {
      if (step(**store, promises)) continue;
      failed = true;
      break;
    }
    fs.power_cut(survival, nth);
  }
  fs.clear_faults();
  auto store = Store::open(fs, options);
  EXPECT_TRUE(store) << store.error().message();
  if (store) check_promises(**store, promises);
  return failed;
}

void cut_everywhere(const std::vector<Step>& steps) {
  for (const auto survival : {Survival::nothing, Survival::everything, Survival::by_seed}) {
    std::uint64_t nth = 1;
    for (; run_until_cut(steps, nth, survival); ++nth) {
      if (::testing::Test::HasFailure()) {
        FAIL() << "power cut at change " << nth << ", survival " << static_cast<int>(survival);
      }
    }
    EXPECT_GT(nth, 10u) << "the scenario was not cut";
  }
}

/// In memory where that can be: hundreds of restarts wait for no disk then.
class PowerCut : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { TempDirectory::in_memory(); }
};

TEST_F(PowerCut, fetching_loses_nothing_that_was_flushed) {
  const auto sample = SampleImage::picture("ab.cdefghij");
  cut_everywhere({adopt("disk", sample), commit_and_flush("disk", 0, 2),
                  commit_and_flush("disk", 5, 3), commit("disk", 8, 2),
                  commit_and_flush("disk", 3, 2), commit_and_flush("disk", 8, 3)});
}

TEST_F(PowerCut, index_that_is_made_again_is_an_old_one_or_the_new_one) {
  const SampleImage sample(test::random_blocks(BlockCount(300), 1));
  const auto copy = SampleImage(std::vector(sample.bytes.begin() + 200 * block_size,
                                            sample.bytes.begin() + 204 * block_size));
  const Step adopt_only = [&](Store& store, Promises& promises) -> Result<void> {
    promises.images["disk"] = {&sample, false, true, {}};
    WEFT_CHECK(store.adopt("disk", sample.info));
    promises.images["disk"].must_exist = true;
    return {};
  };
  const auto send_leaf = [&](std::uint64_t leaf) -> Step {
    return [&sample, leaf](Store& store, Promises&) -> Result<void> {
      WEFT_TRY(const auto image, store.image(sample.info.id));
      for (const TreeNode node : {sample.nodes.rbegin()->first, TreeNode{1, leaf}})
        WEFT_CHECK(image->add_node(node, sample.nodes.at(node)));
      return store.flush();
    };
  };
  cut_everywhere({adopt_only, send_leaf(1), commit_and_flush("disk", 200, 3), send_leaf(0),
                  adopt("copy", copy), send_leaf(2), commit_and_flush("copy", 3, 1)});
}

TEST_F(PowerCut, published_image_is_whole_or_absent) {
  const auto one = SampleImage::picture("ab.cd");
  const auto two = SampleImage::picture("bcx");
  cut_everywhere({import("one", one), import("two", two), import("again", one)});
}

TEST_F(PowerCut, import_over_a_partial_image_keeps_it) {
  const auto sample = SampleImage::picture("ab.cd");
  cut_everywhere({adopt("part", sample), commit_and_flush("part", 0, 2), import("all", sample)});
}

TEST_F(PowerCut, borrowed_blocks_stay_through_the_removal_of_their_lender) {
  const auto base = SampleImage::picture("abcdefgh");
  const auto next = SampleImage::picture("xbc.fy");
  cut_everywhere({import("base", base), adopt("next", next), commit_and_flush("next", 0, 1),
                  remove("base"), commit_and_flush("next", 5, 1), remove("next")});
}

TEST_F(PowerCut, removed_lender_comes_back_whole) {
  const auto base = SampleImage::picture("abcdef");
  const auto next = SampleImage::picture("bc");
  cut_everywhere({import("base", base), adopt("next", next), commit_and_flush("next", 0, 2),
                  remove("base"), import("base", base), remove("next")});
}

TEST_F(PowerCut, full_disk_at_any_moment_keeps_every_promise_and_leaves_no_debris) {
  const auto base = SampleImage::picture("abcdefgh");
  const auto next = SampleImage::picture("xbc.fy");
  const std::vector<Step> steps = {import("base", base), adopt("next", next),
                                   commit_and_flush("next", 0, 1), remove("base"),
                                   commit_and_flush("next", 5, 1)};
  bool failed = true;
  for (std::uint64_t room = 0; failed; room += 1500) {
    const TempDirectory dir;
    FaultyFileSystem fs;
    Promises promises;
    {
      auto store = Store::open(fs, {dir / "state", ByteCount(0)});
      ASSERT_TRUE(store);
      fs.set_space(ByteCount(room));
      failed = false;
      for (const Step& step : steps) {
        const auto done = step(**store, promises);
        if (done) continue;
        EXPECT_TRUE(done.error().is(std::errc::no_space_on_device)) << done.error().message();
        failed = true;
        break;
      }
      check_promises(**store, promises);
      fs.set_space(ByteCount(1u << 30));
    }
    auto store = Store::open(fs, {dir / "state", ByteCount(0)});
    ASSERT_TRUE(store) << store.error().message();
    check_promises(**store, promises);
    EXPECT_TRUE(fs.list(dir / "state" / "incoming")->empty());
    ASSERT_FALSE(HasFailure()) << "room for " << room;
  }
}

TEST_F(PowerCut, import_that_cannot_complete_a_partial_image_gives_its_name_back) {
  const auto sample = SampleImage::picture("abcd");
  const TempDirectory dir;
  FaultyFileSystem fs;
  auto store = Store::open(fs, {dir / "state", ByteCount(0)});
  ASSERT_TRUE(store);
  Promises promises;
  ASSERT_TRUE(adopt("part", sample)(**store, promises));
  ASSERT_TRUE(commit_and_flush("part", 0, 1)(**store, promises));
  Fault full;
  full.call = DiskCall::write;
  full.path_contains = "images/" + to_hex(sample.info.id) + "/pack";
  full.error = ENOSPC;
  full.and_after = true;
  fs.add(full);
  EXPECT_FALSE(import("all", sample)(**store, promises));
  EXPECT_TRUE((*store)->find("all").error().is(Errc::unknown_image));
  check_promises(**store, promises);
  fs.clear_faults();
  EXPECT_TRUE(import("all", sample)(**store, promises));
  check_promises(**store, promises);
}

TEST_F(PowerCut, sector_that_cannot_be_read_loses_its_block_only) {
  const auto sample = SampleImage::picture("abcd");
  const TempDirectory dir;
  FaultyFileSystem fs;
  auto store = Store::open(fs, {dir / "state", ByteCount(0)});
  ASSERT_TRUE(store);
  Promises promises;
  ASSERT_TRUE(import("disk", sample)(**store, promises));
  const auto image = (*store)->image(sample.info.id);
  ASSERT_TRUE(image);
  // The run fails, then its second block again.
  for (const std::uint64_t nth : {1u, 3u}) {
    Fault bad;
    bad.call = DiskCall::read;
    bad.path_contains = "/pack";
    bad.nth = nth;
    fs.add(bad);
  }
  std::vector<std::byte> out(sample.bytes.size());
  EXPECT_TRUE((*image)->read(ByteOffset(0), out).error().is(Errc::not_resident));
  EXPECT_EQ((*image)->lost_blocks(), BlockCount(1));
  ASSERT_TRUE(sample.send_blocks(**image, 1, 1));
  ASSERT_TRUE((*image)->read(ByteOffset(0), out));
  EXPECT_EQ(out, sample.bytes);
}

}  // namespace
}  // namespace weft
