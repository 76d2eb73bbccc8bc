// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/indexer/import/fake_store.h"

#include "indexer/tree/tree_builder.h"

namespace weft::test {
namespace {

class FakeWriter final : public ImageWriter {
 public:
  FakeWriter(FakeStore& store, ImportTarget target) : store_(store) {
    put_.target = std::move(target);
    ++store_.open_writers;
  }
  ~FakeWriter() override { --store_.open_writers; }

  Result<void> clone(File&, Extent) override {
    if (store_.can_reflink) return {};
    return fail(Errc::unsupported, Operation::write);
  }

  Result<void> put(BlockIndex first, std::span<const std::byte> bytes,
                   std::span<const Digest> digests) override {
    if (store_.put_error) return std::unexpected(*store_.put_error);
    Lock lock(mutex_);
    ++put_.puts;
    for (std::size_t i = 0; i < digests.size(); ++i) {
      const std::uint64_t block = first.value() + i;
      const auto content = bytes.subspan(i * block_size, block_size);
      if (!put_.digests.emplace(block, digests[i]).second) {
        return fail(Errc::bad_request, Operation::import, "a block was put twice");
      }
      put_.content[block].assign(content.begin(), content.end());
    }
    return {};
  }

  Result<ImageInfo> publish() override {
    Lock lock(mutex_);
    TreeBuilder builder(put_.target.size,
                        [](TreeNode, const NodeBytes&) -> Result<void> { return {}; });
    for (const auto& [block, digest] : put_.digests) {
      WEFT_CHECK(builder.append_zero(BlockIndex(block) - builder.position()));
      WEFT_CHECK(builder.append({&digest, 1}));
    }
    WEFT_CHECK(
        builder.append_zero(builder.shape().blocks() - BlockCount(builder.position().value())));
    WEFT_TRY(const Digest root, builder.finish());
    const ByteCount size = put_.target.size;
    store_.images[put_.target.name] = put_;
    return ImageInfo{.id = make_image_id(size, root), .size = size, .root = root};
  }

 private:
  FakeStore& store_;
  Mutex mutex_;
  PutBlocks put_ WEFT_GUARDED_BY(mutex_);
};

}  // namespace

Result<std::unique_ptr<ImageWriter>> FakeStore::begin_import(ImportTarget target) {
  return std::make_unique<FakeWriter>(*this, std::move(target));
}

Result<ImageEntry> FakeStore::find(std::string_view name_or_id) {
  const auto found = images.find(std::string(name_or_id));
  if (found == images.end()) return fail(Errc::unknown_image, Operation::catalog);
  return ImageEntry{.name = found->first, .info = {}, .usage = {}, .in_place = false, .source = ""};
}

}  // namespace weft::test
