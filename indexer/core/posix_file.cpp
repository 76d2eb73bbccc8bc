// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/file_io.h"
#include "indexer/core/unique_fd.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

namespace weft {
namespace {

// Linux cuts longer transfers short anyway.
constexpr std::size_t max_transfer = std::size_t{1} << 30;

// Calls again while a signal interrupts.
template <class Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR)
    result = call();
  return result;
}

off_t as_off_t(std::uint64_t value) {
  return static_cast<off_t>(value);
}

std::int64_t as_ns(const timespec& t) {
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

class PosixFile final : public File {
 public:
  PosixFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<std::size_t> read_at(ByteOffset offset, std::span<std::byte> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const std::size_t want = std::min(out.size() - done, max_transfer);
      const ssize_t n = retry([&] {
        return ::pread(fd_.get(), out.data() + done, want, as_off_t(offset.value() + done));
      });
      if (n < 0) return fail_here(Operation::read);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  Result<void> write_at(ByteOffset offset, std::span<const std::byte> bytes) override {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const std::size_t want = std::min(bytes.size() - done, max_transfer);
      const ssize_t n = retry([&] {
        return ::pwrite(fd_.get(), bytes.data() + done, want, as_off_t(offset.value() + done));
      });
      if (n < 0) return fail_here(Operation::write);
      if (n == 0) return fail_errno(EIO, Operation::write, path_);
      done += static_cast<std::size_t>(n);
    }
    return {};
  }

  Result<void> sync() override {
    return check(retry([&] { return ::fdatasync(fd_.get()); }), Operation::sync);
  }

  Result<void> truncate(ByteCount size) override {
    return check(retry([&] { return ::ftruncate(fd_.get(), as_off_t(size.value())); }),
                 Operation::write);
  }

  Result<void> punch(Extent extent) override {
    if (extent.length.value() == 0) return {};
    const int result = retry([&] {
      return ::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                         as_off_t(extent.offset.value()), as_off_t(extent.length.value()));
    });
    if (result < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
      return fail(Errc::unsupported, Operation::punch, path_ + ": no holes on this file system");
    }
    return check(result, Operation::punch);
  }

  Result<FileStat> stat() override {
    struct stat st{};
    WEFT_CHECK(check(::fstat(fd_.get(), &st), Operation::stat));
    return FileStat{.size = ByteCount(static_cast<std::uint64_t>(st.st_size)),
                    .allocated = ByteCount(static_cast<std::uint64_t>(st.st_blocks) * 512),
                    .device = st.st_dev,
                    .inode = st.st_ino,
                    .mtime_ns = as_ns(st.st_mtim),
                    .ctime_ns = as_ns(st.st_ctim),
                    .is_regular = S_ISREG(st.st_mode),
                    .is_directory = S_ISDIR(st.st_mode)};
  }

  Result<std::optional<Extent>> next_data(ByteOffset from) override {
    const off_t data = ::lseek(fd_.get(), as_off_t(from.value()), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return std::nullopt;
    if (data < 0 && (errno == EINVAL || errno == EOPNOTSUPP)) return all_from(from);
    if (data < 0) return fail_here(Operation::read);
    const off_t hole = ::lseek(fd_.get(), data, SEEK_HOLE);
    // The file may have shrunk, or a hole been punched, between the two calls.
    if (hole < 0 && errno == ENXIO) return std::nullopt;
    if (hole < 0) return fail_here(Operation::read);
    return Extent{ByteOffset(static_cast<std::uint64_t>(data)),
                  ByteCount(static_cast<std::uint64_t>(hole - data))};
  }

  Result<void> clone_from(File& source, Extent extent) override {
    if (extent.length.value() == 0) return {};  // the kernel takes 0 for "to the end"
    file_clone_range range{.src_fd = source.descriptor(),
                           .src_offset = extent.offset.value(),
                           .src_length = extent.length.value(),
                           .dest_offset = extent.offset.value()};
    const int result = retry([&] { return ::ioctl(fd_.get(), FICLONERANGE, &range); });
    if (result < 0 && (errno == EOPNOTSUPP || errno == ENOTTY || errno == EXDEV ||
                       errno == EINVAL || errno == ENOSYS)) {
      return fail(Errc::unsupported, Operation::write,
                  path_ +
                      ": extents cannot be shared here (needs XFS or btrfs, and the source "
                      "on the same file system)");
    }
    return check(result, Operation::write);
  }

  int descriptor() const noexcept override { return fd_.get(); }

 private:
  // Where the file system cannot tell holes, everything is data.
  Result<std::optional<Extent>> all_from(ByteOffset from) {
    WEFT_TRY(const FileStat st, stat());
    if (from.value() >= st.size.value()) return std::nullopt;
    return Extent{from, st.size - ByteCount(from.value())};
  }

  std::unexpected<Error> fail_here(Operation op) const { return fail_errno(errno, op, path_); }
  Result<void> check(int result, Operation op) const {
    if (result < 0) return fail_here(op);
    return {};
  }

  const UniqueFd fd_;
  const std::string path_;  // for messages
};

int open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::read:
      // Without O_NONBLOCK, opening a pipe would wait for its writer.
      return O_RDONLY | O_NONBLOCK | O_NOCTTY;
    case OpenMode::read_write:
      return O_RDWR;
    case OpenMode::create:
      return O_RDWR | O_CREAT;
    case OpenMode::create_exclusive:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::filesystem::path& path, OpenMode mode) override {
    // Guests' data: nobody else's business.
    UniqueFd fd(retry([&] { return ::open(path.c_str(), open_flags(mode) | O_CLOEXEC, 0600); }));
    if (!fd) return fail_errno(errno, Operation::open, path.string());
    return std::make_unique<PosixFile>(std::move(fd), path.string());
  }

  Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    if (::rename(from.c_str(), to.c_str()) < 0) {
      return fail_errno(errno, Operation::rename, from.string() + " to " + to.string());
    }
    return {};
  }

  Result<void> remove(const std::filesystem::path& path) override {
    if (std::remove(path.c_str()) < 0 && errno != ENOENT) {
      return fail_errno(errno, Operation::remove, path.string());
    }
    return {};
  }

  Result<void> make_directory(const std::filesystem::path& path) override {
    if (::mkdir(path.c_str(), 0700) == 0) return {};
    const int error = errno;
    struct stat st{};
    if (error == EEXIST && ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return {};
    return fail_errno(error, Operation::open, path.string());
  }

  Result<std::vector<std::string>> list(const std::filesystem::path& dir) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(dir.c_str()), ::closedir);
    if (!handle) return fail_errno(errno, Operation::open, dir.string());
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(handle.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    if (errno != 0) return fail_errno(errno, Operation::read, dir.string());
    std::ranges::sort(names);
    return names;
  }

  Result<void> sync_directory(const std::filesystem::path& dir) override {
    const UniqueFd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return fail_errno(errno, Operation::open, dir.string());
    // EINVAL: a file system that does not sync directories, and needs no sync of them.
    if (retry([&] { return ::fsync(fd.get()); }) < 0 && errno != EINVAL) {
      return fail_errno(errno, Operation::sync, dir.string());
    }
    return {};
  }

  Result<ByteCount> free_space(const std::filesystem::path& dir) override {
    struct statvfs st{};
    if (retry([&] { return ::statvfs(dir.c_str(), &st); }) < 0) {
      return fail_errno(errno, Operation::stat, dir.string());
    }
    return ByteCount(st.f_bavail * st.f_frsize);
  }
};

}  // namespace

FileSystem& posix_file_system() noexcept {
  static PosixFileSystem instance;
  return instance;
}

}  // namespace weft
