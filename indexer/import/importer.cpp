// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/importer.h"

#include "indexer/core/hash.h"
#include "indexer/import/disk_format.h"
#include "indexer/import/piece_pipeline.h"
#include "indexer/import/raw_source.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
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

Result<void> refuse_wrapped(const SourceFile& source) {
  const std::string path = source.path.string();
  std::array<std::byte, format_head_size> head;
  std::array<std::byte, format_tail_size> tail;
  WEFT_TRY(const std::size_t head_size, source.file->read_at(ByteOffset(0), head));
  const std::uint64_t size = source.stat.size.value();
  const ByteOffset tail_at(size - std::min<std::uint64_t>(size, tail.size()));
  WEFT_TRY(const std::size_t tail_size, source.file->read_at(tail_at, tail));
  const auto head_bytes = std::span(head).first(head_size);
  const std::string_view format = container_format(head_bytes, std::span(tail).first(tail_size));
  if (!format.empty()) {
    return fail(Errc::not_an_image, Operation::import,
                path + ": it is in the format " + std::string(format) +
                    " and only raw images can be imported: convert it with `qemu-img convert -O "
                    "raw " +
                    path + " " + source.path.stem().string() + ".raw`");
  }
  const std::string_view program = compressed_with(path, head_bytes);
  if (!program.empty()) {
    return fail(
        Errc::not_an_image, Operation::import,
        path + ": it is compressed: unpack it with `" + std::string(program) + " -d` first");
  }
  return {};
}

Result<RawSource> open_source(FileSystem& fs, const std::filesystem::path& path) {
  WEFT_TRY(SourceFile source, open_source_file(fs, path));
  const std::string name = source.path.string();
  if (source.stat.size.value() == 0) return fail(Errc::empty_image, Operation::import, name);
  if (source.stat.size > max_image_size) {
    return fail(Errc::image_too_large, Operation::import, name + ": the limit is 64 TiB");
  }
  WEFT_CHECK(refuse_wrapped(source));
  return RawSource(fs, std::move(source));
}

struct Target {
  std::unique_ptr<ImageWriter> writer;
  PackKind kind;
};

Result<Target> begin(Store& store, const ImportOptions& options, const RawSource& source,
                     PackKind kind) {
  WEFT_TRY(auto writer, store.begin_import(ImportTarget{.name = options.name,
                                                        .size = source.size(),
                                                        .kind = kind,
                                                        .source = source.file().path}));
  if (kind == PackKind::reflink) {
    WEFT_CHECK(writer->clone(*source.file().file, Extent{ByteOffset(0), source.size()}));
  }
  return Target{std::move(writer), kind};
}

Result<Target> begin(Store& store, const ImportOptions& options, const RawSource& source) {
  switch (options.mode) {
    case ImportMode::copy:
      return begin(store, options, source, PackKind::own);
    case ImportMode::reflink:
      return begin(store, options, source, PackKind::reflink);
    case ImportMode::in_place:
      return begin(store, options, source, PackKind::in_place);
    case ImportMode::automatic:
      break;
  }
  Result<Target> shared = begin(store, options, source, PackKind::reflink);
  if (shared || !shared.error().is(Errc::unsupported)) return shared;
  return begin(store, options, source, PackKind::own);
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
                             std::function<void(const ImportProgress&)> progress,
                             std::stop_token stop) {
  WEFT_CHECK(check_name(store, options.name));
  WEFT_TRY(RawSource source, open_source(fs, options.path));
  WEFT_TRY(const Target target, begin(store, options, source));
  const ByteCount size = source.size();
  const auto report = [&](ByteCount passed, ByteCount data) {
    if (progress) progress(ImportProgress{.total = size, .done = passed, .data = data});
  };
  HashAndPut work(*target.writer);
  PiecePipeline pipeline(source, work, pool);
  WEFT_TRY(const ByteCount data, pipeline.run(report, stop));
  WEFT_CHECK(source.check_unchanged());
  if (stop.stop_requested()) return fail(Errc::cancelled, Operation::import);
  WEFT_TRY(const ImageInfo info, target.writer->publish());
  return Imported{.info = info, .kind = target.kind, .data = data};
}

}  // namespace weft
