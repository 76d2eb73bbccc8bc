// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/mount/mount_manager.h"
#include "fs/supervisor/mount_keeper.h"
#include "indexer/store/store.h"
#include "tests/support/fs/fake_fetcher.h"
#include "tests/support/fs/mount_sandbox.h"
#include "tests/support/indexer/sample_image.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weft::testing {

struct LazyMountOptions {
  std::size_t size = (std::size_t{8} << 20) + 1234;
  std::uint64_t seed = 1;
  std::vector<std::byte> content{};  ///< empty: `size` bytes made from `seed`
  bool in_place = false;             ///< a complete image whose pack is the file `source()`
  fs::TargetKind kind = fs::TargetKind::directory;
  fs::ReadPolicy policy{};
  unsigned channels = 2;
};

/// Images of a real store, mounted by a real manager, their blocks brought by a FakeFetcher from
/// memory: all of a node but the network. The image starts empty, without a single tree node.
class LazyMount {
 public:
  using Options = LazyMountOptions;

  explicit LazyMount(Options options = {});
  ~LazyMount();
  LazyMount(const LazyMount&) = delete;
  LazyMount& operator=(const LazyMount&) = delete;

  /// What the image file must contain.
  [[nodiscard]] std::span<const std::byte> content() const;
  /// Path of the image file in the mount.
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] const std::string& target() const { return target_; }
  /// The administrator's file behind an image in place.
  [[nodiscard]] std::string source() const { return (sandbox.path() / "source.raw").string(); }
  [[nodiscard]] fs::MountStatus status() const;

  /// Brings tree and blocks without a reader.
  void make_resident(BlockRange range);
  void make_resident() { make_resident({BlockIndex(0), sample->blocks()}); }
  /// Mounts the image at the target: what the constructor has done already.
  [[nodiscard]] Result<fs::MountStatus> mount();
  /// Ends the manager as a crash would: reads in flight stay unanswered.
  void drop_manager() { manager.reset(); }
  /// A new manager that inherits the mount from the one dropped.
  void inherit();

  MountSandbox sandbox;
  std::shared_ptr<const test::SampleImage> sample;
  std::unique_ptr<Store> store;
  std::shared_ptr<LocalImage> image;
  std::unique_ptr<FakeFetcher> fetcher;
  std::unique_ptr<fs::MountKeeper> keeper;
  std::unique_ptr<fs::MountManager> manager;

 private:
  void import_in_place();

  const Options options_;
  std::string target_;
  std::string file_;
};

/// Brings the tree nodes a block needs and then the blocks, as the real fetcher does.
[[nodiscard]] FakeFetcher::Bring bring_from(std::shared_ptr<const test::SampleImage> sample);

/// A keeper on top of the direct one whose mounts can be inherited by a second manager.
[[nodiscard]] std::unique_ptr<fs::MountKeeper> make_inheritable_keeper();

}  // namespace weft::testing
