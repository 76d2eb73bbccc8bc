// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/image_chain.h"

#include "indexer/import/allowed_files.h"

#include <algorithm>
#include <string>
#include <utility>

namespace weft {
namespace {

class ChainReader {
 public:
  explicit ChainReader(AllowedFiles allowed) : allowed_(std::move(allowed)) {}

  /// Adds the layer of `file`; the name of what is below it, if anything is.
  Result<FileReferences> add_layer(SourceFile file, DiskFormat format);
  Result<std::pair<SourceFile, DiskFormat>> open_backing(const FileReferences& names);
  [[nodiscard]] ImageChain take() && { return std::move(chain_); }

 private:
  [[nodiscard]] const SourceFile& bottom() const { return chain_.layers.back().file; }
  [[nodiscard]] bool is_layer(const SourceFile& file) const;
  Result<SourceFile> open(const std::string& name);
  Result<void> open_extents(ImageLayer& layer);
  Result<DiskFormat> backing_format(const FileReferences& names, const SourceFile& backing);

  const AllowedFiles allowed_;
  ImageChain chain_;
  std::size_t files_ = 0;
};

// Errors of parsers do not know the file.
Error in_file(Error error, const SourceFile& file) {
  error.detail = file.path.string() + (error.detail.empty() ? "" : ": ") + error.detail;
  return error;
}

bool same_file(const SourceFile& a, const SourceFile& b) {
  return a.stat.device == b.stat.device && a.stat.inode == b.stat.inode;
}

bool ChainReader::is_layer(const SourceFile& file) const {
  return std::ranges::any_of(chain_.layers,
                             [&](const ImageLayer& layer) { return same_file(layer.file, file); });
}

Result<SourceFile> ChainReader::open(const std::string& name) {
  if (++files_ > ImageChain::max_files) {
    return fail(Errc::bad_image, Operation::import,
                bottom().path.string() +
                    ": it is made of too many files: convert it with "
                    "`qemu-img convert`");
  }
  return allowed_.open(bottom(), name);
}

Result<FileReferences> ChainReader::add_layer(SourceFile file, DiskFormat format) {
  if (chain_.layers.size() == ImageChain::max_layers) {
    return fail(Errc::bad_image, Operation::import,
                bottom().path.string() + ": more than " + std::to_string(ImageChain::max_layers) +
                    " images are below each other: merge some with `qemu-img commit`");
  }
  auto names = read_references(format, *file.file);
  if (!names) return std::unexpected(in_file(std::move(names).error(), file));
  ImageLayer& layer = chain_.layers.emplace_back();
  layer.format = format;
  layer.file = std::move(file);
  if (names->data_file) {
    WEFT_TRY(layer.data_file, open(*names->data_file));
    if (is_layer(*layer.data_file)) {
      return fail(Errc::bad_image, Operation::import,
                  bottom().path.string() + ": its data file is itself an image of the chain");
    }
  }
  layer.descriptor = std::move(names->descriptor);
  if (layer.descriptor) WEFT_CHECK(open_extents(layer));
  return names;
}

Result<void> ChainReader::open_extents(ImageLayer& layer) {
  for (const VmdkExtent& extent : layer.descriptor->extents) {
    WEFT_TRY(SourceFile file, open(extent.file));
    if (auto checked = check_vmdk_extent(extent.type, *file.file); !checked) {
      return std::unexpected(in_file(std::move(checked).error(), file));
    }
    layer.extents.push_back(std::move(file));
  }
  return {};
}

Result<DiskFormat> ChainReader::backing_format(const FileReferences& names,
                                               const SourceFile& backing) {
  if (names.backing_format) {
    const auto stated = disk_format_named(*names.backing_format);
    if (stated && to_string(*stated) == *names.backing_format) return *stated;
    return fail(Errc::bad_image, Operation::import,
                bottom().path.string() + ": its backing file is said to be in the format \"" +
                    *names.backing_format + "\", which is not known");
  }
  WEFT_TRY(const Probed probed, probe(*backing.file, backing.stat.size, backing.path.string()));
  if (probed.format != DiskFormat::raw) return probed.format;
  return fail(Errc::bad_image, Operation::import,
              bottom().path.string() + " does not say which format " + backing.path.string() +
                  " has: if it is raw, say so with `qemu-img rebase -u -F raw -b BACKING IMAGE`");
}

Result<std::pair<SourceFile, DiskFormat>> ChainReader::open_backing(const FileReferences& names) {
  WEFT_TRY(SourceFile backing, open(*names.backing));
  if (is_layer(backing)) {
    return fail(Errc::bad_image, Operation::import,
                bottom().path.string() + ": its backing file " + backing.path.string() +
                    " is above it: the chain is a loop");
  }
  WEFT_TRY(const DiskFormat format, backing_format(names, backing));
  return std::pair(std::move(backing), format);
}

}  // namespace

Result<void> ImageChain::check_unchanged(FileSystem& fs) const {
  for (const ImageLayer& layer : layers) {
    WEFT_CHECK(weft::check_unchanged(fs, layer.file));
    if (layer.data_file) WEFT_CHECK(weft::check_unchanged(fs, *layer.data_file));
    for (const SourceFile& extent : layer.extents)
      WEFT_CHECK(weft::check_unchanged(fs, extent));
  }
  return {};
}

Result<ImageChain> open_chain(FileSystem& fs, SourceFile top, DiskFormat format,
                              const std::vector<std::filesystem::path>& allowed) {
  ChainReader reader(AllowedFiles(fs, top.path, allowed));
  WEFT_TRY(FileReferences names, reader.add_layer(std::move(top), format));
  while (names.backing) {
    WEFT_TRY(auto backing, reader.open_backing(names));
    WEFT_TRY(names, reader.add_layer(std::move(backing.first), backing.second));
  }
  return std::move(reader).take();
}

}  // namespace weft
