// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/import_writer.h"

#include "indexer/core/hash.h"
#include "indexer/store/borrow_file.h"
#include "indexer/store/fill.h"
#include "indexer/store/index_writer.h"
#include "indexer/store/map_file.h"
#include "indexer/store/removal.h"
#include "indexer/store/store.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace weft {

Result<std::unique_ptr<ImportWriter>> ImportWriter::begin(std::shared_ptr<ImageTable> table,
                                                          ImportTarget target) {
  if (!is_valid_image_name(target.name)) {
    return fail(Errc::bad_name, Operation::import,
                "'" + target.name + "': use letters, digits, '.', '_' and '-'");
  }
  WEFT_CHECK(check_image_size(target.size, target.source));
  // Refused now rather than after an hour of hashing; asked again when the image is registered.
  WEFT_TRY(const auto holder, table->catalog().image_named(target.name));
  if (holder) {
    return fail(Errc::name_taken, Operation::import,
                "'" + target.name + "' is image " + to_hex(*holder).substr(0, 16) +
                    "; choose another name or remove it first");
  }
  WEFT_TRY(auto incoming, IncomingImage::create(table, target.size));
  return std::unique_ptr<ImportWriter>(
      new ImportWriter(std::move(table), std::move(target), std::move(incoming)));
}

ImportWriter::ImportWriter(std::shared_ptr<ImageTable> table, ImportTarget target,
                           std::unique_ptr<IncomingImage> incoming)
    : table_(std::move(table)),
      target_(std::move(target)),
      blocks_(blocks_for(target_.size)),
      incoming_(std::move(incoming)),
      tree_(incoming_->tree(), target_.size) {}

Result<void> ImportWriter::clone(File& source, Extent extent) {
  // A last block that is only partly in the image is copied by `put`: file systems share whole
  // blocks, and the pack goes on behind it.
  const std::uint64_t whole = extent.length.value() / block_size * block_size;
  if (whole == 0) return {};
  return incoming_->pack().clone_from(source, {extent.offset, ByteCount(whole)});
}

// Whether a run of blocks that are not zero is to be written to the pack.
bool ImportWriter::copies(BlockRange run) const {
  if (target_.kind == PackKind::own) return true;
  const bool partial_end = target_.size.value() % block_size != 0;
  return target_.kind == PackKind::reflink && partial_end &&
         run.end() == BlockIndex(blocks_.value());
}

Result<void> ImportWriter::put_run(BlockIndex first, std::span<const std::byte> bytes) {
  const BlockRange run{first, BlockCount(bytes.size() / block_size)};
  if (!copies(run)) return {};
  if (target_.kind == PackKind::reflink) {
    bytes = bytes.last(block_size);
    first = run.end() - BlockCount(1);
  }
  WEFT_CHECK(table_->space().reserve(ByteCount(bytes.size())));
  return incoming_->pack().write_at(offset_of(first), bytes);
}

Result<void> ImportWriter::put(BlockIndex first, std::span<const std::byte> bytes,
                               std::span<const Digest> digests) {
  const std::size_t count = digests.size();
  if (bytes.size() != count * block_size || first.value() > blocks_.value() ||
      count > blocks_.value() - first.value()) {
    return fail(Errc::bad_request, Operation::import, "blocks beyond the image's end");
  }
  std::vector<std::uint64_t> sums(count, 0);
  std::size_t data = 0;
  for (std::size_t at = 0; at < count;) {
    if (digests[at].is_zero()) {
      ++at;
      continue;
    }
    std::size_t end = at;
    for (; end < count && !digests[end].is_zero(); ++end) {
      sums[end] = xxh3(bytes.subspan(end * block_size, block_size));
    }
    WEFT_CHECK(
        put_run(first + BlockCount(at), bytes.subspan(at * block_size, (end - at) * block_size)));
    data += end - at;
    at = end;
  }
  if (data == 0) return {};
  data_blocks_.fetch_add(data, std::memory_order_relaxed);
  WEFT_CHECK(incoming_->sums().store(first, sums));
  return tree_.put(first, digests);
}

Result<ImageInfo> ImportWriter::publish() {
  WEFT_TRY(const Digest root, tree_.finish());
  const ImageInfo info{make_image_id(target_.size, root), target_.size, root};
  WEFT_TRY(auto tree_again, table_->fs().open(incoming_->paths().tree, OpenMode::read));
  TreeFile tree(std::move(tree_again), info);
  WEFT_CHECK(finish_files(info, tree));
  WEFT_TRY(auto known, register_image(info));
  if (!known) return info;
  if (auto completed = complete_known(*known, tree); !completed) {
    known.reset();
    withdraw_name(info.id);
    return std::unexpected(std::move(completed).error());
  }
  return info;
}

// Makes everything durable. Nobody sees these files yet, so only the last step needs an order.
Result<void> ImportWriter::finish_files(const ImageInfo& info, TreeFile& tree) {
  MapHeader header;
  header.image = info.id;
  header.blocks = blocks_;
  header.clean = true;
  header.complete = true;
  header.full = target_.kind != PackKind::in_place;
  header.implied_zero = blocks_ - BlockCount(data_blocks_.load());
  WEFT_TRY(auto map_file, table_->fs().open(incoming_->paths().map, OpenMode::create_exclusive));
  WEFT_TRY(MapFile map, MapFile::create(std::move(map_file), header));
  WEFT_CHECK(map.sync());
  WEFT_TRY(auto borrow, table_->fs().open(incoming_->paths().borrow, OpenMode::create_exclusive));
  WEFT_TRY(auto borrowed, BorrowFile::open(std::move(borrow), info.id));
  WEFT_CHECK(borrowed.sync());
  WEFT_CHECK(write_digest_index(table_->fs(), incoming_->paths(), info.id, tree));
  return incoming_->sync();
}

// Returns the image if the same content is here already: it gets the name.
Result<std::shared_ptr<LocalImage>> ImportWriter::register_image(const ImageInfo& info) {
  const Lock changes(table_->changes());
  WEFT_TRY(const auto known, table_->catalog().image(info.id));
  if (known) {
    WEFT_CHECK(table_->catalog().add(target_.name, *known));
    table_->wake(*known);
    return table_->handle(info.id);
  }
  CatalogImage row;
  row.info = info;
  row.in_place = target_.kind == PackKind::in_place;
  row.source = target_.source.native();
  WEFT_CHECK(table_->take_in(incoming_->paths(), row,
                             [&] { return table_->catalog().add(target_.name, row); }));
  return nullptr;
}

// Perhaps not all of it was here: this copy gives what is missing, while the image can be used.
Result<void> ImportWriter::complete_known(LocalImage& image, TreeFile& tree) {
  if (image.usage().complete) return {};
  if (target_.kind != PackKind::in_place) return fill(image, tree, incoming_->pack());
  WEFT_TRY(auto source, table_->fs().open(target_.source, OpenMode::read));
  return fill(image, tree, *source);
}

// Takes back what `register_image` did. What cannot be taken back is an image under a name that the
// caller was told nothing good about, with all the blocks it had before.
void ImportWriter::withdraw_name(const ImageId& id) {
  const Lock flushing(table_->flushing());
  const Lock changes(table_->changes());
  const auto names = table_->catalog().names_of(id);
  if (!names || names->size() != 1 || table_->in_use(id)) {
    static_cast<void>(table_->catalog().remove_name(target_.name));
    return;
  }
  const ExclusiveLock lending(table_->lending());
  static_cast<void>(Removal(*table_).remove(id));
}

}  // namespace weft
