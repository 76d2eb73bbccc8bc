// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/detach.h"

#include "indexer/export/detach_target.h"
#include "indexer/export/new_file.h"
#include "indexer/export/qemu_img.h"
#include "indexer/export/root_of.h"
#include "indexer/import/open_source.h"

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

/// How far all steps together are. Each step passes over the content once.
class Steps {
 public:
  Steps(ByteCount size, unsigned count, const OnDetachProgress& report)
      : size_(size), total_(size.value() * count), report_(report) {}
  void at(ByteCount done) const {
    if (report_) report_(before_ + done, total_);
  }
  void next() {
    before_ += size_;
    at(ByteCount(0));
  }

 private:
  const ByteCount size_;
  const ByteCount total_;
  const OnDetachProgress& report_;
  ByteCount before_;
};

/// Data only: the file has the size already, and what is not written is a hole.
Result<void> copy(BlockSource& content, File& file, const Steps& steps,
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
Result<bool> fill(BlockSource& content, File& file, const Steps& steps,
                  const std::stop_token& stop) {
  const auto cloned = content.clone_into(file);
  if (cloned) WEFT_CHECK(file.truncate(content.size()));
  if (cloned) return true;
  if (!cloned.error().is(Errc::unsupported)) return std::unexpected(cloned.error());
  WEFT_CHECK(file.truncate(content.size()));
  WEFT_CHECK(copy(content, file, steps, stop));
  return false;
}

/// What is read next comes from the disk: the proof is of what is there.
void drop_cache(File& file) {
  static_cast<void>(::posix_fadvise(file.descriptor(), 0, 0, POSIX_FADV_DONTNEED));
}

Result<HashedContent> read_back(FileSystem& fs, const std::filesystem::path& path,
                                DiskFormat format, const ImageInfo& expected, const Steps& steps,
                                const std::stop_token& stop) {
  WEFT_TRY(const auto opened,
           open_source(fs, path, {.format = format, .allow_backing = {}, .stop = stop}));
  if (opened.source->size() != expected.size) {
    return fail(Errc::digest_mismatch, Operation::verify,
                path.string() + ": has not the image's size");
  }
  WEFT_TRY(const HashedContent found,
           root_of(*opened.source, [&](ByteCount done) { steps.at(done); }, stop));
  if (found.root == expected.root) return found;
  return fail(
      Errc::digest_mismatch, Operation::verify,
      path.string() + ": the disk gives back other bytes than were written; it was removed");
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
  Steps steps(expected.size, qcow2 ? 3 : 2, progress);
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
  drop_cache(made->file());
  WEFT_TRY(const HashedContent found,
           read_back(fs, made->path(), qcow2 ? DiskFormat::qcow2 : DiskFormat::raw, expected, steps,
                     stop));
  WEFT_CHECK(made->place(options.replace));
  return Detached{found.root, found.hashed, shared && !qcow2};
}

}  // namespace weft
