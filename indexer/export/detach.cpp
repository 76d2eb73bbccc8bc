// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/detach.h"

#include "indexer/export/detach_target.h"
#include "indexer/export/new_file.h"
#include "indexer/export/qemu_img.h"
#include "indexer/export/read_back.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <fcntl.h>

namespace weft {
namespace {

constexpr std::size_t piece = std::size_t{1} << 20;
/// `qemu-img` on the slowest disk that makes sense.
constexpr std::uint64_t slowest_bytes_per_second = std::uint64_t{1} << 20;

/// Data only: the file has the size already, and what is not written is a hole.
Result<void> copy(BlockSource& content, File& file, const DetachSteps& steps,
                  const std::stop_token& stop) {
  std::vector<std::byte> buffer(piece);
  for (ByteOffset from(0);;) {
    WEFT_TRY(const auto data, content.next_data(from));
    if (!data) return {};
    const ByteOffset end = data->offset + data->length;
    for (ByteOffset at = data->offset; at < end;) {
      if (stop.stop_requested()) return fail(Errc::cancelled, Operation::write);
      const auto part = std::span(buffer).first(std::min<std::uint64_t>(piece, (end - at).value()));
      WEFT_CHECK(content.read(at, part));
      WEFT_CHECK(file.write_at(at, part));
      at += ByteCount(part.size());
      steps.at(ByteCount(at.value()));
    }
    from = end;
  }
}

/// True: by sharing extents.
Result<bool> fill(BlockSource& content, File& file, const DetachSteps& steps,
                  const std::stop_token& stop) {
  const auto cloned = content.clone_into(file);
  if (cloned) WEFT_CHECK(file.truncate(content.size()));
  if (cloned) return true;
  if (!cloned.error().is(Errc::unsupported)) return std::unexpected(cloned.error());
  WEFT_CHECK(file.truncate(content.size()));
  WEFT_CHECK(copy(content, file, steps, stop));
  return false;
}

Duration longest_conversion(ByteCount size) {
  return std::chrono::minutes(10) + std::chrono::seconds(size.value() / slowest_bytes_per_second);
}

}  // namespace

std::string_view to_string(DetachFormat format) noexcept {
  return format == DetachFormat::qcow2 ? "qcow2" : "raw";
}

std::optional<DetachFormat> parse_detach_format(std::string_view text) noexcept {
  for (const auto format : {DetachFormat::raw, DetachFormat::qcow2}) {
    if (to_string(format) == text) return format;
  }
  return std::nullopt;
}

Result<Detached> detach(BlockSource& content, const ImageInfo& expected, FileSystem& fs,
                        const DetachOptions& options, const OnDetachProgress& progress,
                        const std::stop_token& stop) {
  WEFT_CHECK(check_target(options));
  const bool qcow2 = options.format == DetachFormat::qcow2;
  DetachSteps steps(expected.size, qcow2 ? 3 : 2, progress);
  std::optional<NewFile> made;
  {
    WEFT_TRY(NewFile raw, NewFile::make(fs, options.target));
    made.emplace(std::move(raw));
  }
  WEFT_TRY(const bool shared, fill(content, made->file(), steps, stop));
  WEFT_CHECK(made->file().sync());
  steps.next();
  if (qcow2) {
    WEFT_TRY(NewFile image, NewFile::make(fs, options.target));
    WEFT_CHECK(
        convert_to_qcow2(made->path(), image.path(), longest_conversion(expected.size), stop));
    made.emplace(std::move(image));  // the raw one goes
    WEFT_CHECK(made->file().sync());
    steps.next();
  }
  WEFT_TRY(const HashedContent found,
           read_back(fs, made->file().descriptor(), made->path(),
                     qcow2 ? DiskFormat::qcow2 : DiskFormat::raw, expected, steps, stop));
  WEFT_CHECK(made->place(options.replace));
  return Detached{found.root, found.hashed, shared && !qcow2};
}

}  // namespace weft
