// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/importer.h"

#include "indexer/core/hash.h"
#include "indexer/import/open_source.h"
#include "indexer/import/piece_pipeline.h"
#include "indexer/import/read_through.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace weft {
namespace {

Result<void> check_name(Store& store, const std::string& name) {
  if (!is_valid_image_name(name)) {
    return fail(Errc::bad_name, Operation::import,
                "\"" + name + "\": use 1 to 128 of A-Z a-z 0-9 . _ -, not starting with . or -");
  }
  const Result<ImageEntry> present = store.find(name);
  if (present && present->name == name) {
    return fail(Errc::name_taken, Operation::import,
                name + ": choose another, or remove the image first (weft rm " + name + ")");
  }
  if (!present && !present.error().is(Errc::unknown_image) &&
      !present.error().is(Errc::ambiguous_image)) {
    return std::unexpected(present.error());
  }
  return {};
}

struct Target {
  std::unique_ptr<ImageWriter> writer;
  PackKind kind;
};

Result<Target> begin(Store& store, const ImportOptions& options, const OpenedSource& opened,
                     PackKind kind) {
  const ByteCount size = opened.source->size();
  WEFT_TRY(auto writer,
           store.begin_import(ImportTarget{
               .name = options.name, .size = size, .kind = kind, .source = opened.path}));
  if (kind == PackKind::reflink) {
    WEFT_CHECK(writer->clone(*opened.raw->file, Extent{ByteOffset(0), size}));
  }
  return Target{std::move(writer), kind};
}

std::unexpected<Error> only_raw(const OpenedSource& opened, std::string_view what) {
  return fail(Errc::unsupported, Operation::import,
              opened.path.string() + ": it is in the format " +
                  std::string(to_string(opened.format)) + ", and only a raw image can " +
                  std::string(what) + ": import a copy");
}

Result<Target> begin(Store& store, const ImportOptions& options, const OpenedSource& opened) {
  switch (options.mode) {
    case ImportMode::copy:
      return begin(store, options, opened, PackKind::own);
    case ImportMode::reflink:
      if (opened.raw == nullptr) return only_raw(opened, "share its blocks");
      return begin(store, options, opened, PackKind::reflink);
    case ImportMode::in_place:
      if (opened.raw == nullptr) return only_raw(opened, "be served where it is");
      return begin(store, options, opened, PackKind::in_place);
    case ImportMode::automatic:
      break;
  }
  if (opened.raw != nullptr) {
    Result<Target> shared = begin(store, options, opened, PackKind::reflink);
    if (shared || !shared.error().is(Errc::unsupported)) return shared;
  }
  return begin(store, options, opened, PackKind::own);
}

class HashAndPut final : public PieceWork {
 public:
  explicit HashAndPut(ImageWriter& writer) : writer_(writer) {}

  Result<void> piece(BlockIndex first, std::span<const std::byte> bytes) override {
    std::array<Digest, PiecePipeline::piece_blocks> digests;
    const auto names = std::span(digests).first(bytes.size() / block_size);
    digests_of_blocks(bytes, names);
    return writer_.put(first, bytes, names);
  }

 private:
  ImageWriter& writer_;
};

}  // namespace

Result<Imported> import_file(Store& store, FileSystem& fs, WorkerPool& pool, ImportOptions options,
                             OnImportProgress progress, std::stop_token stop) {
  WEFT_CHECK(check_name(store, options.name));
  const SourceOptions source_options{.format = options.format,
                                     .allow_backing = std::move(options.allow_backing),
                                     .readers = pool.threads(),
                                     .stop = stop};
  WEFT_TRY(const OpenedSource opened, open_source(fs, options.path, source_options));
  WEFT_TRY(const Target target, begin(store, options, opened));
  HashAndPut work(*target.writer);
  WEFT_TRY(const ByteCount data, read_through(*opened.source, work, pool, progress, stop));
  WEFT_TRY(const ImageInfo info, target.writer->publish());
  return Imported{.info = info, .kind = target.kind, .data = data};
}

}  // namespace weft
