// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/indexer/store/store_fixture.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <stdlib.h>

namespace weft {
namespace {

using test::SampleImage;

/// Random operations on a handful of related images, against what each of them must be able to do.
class StoreModel : public test::StoreFixture {
 protected:
  static void SetUpTestSuite() { test::TempDirectory::in_memory(); }

  struct Known {
    std::set<std::uint64_t> readable;  // at least these, for good
  };

  void step() {
    const auto& [name, sample] = pick();
    switch (random_() % 10) {
      case 0:
        if (!known_.contains(name)) {
          ASSERT_TRUE(store_->adopt(name, sample.info));
          known_[name];
        }
        break;
      case 1:
        if (!known_.contains(name)) {
          ASSERT_TRUE(import(sample, name));
          for (std::uint64_t b = 0; b < sample.blocks().value(); ++b)
            known_[name].readable.insert(b);
        }
        break;
      case 2:
        if (known_.contains(name)) {
          ASSERT_TRUE(store_->remove(name));
          known_.erase(name);
        }
        break;
      case 3:
        reopen();
        break;
      case 4:
        ASSERT_TRUE(store_->flush());
        break;
      case 5:
        if (known_.contains(name)) {
          const std::uint64_t first = random_() % sample.blocks().value();
          ASSERT_TRUE(image(sample)->resolve({BlockIndex(first), BlockCount(3)}));
        }
        break;
      case 6:
        if (known_.contains(name)) {
          ASSERT_TRUE(sample.send_tree(*image(sample)));
        }
        break;
      default:
        if (known_.contains(name)) commit(name, sample);
    }
  }

  void commit(const std::string& name, const SampleImage& sample) {
    const auto local = image(sample);
    ASSERT_TRUE(sample.send_tree(*local));
    const std::uint64_t first = random_() % sample.blocks().value();
    const std::uint64_t count = random_() % (sample.blocks().value() - first) + 1;
    ASSERT_TRUE(sample.send_blocks(*local, first, count));
    for (std::uint64_t b = first; b < first + count; ++b)
      known_[name].readable.insert(b);
  }

  void check() {
    const auto list = store_->list();
    ASSERT_TRUE(list);
    ASSERT_EQ(list->size(), known_.size());
    for (const auto& [name, known] : known_) {
      const SampleImage& sample = images_.at(name);
      const auto local = image(sample);
      for (std::uint64_t b = 0; b < sample.blocks().value(); ++b) {
        const bool readable = local->readable({BlockIndex(b), BlockCount(1)});
        ASSERT_TRUE(readable || !known.readable.contains(b)) << name << " block " << b;
        if (!readable) continue;
        ASSERT_TRUE(std::ranges::equal(read(*local, b * block_size, block_size), sample.block(b)));
      }
      const auto u = local->usage();
      ASSERT_EQ(u.total, u.zero + u.resident + u.borrowed + u.missing);
      ASSERT_EQ(u.complete, residency(*local).find('.') == std::string::npos);
      ASSERT_EQ(local->lost_blocks(), BlockCount(0));
    }
  }

  /// What is said to be held can be read, and a signature that is given is right.
  void check_sharing() {
    for (const auto& [name, sample] : images_) {
      if (const auto signature = store_->signature(sample.info.id, 1000)) {
        ASSERT_EQ(signature->keys, sample.keys()) << name;
      }
      std::vector<Digest> sorted(sample.digests);
      std::erase(sorted, Digest{});
      std::ranges::sort(sorted);
      std::vector<DigestKey> keys;
      for (const Digest& digest : sorted)
        keys.push_back(digest_key(digest));
      std::vector<std::byte> bytes(sorted.size() * block_size);
      const auto held = store_->holds(keys, 8);
      const auto found = store_->read_blocks_by_digest(sorted, bytes);
      ASSERT_TRUE(held && found);
      ASSERT_EQ(*held, *found) << name;
      for (std::size_t i = 0; i < sorted.size(); ++i) {
        if (!(*found)[i]) continue;
        ASSERT_EQ(digest_of_block(std::span(bytes).subspan(i * block_size, block_size)), sorted[i]);
      }
    }
  }

  const std::pair<const std::string, SampleImage>& pick() {
    return *std::next(images_.begin(), static_cast<std::ptrdiff_t>(random_() % images_.size()));
  }

  std::mt19937_64 random_;
  std::map<std::string, Known> known_;
  const std::map<std::string, SampleImage> images_ = {
      {"a", SampleImage::picture("abcdefgh")},     {"b", SampleImage::picture("xbc..fgy")},
      {"c", SampleImage::picture("hgfedcba....")}, {"d", SampleImage::picture("......")},
      {"e", SampleImage::picture("yx.fgxxfgy")},
  };
};

TEST_F(StoreModel, whatever_happens_readable_blocks_stay_and_are_right) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    random_.seed(seed);
    for (int i = 0; i < 120 && !HasFailure(); ++i) {
      step();
      check();
      check_sharing();
    }
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace weft
