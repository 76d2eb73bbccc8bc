// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/updater.h"

#include "indexer/core/hash.h"
#include "indexer/import/open_source.h"
#include "indexer/import/piece_pipeline.h"
#include "indexer/import/read_through.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace weft {
namespace {

/// XXH3 first, SHA-256 where that says nothing.
class CompareAndPut final : public PieceWork {
 public:
  explicit CompareAndPut(UpdateWriter& writer) : writer_(writer) {}

  Result<void> piece(BlockIndex first, std::span<const std::byte> bytes) override {
    WEFT_TRY(const auto left, writer_.take_unchanged(first, bytes));
    if (left.none()) return {};
    hashed_.fetch_add(left.count(), std::memory_order_relaxed);
    std::array<Digest, UpdateWriter::piece_blocks> digests;
    return each_run(left, [&](std::size_t at, std::size_t count) {
      const auto run = bytes.subspan(at * block_size, count * block_size);
      const auto names = std::span(digests).first(count);
      digests_of_blocks(run, names);
      return writer_.put(first + BlockCount(at), run, names);
    });
  }
  Result<void> hole(BlockRange blocks) override { return writer_.put_zero(blocks); }

  [[nodiscard]] BlockCount hashed() const { return BlockCount(hashed_.load()); }

 private:
  UpdateWriter& writer_;
  std::atomic<std::uint64_t> hashed_{0};
};

std::optional<PackKind> kind_of(ImportMode mode) {
  switch (mode) {
    case ImportMode::copy:
      return PackKind::own;
    case ImportMode::reflink:
      return PackKind::reflink;
    case ImportMode::in_place:
      return PackKind::in_place;
    case ImportMode::automatic:
      break;
  }
  return std::nullopt;
}

Result<std::filesystem::path> file_of(Store& store, const UpdateOptions& options) {
  const auto present = store.find(options.name);
  if (!present && !present.error().is(Errc::unknown_image)) {
    return std::unexpected(present.error());
  }
  if (!present || present->name != options.name) {
    return fail(Errc::unknown_image, Operation::import,
                "'" + options.name + "': no image has this name, so there is none to update");
  }
  if (!options.path.empty()) return options.path;
  if (!present->source.empty()) return present->source;
  return fail(Errc::bad_request, Operation::import,
              "'" + options.name + "' came from peers, not from a file: say which file it is now");
}

Result<void> check_kind(PackKind kind, const OpenedSource& opened) {
  if (kind == PackKind::own || opened.raw != nullptr) return {};
  return fail(Errc::unsupported, Operation::import,
              opened.path.string() + ": it is in the format " +
                  std::string(to_string(opened.format)) +
                  ", and only a raw image can be served where it is or share its blocks: use "
                  "--copy");
}

Result<ImportUpdate> run(Store& store, FileSystem& fs, WorkerPool& pool, UpdateTarget target,
                         const SourceOptions& source_options, const OnImportProgress& progress,
                         const std::stop_token& stop) {
  WEFT_TRY(const OpenedSource opened, open_source(fs, target.source, source_options));
  target.size = opened.source->size();
  target.source = opened.path;
  WEFT_TRY(const auto writer, store.begin_update(std::move(target)));
  WEFT_CHECK(check_kind(writer->kind(), opened));
  if (writer->kind() == PackKind::reflink) WEFT_CHECK(writer->clone(*opened.raw->file));
  CompareAndPut work(*writer);
  WEFT_TRY(const ByteCount data, read_through(*opened.source, work, pool, progress, stop));
  const ImageId old_id = writer->old_image().id;
  WEFT_TRY(const UpdateResult result, writer->publish());
  return ImportUpdate{.old_id = old_id,
                      .info = result.info,
                      .kind = writer->kind(),
                      .changed = result.changed,
                      .changed_blocks = result.changed_blocks,
                      .data = data,
                      .hashed = bytes_of(work.hashed())};
}

}  // namespace

Result<ImportUpdate> import_update(Store& store, FileSystem& fs, WorkerPool& pool,
                                   UpdateOptions options, OnImportProgress progress,
                                   std::stop_token stop) {
  UpdateTarget target{
      .name = options.name, .size = {}, .kind = kind_of(options.mode), .source = {}};
  WEFT_TRY(target.source, file_of(store, options));
  const SourceOptions source{.format = options.format,
                             .allow_backing = std::move(options.allow_backing),
                             .readers = pool.threads(),
                             .stop = stop};
  auto update = run(store, fs, pool, target, source, progress, stop);
  if (update || !update.error().is(Errc::not_resident)) return update;
  // The old image is damaged where something was to be taken over: then nothing is.
  target.take_over = false;
  return run(store, fs, pool, std::move(target), source, progress, stop);
}

}  // namespace weft
