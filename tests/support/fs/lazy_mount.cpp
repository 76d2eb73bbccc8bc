// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fs/lazy_mount.h"

#include "fs/supervisor/direct_keeper.h"
#include "indexer/core/worker_pool.h"
#include "indexer/import/importer.h"
#include "tests/support/fs/memory_image.h"

#include <cerrno>
#include <fstream>
#include <map>
#include <stdexcept>
#include <utility>

#include <fcntl.h>

namespace weft::testing {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}

class InheritableKeeper final : public fs::MountKeeper {
 public:
  Result<fs::MountHandle> mount(fs::MountSpec spec, unsigned channels) override {
    WEFT_TRY(fs::MountHandle handle, keeper_->mount(std::move(spec), channels));
    held_.insert_or_assign(handle.key, copy(handle));
    return handle;
  }
  Result<void> unmount(fs::MountKey key, bool force) override {
    const auto done = keeper_->unmount(key, force);
    if (done) held_.erase(key);
    return done;
  }
  Result<std::vector<fs::MountHandle>> inherited() override {
    std::vector<fs::MountHandle> handles;
    for (const auto& [key, handle] : held_) {
      handles.push_back(copy(handle));
      handles.back().inherited = true;
    }
    return handles;
  }
  void forget(fs::MountKey key) override {
    held_.erase(key);
    keeper_->forget(key);
  }

 private:
  static fs::MountHandle copy(const fs::MountHandle& handle) {
    fs::MountHandle other{.key = handle.key,
                          .spec = handle.spec,
                          .channels = {},
                          .init_request = handle.init_request};
    for (const UniqueFd& channel : handle.channels) {
      other.channels.emplace_back(::fcntl(channel.get(), F_DUPFD_CLOEXEC, 0));
    }
    other.opens.reset(::fcntl(handle.opens.get(), F_DUPFD_CLOEXEC, 0));
    return other;
  }

  std::unique_ptr<fs::MountKeeper> keeper_ = fs::make_direct_mount_keeper();
  std::map<fs::MountKey, fs::MountHandle> held_;
};

}  // namespace

std::unique_ptr<fs::MountKeeper> make_inheritable_keeper() {
  return std::make_unique<InheritableKeeper>();
}

FakeFetcher::Bring bring_from(std::shared_ptr<const test::SampleImage> sample) {
  return [sample](LocalImage& image, BlockRange range) -> Result<void> {
    for (BlockIndex block = range.first; block < range.end(); ++block) {
      for (;;) {
        WEFT_TRY(const auto node, image.first_missing_node(block));
        if (!node) break;
        WEFT_CHECK(image.add_node(*node, sample->nodes.at(*node)));
      }
    }
    while (const auto missing = image.next_missing(range)) {
      WEFT_CHECK(
          image.commit(*missing, sample->block(missing->first.value(), missing->count.value())));
    }
    return {};
  };
}

LazyMount::LazyMount(Options options)
    : sample(std::make_shared<test::SampleImage>(
          options.content.empty() ? make_content(options.size, options.seed) : options.content)),
      options_(options) {
  store = must(Store::open(posix_file_system(), {.directory = sandbox.path() / "state",
                                                 .free_space_floor = ByteCount(0)}));
  if (options.in_place) import_in_place();
  image = must(store->adopt("disk", sample->info));
  fetcher = std::make_unique<FakeFetcher>(bring_from(sample));
  keeper = make_inheritable_keeper();
  manager = std::make_unique<fs::MountManager>(
      *keeper, *fetcher, fs::MountOptions{.channels = options.channels, .forbidden = {}});
  const bool directory = options.kind == fs::TargetKind::directory;
  target_ = directory ? sandbox.directory("target") : sandbox.file("target");
  file_ = directory ? target_ + "/disk.raw" : target_;
  must(mount());
}

void LazyMount::import_in_place() {
  std::ofstream(source(), std::ios::binary)
      .write(reinterpret_cast<const char*>(content().data()), std::ssize(content()));
  WorkerPool pool({.threads = 2});
  must(import_file(*store, posix_file_system(), pool,
                   {.name = "disk", .path = source(), .mode = ImportMode::in_place},
                   [](const ImportProgress&) {}, {}));
}

LazyMount::~LazyMount() {
  if (manager) (void)manager->unmount(target_, true);
}

Result<fs::MountStatus> LazyMount::mount() {
  return manager->mount({.image = image,
                         .name = "disk",
                         .target = target_,
                         .kind = options_.kind,
                         .policy = options_.policy});
}

void LazyMount::inherit() {
  manager = std::make_unique<fs::MountManager>(*keeper, *fetcher, fs::MountOptions{});
  const auto adopted =
      must(manager->adopt_inherited([this](const ImageId& id) { return store->image(id); }));
  if (adopted.size() != 1 || adopted.front().error) throw std::runtime_error("not adopted");
}

std::span<const std::byte> LazyMount::content() const {
  return std::span(sample->bytes).first(sample->info.size.value());
}

fs::MountStatus LazyMount::status() const {
  return manager->list().at(0);
}

void LazyMount::make_resident(BlockRange range) {
  const auto done = bring_from(sample)(*image, range);
  if (!done) throw std::runtime_error(done.error().message());
}

}  // namespace weft::testing
