// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/indexer/store/store_fixture.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

namespace weft {
namespace {

using test::SampleImage;

class StoreConcurrency : public test::StoreFixture {
 protected:
  /// Reads at random; whatever is returned must be the image's. Counts what could be read.
  static void read_at_random(LocalImage& image, const SampleImage& sample, unsigned seed,
                             const std::atomic<bool>& stop, std::atomic<std::uint64_t>& done) {
    std::mt19937_64 random(seed);
    std::vector<std::byte> out;
    while (!stop) {
      const std::uint64_t offset = random() % sample.bytes.size();
      out.resize(std::min<std::uint64_t>(random() % 20000 + 1, sample.bytes.size() - offset));
      const auto read = image.read(ByteOffset(offset), out);
      if (read) {
        ASSERT_TRUE(std::ranges::equal(out, std::span(sample.bytes).subspan(offset, out.size())));
        ++done;
      } else {
        ASSERT_TRUE(read.error().is(Errc::not_resident)) << read.error().message();
      }
    }
  }
};

TEST_F(StoreConcurrency, readers_see_nothing_but_the_image_while_it_is_fetched_and_flushed) {
  const SampleImage sample(test::random_blocks(BlockCount(600), 5));
  const auto local = adopt(sample);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> done{0};
  {
    std::vector<std::jthread> threads;
    for (unsigned seed = 0; seed < 2; ++seed) {
      threads.emplace_back([&, seed] { read_at_random(*local, sample, seed, stop, done); });
    }
    threads.emplace_back([&] {
      while (!stop)
        EXPECT_TRUE(store_->flush());
    });
    ASSERT_TRUE(sample.send_tree(*local));
    {
      std::vector<std::jthread> writers;
      for (std::uint64_t part = 0; part < 2; ++part) {
        // They overlap: both commit the blocks in the middle.
        writers.emplace_back([&, part] {
          for (std::uint64_t at = part * 200; at < part * 200 + 400; at += 8) {
            EXPECT_TRUE(sample.send_blocks(*local, at, 8));
          }
        });
      }
    }
    while (done < 200)
      std::this_thread::yield();
    stop = true;
  }
  EXPECT_TRUE(local->usage().complete);
  EXPECT_TRUE(reads_as(*local, sample));
}

TEST_F(StoreConcurrency, blocks_lost_while_they_are_read_and_fetched_again_never_read_wrong) {
  const SampleImage sample(test::random_blocks(BlockCount(64), 6));
  const auto source = dir_ / "disk.raw";
  test::write_file(source, sample.bytes);
  ASSERT_TRUE(import(sample, "disk", PackKind::in_place, source));
  const auto local = image(sample);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> done{0};
  {
    std::vector<std::jthread> threads;
    for (unsigned seed = 0; seed < 2; ++seed) {
      threads.emplace_back([&, seed] { read_at_random(*local, sample, seed, stop, done); });
    }
    auto file = posix_file_system().open(source, OpenMode::read_write).value();
    for (std::uint64_t b = 0; b < 64; b += 2) {
      EXPECT_TRUE(file->write_at(ByteOffset(b * block_size + 3), std::array{std::byte{0x99}}));
      while (const auto missing = local->next_missing({BlockIndex(0), BlockCount(64)})) {
        EXPECT_TRUE(sample.send_blocks(*local, missing->first.value(), missing->count.value()));
      }
      if (b % 16 == 0) EXPECT_TRUE(local->flush());
    }
    while (done < 100 || local->lost_blocks() == BlockCount(0)) {
      if (const auto missing = local->next_missing({BlockIndex(0), BlockCount(64)})) {
        EXPECT_TRUE(sample.send_blocks(*local, missing->first.value(), missing->count.value()));
      }
    }
    stop = true;
  }
  EXPECT_GT(local->lost_blocks(), BlockCount(0));
}

TEST_F(StoreConcurrency, borrowing_and_removal_of_the_lender_do_not_lose_blocks) {
  for (int round = 0; round < 4; ++round) {
    const SampleImage base(test::random_blocks(BlockCount(256), 8));
    const SampleImage next(std::vector(base.bytes.begin() + 4096, base.bytes.end()));
    ASSERT_TRUE(import(base, "base"));
    const auto local = adopt(next, "next");
    {
      const std::jthread remover([&] { EXPECT_TRUE(store_->remove("base")); });
      EXPECT_TRUE(next.send_tree(*local));
    }
    // Borrowed before the removal or never: what is readable is right.
    for (std::uint64_t b = 0; b < next.blocks().value(); ++b) {
      if (!local->readable({BlockIndex(b), BlockCount(1)})) continue;
      EXPECT_TRUE(std::ranges::equal(read(*local, b * block_size, block_size), next.block(b)));
    }
    EXPECT_EQ(local->lost_blocks(), BlockCount(0));
    store_.reset();
    std::filesystem::remove_all(dir_ / "state");
    reopen();
  }
}

TEST_F(StoreConcurrency, images_that_resolve_at_the_same_time_find_what_they_would_alone) {
  const SampleImage base(test::random_blocks(BlockCount(512), 8));
  const SampleImage other(test::random_blocks(BlockCount(300), 9));
  std::vector<SampleImage> targets;
  for (std::uint64_t i = 0; i < 3; ++i) {
    std::vector<std::byte> bytes(base.block(50 * i, 200).begin(), base.block(50 * i, 200).end());
    bytes.insert(bytes.end(), other.bytes.begin(), other.bytes.end());
    targets.emplace_back(std::move(bytes));
  }
  ASSERT_TRUE(import(base, "base"));
  std::vector<std::shared_ptr<LocalImage>> locals;
  for (const auto& target : targets)
    locals.push_back(adopt(target, "target" + std::to_string(locals.size())));
  std::atomic<bool> stop{false};
  {
    std::vector<std::jthread> threads;
    threads.emplace_back([&] {
      while (!stop) {
        EXPECT_TRUE(store_->flush());
        EXPECT_TRUE(store_->relatives(targets[0].info.id));
        EXPECT_TRUE(store_->signatures_known());
      }
    });
    {
      std::vector<std::jthread> mounts;
      for (std::size_t i = 0; i < targets.size(); ++i) {
        mounts.emplace_back([&, i] {
          EXPECT_TRUE(targets[i].send_tree(*locals[i]));
          for (int round = 0; round < 20; ++round)
            EXPECT_TRUE(locals[i]->resolve({BlockIndex(0), targets[i].blocks()}));
        });
      }
      mounts.emplace_back([&] {
        // Comes, and goes again while others borrow from it.
        ASSERT_TRUE(import(other, "other"));
        EXPECT_TRUE(store_->remove("other"));
        std::vector<DigestKey> keys;
        for (const Digest& digest : other.digests)
          keys.push_back(digest_key(digest));
        std::ranges::sort(keys);
        EXPECT_TRUE(store_->holds(keys, 8));
      });
    }
    stop = true;
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    EXPECT_TRUE(locals[i]->readable({BlockIndex(0), BlockCount(200)})) << i;
    for (std::uint64_t b = 0; b < targets[i].blocks().value(); ++b) {
      if (!locals[i]->readable({BlockIndex(b), BlockCount(1)})) continue;
      EXPECT_TRUE(
          std::ranges::equal(read(*locals[i], b * block_size, block_size), targets[i].block(b)));
    }
    EXPECT_EQ(locals[i]->lost_blocks(), BlockCount(0));
  }
}

}  // namespace
}  // namespace weft
