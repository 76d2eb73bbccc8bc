// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/move_out.h"

#include "indexer/export/detach_target.h"
#include "indexer/export/root_of.h"
#include "indexer/import/block_source.h"

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace weft {
namespace {

/// The bytes of a pack as they are on the disk, compared with nothing.
class PackBytes final : public BlockSource {
 public:
  PackBytes(int descriptor, ByteCount size) : descriptor_(descriptor), size_(size) {}
  [[nodiscard]] ByteCount size() const override { return size_; }
  [[nodiscard]] Result<std::optional<Extent>> next_data(ByteOffset from) override {
    const auto data = ::lseek(descriptor_, static_cast<off_t>(from.value()), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return std::nullopt;
    if (data < 0) return fail_errno(errno, Operation::read);
    const auto hole = ::lseek(descriptor_, data, SEEK_HOLE);
    if (hole < 0) return fail_errno(errno, Operation::read);
    return Extent{ByteOffset(static_cast<std::uint64_t>(data)),
                  ByteCount(static_cast<std::uint64_t>(hole - data))};
  }
  [[nodiscard]] Result<void> read(ByteOffset offset, std::span<std::byte> out) override {
    while (!out.empty()) {
      const auto got =
          ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset.value()));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno(errno, Operation::read);
      if (got == 0) return fail(Errc::source_changed, Operation::read, "the pack is too short");
      out = out.subspan(static_cast<std::size_t>(got));
      offset += ByteCount(static_cast<std::uint64_t>(got));
    }
    return {};
  }
  [[nodiscard]] Result<void> check_unchanged() override { return {}; }

 private:
  const int descriptor_;
  const ByteCount size_;
};

Result<int> whole_pack(LocalImage& image, const OnDetachProgress& progress,
                       const std::stop_token& stop) {
  const ByteCount size = image.info().size;
  for (BlockRange rest{BlockIndex(0), blocks_for(size)}; !rest.empty();) {
    if (stop.stop_requested()) return fail(Errc::cancelled, Operation::write);
    WEFT_TRY(rest, image.make_whole(rest));
    if (progress) progress(size - bytes_of(rest.count), size + size);
  }
  WEFT_CHECK(image.flush());
  const int pack = image.whole_pack();
  if (pack >= 0) return pack;
  return fail(Errc::not_resident, Operation::verify, "blocks were lost meanwhile; try again");
}

Result<HashedContent> read_back(int pack, const ImageInfo& expected,
                                const OnDetachProgress& progress, const std::stop_token& stop) {
  if (::fdatasync(pack) != 0) return fail_errno(errno, Operation::sync);
  // What is read next comes from the disk.
  static_cast<void>(::posix_fadvise(pack, 0, 0, POSIX_FADV_DONTNEED));
  PackBytes bytes(pack, expected.size);
  WEFT_TRY(const HashedContent found, root_of(
                                          bytes,
                                          [&](ByteCount done) {
                                            if (progress)
                                              progress(expected.size + done,
                                                       expected.size + expected.size);
                                          },
                                          stop));
  if (found.root == expected.root) return found;
  return fail(Errc::digest_mismatch, Operation::verify,
              "the disk gives back other bytes than were written; run `weft verify`");
}

Result<void> link_to(int pack, const std::filesystem::path& target) {
  const std::string from = "/proc/self/fd/" + std::to_string(pack);
  if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW) == 0) return {};
  const char* const hint =
      errno == EXDEV ? ": on another file system than the store; without --move it is copied" : "";
  return fail_errno(errno, Operation::rename, target.string() + hint);
}

}  // namespace

Result<Detached> move_out(Store& store, std::shared_ptr<LocalImage> image, FileSystem& fs,
                          const DetachOptions& options, const OnDetachProgress& progress,
                          const std::stop_token& stop) {
  if (options.format != DetachFormat::raw || options.replace) {
    return fail(Errc::bad_request, Operation::write,
                "--move makes a raw file under a name that is not taken");
  }
  WEFT_CHECK(check_target(options));
  WEFT_TRY(const int pack, whole_pack(*image, progress, stop));
  WEFT_TRY(const HashedContent found, read_back(pack, image->info(), progress, stop));
  WEFT_CHECK(link_to(pack, options.target));
  auto done = fs.sync_directory(options.target.parent_path());
  if (done) done = store.give_up(std::move(image));
  if (done) return Detached{.root = found.root, .hashed = found.hashed, .moved = true};
  static_cast<void>(fs.remove(options.target));
  return std::unexpected(std::move(done).error());
}

}  // namespace weft
