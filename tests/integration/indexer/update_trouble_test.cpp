// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/indexer/update_fixture.h"

#include <random>
#include <stop_token>

// Updates that end early, and many in a row.
namespace weft {
namespace {

using test::DiskCall;
using test::Survival;

class UpdateTrouble : public test::UpdateFixture {
 protected:
  /// Updates while something happens at its first progress report.
  Error refused(const std::function<void()>& midway) {
    std::size_t calls = 0;
    const auto outcome = import_update(
        *store_, disk_, pool_, {.name = "disk", .path = source()},
        [&](const ImportProgress&) {
          if (calls++ == 0) midway();
        },
        stop_.get_token());
    EXPECT_FALSE(outcome);
    return outcome ? Error{} : outcome.error();
  }
  void expect_old(std::span<const std::byte> before) {
    expect_content(*image("disk"), before);
    EXPECT_EQ(debris(), 0u);
    EXPECT_EQ(disk_.list(dir_ / "state" / "images").value().size(), 1u);
  }

  std::stop_source stop_;
};

TEST_F(UpdateTrouble, power_cut_at_any_change_leaves_the_old_or_the_new_image) {
  const std::string before = "abcdefghij";
  for (const auto survival : {Survival::nothing, Survival::everything, Survival::by_seed}) {
    bool cut = true;
    for (std::uint64_t nth = 1; cut; ++nth) {
      SCOPED_TRACE("change " + std::to_string(nth) + ", survival " +
                   std::to_string(static_cast<int>(survival)));
      draw(before);
      ASSERT_TRUE(import());
      draw("abXdef..hijk");
      disk_.add({.call = DiskCall::any_change,
                 .path_contains = "state",
                 .nth = nth,
                 .and_after = true,
                 .torn_after = nth % 3 * 1000});
      const auto outcome = update();
      cut = !outcome;
      disk_.power_cut(survival, nth);
      disk_.clear_faults();
      disk_.add({.call = DiskCall::clone, .and_after = true, .error = 0});
      reopen();
      collect();
      EXPECT_EQ(debris(), 0u);
      const auto entries = store_->list().value();
      ASSERT_EQ(entries.size(), 1u);
      const bool is_old = entries[0].info.size == bytes_of(BlockCount(before.size()));
      EXPECT_FALSE(is_old && outcome) << "a finished update is gone";
      expect_content(*image("disk"), is_old ? test::raw_bytes(before) : test::read_file(source()));
      EXPECT_TRUE(store_->find("disk")->usage.complete);
      ASSERT_TRUE(store_->remove("disk"));
      EXPECT_TRUE(disk_.list(dir_ / "state" / "images").value().empty());
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST_F(UpdateTrouble, full_disk_leaves_the_old_image_and_it_can_be_started_again) {
  draw("abcdefghij");
  const auto before = test::read_file(source());
  ASSERT_TRUE(import());
  draw("ABCDEFGHIJ");
  bool failed = true;
  for (std::uint64_t room = 0; failed; room += 3000) {
    disk_.set_space(ByteCount(room));
    const auto outcome = update();
    failed = !outcome;
    if (failed) {
      EXPECT_TRUE(outcome.error().is(std::errc::no_space_on_device)) << outcome.error().message();
      disk_.set_space(ByteCount(1u << 30));
      expect_old(before);
    }
    ASSERT_FALSE(HasFailure()) << room;
  }
  disk_.set_space(ByteCount(1u << 30));
  expect_is_file();
}

TEST_F(UpdateTrouble, file_that_changes_meanwhile_is_refused) {
  draw("abcdef");
  const auto before = test::read_file(source());
  ASSERT_TRUE(import());
  draw("abcXef");
  EXPECT_TRUE(refused([&] { draw("abcXefgh"); }).is(Errc::source_changed));
  expect_old(before);
}

TEST_F(UpdateTrouble, stopped_update_leaves_the_old_image) {
  draw("abcdef");
  const auto before = test::read_file(source());
  ASSERT_TRUE(import());
  draw("abcXef");
  EXPECT_TRUE(refused([&] { stop_.request_stop(); }).is(Errc::cancelled));
  expect_old(before);
}

TEST_F(UpdateTrouble, name_that_goes_elsewhere_meanwhile_is_left_there) {
  draw("abcdef");
  ASSERT_TRUE(import());
  draw("abcXef");
  const auto error = refused([&] { updated(); });
  EXPECT_TRUE(error.is(Errc::name_taken)) << error.message();
  expect_is_file();
  EXPECT_EQ(debris(), 0u);
}

TEST_F(UpdateTrouble, image_cannot_be_removed_while_it_is_updated) {
  draw("abcdef");
  ASSERT_TRUE(import());
  draw("abcXef");
  const auto outcome =
      import_update(*store_, disk_, pool_, {.name = "disk", .path = source()},
                    [&](const ImportProgress&) {
                      if (store_->find("disk")->info.size == ByteCount(6 * block_size)) {
                        EXPECT_TRUE(store_->remove("disk").error().is(Errc::image_in_use));
                      }
                    },
                    {});
  EXPECT_TRUE(outcome);
  expect_is_file();
}

TEST_F(UpdateTrouble, unknown_names_and_images_without_a_file_are_refused) {
  draw("abc");
  EXPECT_TRUE(update().error().is(Errc::unknown_image));
  const auto first = import().value();
  EXPECT_TRUE(update(ImportMode::automatic, to_hex(first.info.id)).error().is(Errc::unknown_image))
      << "an id is not a name";
  const test::TempDirectory elsewhere;
  auto other = Store::open(disk_, {.directory = elsewhere / "state"}).value();
  ASSERT_TRUE(other->adopt("disk", first.info));
  const auto outcome = import_update(*other, disk_, pool_, {.name = "disk"}, {}, {});
  EXPECT_TRUE(outcome.error().is(Errc::bad_request)) << outcome.error().message();
}

TEST_F(UpdateTrouble, random_edits_give_the_image_of_a_fresh_import_every_time) {
  std::mt19937_64 random(11);
  const auto number = [&](std::uint64_t below) { return random() % below; };
  auto content = test::random_blocks(BlockCount(700), 1);
  test::write_file(source(), content);
  ASSERT_TRUE(import());
  std::vector<std::shared_ptr<LocalImage>> held;
  std::vector<std::vector<std::byte>> contents;
  for (int round = 0; round < 40; ++round) {
    SCOPED_TRACE(round);
    if (number(4) == 0) content.resize(1 + number(900 * block_size));
    for (std::uint64_t edits = number(6); edits > 0; --edits) {
      const std::uint64_t at = number(content.size());
      const std::uint64_t size = std::min(content.size() - at, 1 + number(40 * block_size));
      const auto part = std::span(content).subspan(at, size);
      if (number(3) == 0) {
        std::ranges::fill(part, std::byte{0});
      } else {
        test::fill_random(part, random());
      }
    }
    if (number(3) == 0) {
      held.push_back(image("disk"));
      contents.push_back(test::read_file(source()));
    }
    std::filesystem::remove(source());
    test::write_file(source(), content);
    updated();
    expect_is_file();
    for (std::size_t i = 0; i < held.size(); ++i)
      expect_content(*held[i], contents[i]);
    if (number(3) == 0) {
      held.clear();
      contents.clear();
    }
    if (number(4) == 0) {
      held.clear();
      contents.clear();
      reopen();
    }
    collect();
    ASSERT_FALSE(HasFailure());
  }
  held.clear();
  collect();
  ASSERT_TRUE(store_->remove("disk"));
  EXPECT_TRUE(disk_.list(dir_ / "state" / "images").value().empty());
}

}  // namespace
}  // namespace weft
