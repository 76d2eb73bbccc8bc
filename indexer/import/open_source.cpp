// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/open_source.h"

#include "indexer/import/image_chain.h"
#include "indexer/import/nbd/nbd_source.h"
#include "indexer/import/raw_source.h"

#include <string>
#include <utility>

namespace weft {
namespace {

Result<DiskFormat> format_of(const SourceFile& source, const SourceOptions& options) {
  if (options.format) return *options.format;
  const std::string path = source.path.string();
  WEFT_TRY(const Probed probed, probe(*source.file, source.stat.size, path));
  if (probed.compressed_with.empty()) return probed.format;
  return fail(Errc::not_an_image, Operation::import,
              path + ": it is compressed: unpack it with `" + std::string(probed.compressed_with) +
                  " -d` first");
}

}  // namespace

Result<OpenedSource> open_source(FileSystem& fs, const std::filesystem::path& path,
                                 const SourceOptions& options) {
  WEFT_TRY(SourceFile source, open_source_file(fs, path));
  const std::filesystem::path real = source.path;
  if (source.stat.size.value() == 0) {
    return fail(Errc::empty_image, Operation::import, real.string());
  }
  WEFT_TRY(const DiskFormat format, format_of(source, options));
  if (format != DiskFormat::raw) {
    WEFT_TRY(ImageChain chain, open_chain(fs, std::move(source), format, options.allow_backing));
    NbdSourceOptions nbd_options;
    nbd_options.readers = options.readers;
    nbd_options.stop = options.stop;
    WEFT_TRY(auto disk, NbdSource::open(fs, std::move(chain), nbd_options));
    return OpenedSource{.source = std::move(disk), .path = real, .format = format};
  }
  if (source.stat.size > max_image_size) {
    return fail(Errc::image_too_large, Operation::import, real.string() + ": the limit is 64 TiB");
  }
  auto file = std::make_unique<RawSource>(fs, std::move(source));
  const SourceFile* const raw = &file->file();
  return OpenedSource{.source = std::move(file), .path = real, .format = format, .raw = raw};
}

}  // namespace weft
