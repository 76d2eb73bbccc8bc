// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_manager.h"

#include "fs/mount/description.h"
#include "tests/support/fs/fake_fetcher.h"
#include "tests/support/fs/fuse_wire.h"
#include "tests/support/fs/memory_image.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace weft::fs {
namespace {

/// Has two mounts of earlier workers, /mnt/1 and /mnt/2, and notes what is unmounted.
class KeeperOfTwo final : public MountKeeper {
 public:
  explicit KeeperOfTwo(const ImageId& image) : image_(image) {}

  Result<MountHandle> mount(MountSpec, unsigned) override {
    return fail(Errc::unsupported, Operation::mount);
  }
  Result<void> unmount(MountKey key, bool) override {
    unmounted.push_back(key);
    return {};
  }
  Result<std::vector<MountHandle>> inherited() override {
    std::vector<MountHandle> handles;
    for (std::uint64_t i = 0; i < 2; ++i) {
      auto& handle = handles.emplace_back(wires_[i].handle(TargetKind::directory, true));
      handle.key = MountKey{i + 1};
      handle.spec.target = "/mnt/" + std::to_string(i + 1);
      handle.spec.description =
          to_json({.image = image_, .name = "x", .policy = {}, .disk = false});
    }
    return handles;
  }
  void forget(MountKey) override {}

  std::vector<MountKey> unmounted;

 private:
  const ImageId image_;
  testing::FuseWire wires_[2];
};

struct TwoInherited {
  /// The second mount's image cannot be had for this reason.
  Result<std::vector<AdoptedMount>> adopt(const Error& why, Hopeless hopeless) {
    return manager.adopt_inherited(
        [&, asked = 0](const ImageId&) mutable -> Result<std::shared_ptr<LocalImage>> {
          if (asked++ == 1) return std::unexpected(why);
          return image;
        },
        {}, hopeless);
  }

  std::shared_ptr<testing::MemoryImage> image =
      std::make_shared<testing::MemoryImage>(testing::make_content(1 << 20, 1));
  testing::FakeFetcher fetcher{testing::bring_from(image->content())};
  KeeperOfTwo keeper{image->info().id};
  MountManager manager{keeper, fetcher};
};

const Error gone{make_error_code(Errc::unknown_image), Operation::catalog, "x"};

TEST(MountManagerAdopts, nothing_is_unmounted_for_trouble_that_may_pass) {
  for (const auto code : {std::errc::not_enough_memory, std::errc::too_many_files_open,
                          std::errc::resource_unavailable_try_again}) {
    TwoInherited mounts;
    const auto adopted =
        mounts.adopt({std::make_error_code(code), Operation::open, "x.pack"}, Hopeless::unmount);
    ASSERT_FALSE(adopted.has_value());
    EXPECT_TRUE(adopted.error().is(code));
    mounts.manager.stop();
    EXPECT_TRUE(mounts.keeper.unmounted.empty());
  }
}

TEST(MountManagerAdopts, a_mount_that_cannot_be_read_any_more_does_not_hold_up_the_others) {
  const Error unreadable{std::make_error_code(std::errc::io_error), Operation::open, "x.pack"};
  for (const Error& why : {gone, unreadable}) {
    TwoInherited mounts;
    const auto adopted = mounts.adopt(why, Hopeless::unmount);
    ASSERT_TRUE(adopted.has_value()) << adopted.error().message();
    ASSERT_EQ(adopted->size(), 2U);
    EXPECT_FALSE(adopted->front().error);
    EXPECT_TRUE(adopted->back().error);
    EXPECT_EQ(mounts.keeper.unmounted, std::vector{MountKey{2}});
    EXPECT_EQ(mounts.manager.list().size(), 1U);
  }
}

TEST(MountManagerAdopts, nothing_is_unmounted_where_an_earlier_worker_can_go_on) {
  TwoInherited mounts;
  const auto adopted = mounts.adopt(gone, Hopeless::fail);
  ASSERT_FALSE(adopted.has_value());
  EXPECT_TRUE(adopted.error().is(Errc::unknown_image));
  EXPECT_TRUE(mounts.keeper.unmounted.empty());
}

}  // namespace
}  // namespace weft::fs
