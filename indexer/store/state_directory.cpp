// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/state_directory.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace weft {
namespace {

constexpr std::string_view format_tag = "weft state ";
constexpr int format_version = 1;

std::string random_name() {
  std::random_device device;
  std::array<std::byte, 16> raw;
  std::ranges::generate(raw, [&] { return static_cast<std::byte>(device()); });
  return to_hex(raw);
}

// A lock must be a real one whatever file system stands behind the seam, so it is taken directly.
Result<UniqueFd> take_lock(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return fail_errno(errno, Operation::lock, path.native());
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail_errno(errno, Operation::lock, path.native());
    std::array<char, 32> pid{};
    const auto got = ::pread(fd.get(), pid.data(), pid.size(), 0);
    std::string holder(pid.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    holder = holder.substr(0, holder.find('\n'));
    return fail(Errc::state_locked, Operation::lock,
                path.parent_path().native() + " is used by " +
                    (holder.empty() ? "another process" : "process " + holder) +
                    "; stop it or choose another directory");
  }
  // For the message above only: the lock is the kernel's, and a full disk has no room for more.
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) == 0) {
    [[maybe_unused]] const auto written = ::pwrite(fd.get(), pid.data(), pid.size(), 0);
  }
  return fd;
}

Result<void> delete_tree(FileSystem& fs, const std::filesystem::path& directory) {
  // Image directories hold files only. What is none is a name that `remove` refuses, and stays.
  WEFT_TRY(const auto names, fs.list(directory));
  for (const auto& name : names)
    WEFT_CHECK(fs.remove(directory / name));
  return fs.remove(directory);
}

}  // namespace

Result<void> make_path(FileSystem& fs, const std::filesystem::path& path) {
  if (fs.list(path)) return {};
  const auto parent = path.parent_path();
  if (!parent.empty() && parent != path) WEFT_CHECK(make_path(fs, parent));
  WEFT_CHECK(fs.make_directory(path));
  return parent.empty() ? Result<void>{} : fs.sync_directory(parent);
}

Result<StateDirectory> StateDirectory::open(FileSystem& fs, std::filesystem::path root) {
  WEFT_CHECK(make_path(fs, root));
  WEFT_TRY(UniqueFd lock, take_lock(root / "lock"));
  StateDirectory state(fs, std::move(root), std::move(lock));
  WEFT_CHECK(state.check_format());
  WEFT_CHECK(fs.make_directory(state.images()));
  WEFT_CHECK(fs.make_directory(state.disks()));
  WEFT_CHECK(fs.make_directory(state.incoming()));
  WEFT_CHECK(state.clear_incoming());
  WEFT_CHECK(fs.sync_directory(state.root_));
  return state;
}

Result<void> StateDirectory::check_format() {
  const auto path = root_ / "format";
  WEFT_TRY(auto file, fs_->open(path, OpenMode::create));
  std::array<char, 64> raw{};
  WEFT_TRY(const std::size_t got,
           file->read_at(ByteOffset(0), std::as_writable_bytes(std::span(raw))));
  std::string_view text(raw.data(), got);
  if (text.empty()) {
    const std::string fresh = std::string(format_tag) + std::to_string(format_version) + "\n";
    WEFT_CHECK(file->write_at(ByteOffset(0), std::as_bytes(std::span(fresh))));
    return file->sync();
  }
  int version = 0;
  if (text.starts_with(format_tag)) {
    text.remove_prefix(format_tag.size());
    std::from_chars(text.data(), text.data() + text.size(), version);
  }
  if (version < 1) {
    return fail(Errc::damaged_state, Operation::open,
                path.native() + " is not that of a weft state directory");
  }
  if (version > format_version) {
    return fail(Errc::newer_state, Operation::open,
                root_.native() + " has format " + std::to_string(version) + ", this weft knows " +
                    std::to_string(format_version) + "; use the weft that wrote it");
  }
  return {};
}

Result<void> StateDirectory::clear_incoming() {
  WEFT_TRY(const auto names, fs_->list(incoming()));
  for (const auto& name : names)
    WEFT_CHECK(delete_tree(*fs_, incoming() / name));
  return {};
}

ImagePaths StateDirectory::image(const ImageId& id) const {
  return ImagePaths(images() / to_hex(id));
}

Result<std::vector<ImageId>> StateDirectory::images_present() {
  WEFT_TRY(const auto names, fs_->list(images()));
  std::vector<ImageId> ids;
  for (const auto& name : names) {
    if (const auto id = parse_hex<ImageId>(name)) ids.push_back(*id);
  }
  return ids;
}

Result<ImagePaths> StateDirectory::make_incoming() {
  ImagePaths paths(incoming() / random_name());
  WEFT_CHECK(fs_->make_directory(paths.directory));
  return paths;
}

Result<void> StateDirectory::admit(const ImagePaths& from, const ImageId& id) {
  WEFT_CHECK(fs_->sync_directory(from.directory));
  WEFT_CHECK(fs_->rename(from.directory, image(id).directory));
  return fs_->sync_directory(images());
}

Result<void> StateDirectory::discard(const ImageId& id) {
  const auto away = incoming() / random_name();
  WEFT_CHECK(fs_->rename(image(id).directory, away));
  WEFT_CHECK(fs_->sync_directory(images()));
  return delete_tree(*fs_, away);
}

Result<std::vector<std::string>> StateDirectory::disks_present() {
  return fs_->list(disks());
}

Result<void> StateDirectory::admit_disk(const std::filesystem::path& from, std::string_view name) {
  WEFT_CHECK(fs_->sync_directory(from));
  WEFT_CHECK(fs_->rename(from, disk(name).directory));
  return fs_->sync_directory(disks());
}

Result<void> StateDirectory::discard_disk(std::string_view name) {
  const auto away = incoming() / random_name();
  WEFT_CHECK(fs_->rename(disk(name).directory, away));
  WEFT_CHECK(fs_->sync_directory(disks()));
  return delete_tree(*fs_, away);
}

Result<void> StateDirectory::delete_incoming(const ImagePaths& paths) {
  return delete_tree(*fs_, paths.directory);
}

}  // namespace weft
