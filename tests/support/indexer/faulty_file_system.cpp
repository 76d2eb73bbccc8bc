// SPDX-License-Identifier: Apache-2.0
#include "tests/support/indexer/faulty_file_system.h"

#include "indexer/core/mutex.h"
#include "tests/support/indexer/unsynced.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace weft::test {
namespace {

bool matches(DiskCall kinds, DiskCall kind) {
  return (static_cast<unsigned>(kinds) & static_cast<unsigned>(kind)) != 0;
}

Operation operation_of(DiskCall kind) {
  switch (kind) {
    case DiskCall::open:
    case DiskCall::make_directory:
      return Operation::open;
    case DiskCall::read:
      return Operation::read;
    case DiskCall::sync:
    case DiskCall::sync_directory:
      return Operation::sync;
    case DiskCall::punch:
      return Operation::punch;
    case DiskCall::stat:
      return Operation::stat;
    case DiskCall::rename:
      return Operation::rename;
    case DiskCall::remove:
      return Operation::remove;
    default:
      return Operation::write;
  }
}

struct ActiveFault {
  Fault fault;
  std::uint64_t seen = 0;
};

}  // namespace

using FileKey = std::pair<std::uint64_t, std::uint64_t>;  // device, inode

struct FaultyFileSystem::State {
  explicit State(FileSystem& r) : real(r) {}

  // The fault that meets this call, if one does.
  std::optional<Fault> meet(DiskCall kind, const std::string& path) WEFT_REQUIRES(mutex) {
    ++counts[static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(kind)))];
    std::optional<Fault> met;
    for (ActiveFault& active : faults) {
      const Fault& fault = active.fault;
      if (!matches(fault.call, kind) || !path.contains(fault.path_contains)) continue;
      ++active.seen;
      if (active.seen == fault.nth || (fault.and_after && active.seen > fault.nth)) met = fault;
    }
    return met;
  }

  static std::unexpected<Error> error_of(const Fault& fault, DiskCall kind,
                                         const std::string& path) {
    if (fault.error == 0) return fail(Errc::unsupported, operation_of(kind), path);
    return fail_errno(fault.error, operation_of(kind), path + " (injected)");
  }

  Result<void> admit(DiskCall kind, const std::string& path) WEFT_REQUIRES(mutex) {
    if (const auto fault = meet(kind, path)) return error_of(*fault, kind, path);
    return {};
  }

  FileSystem& real;

  mutable Mutex mutex;
  std::vector<ActiveFault> faults WEFT_GUARDED_BY(mutex);
  std::array<std::uint64_t, 12> counts WEFT_GUARDED_BY(mutex){};
  std::optional<std::uint64_t> space WEFT_GUARDED_BY(mutex);
  std::uint64_t boots WEFT_GUARDED_BY(mutex) = 0;  // power cuts so far
  std::map<FileKey, std::shared_ptr<UnsyncedPages>> pages WEFT_GUARDED_BY(mutex);
  UnsyncedEntries entries WEFT_GUARDED_BY(mutex);
};

namespace {

using State = FaultyFileSystem::State;

class FaultyFile final : public File {
 public:
  FaultyFile(std::shared_ptr<State> state, std::unique_ptr<File> real, std::string path,
             std::shared_ptr<UnsyncedPages> pages, std::uint64_t boot)
      : state_(std::move(state)),
        real_(std::move(real)),
        path_(std::move(path)),
        pages_(std::move(pages)),
        boot_(boot) {}

  Result<std::size_t> read_at(ByteOffset offset, std::span<std::byte> out) override {
    {
      Lock lock(state_->mutex);
      WEFT_CHECK(admit(DiskCall::read));
    }
    return real_->read_at(offset, out);
  }

  Result<void> write_at(ByteOffset offset, std::span<const std::byte> bytes) override {
    Lock lock(state_->mutex);
    WEFT_CHECK(powered(DiskCall::write));
    std::size_t allowed = bytes.size();
    Result<void> outcome;
    if (const auto fault = state_->meet(DiskCall::write, path_)) {
      allowed = std::min<std::size_t>(allowed, fault->torn_after);
      outcome = State::error_of(*fault, DiskCall::write, path_);
    }
    if (state_->space && *state_->space < allowed) {
      allowed = *state_->space;
      outcome = fail_errno(ENOSPC, Operation::write, path_);
    }
    if (allowed > 0) {
      change(Extent{offset, ByteCount(allowed)});
      WEFT_CHECK(real_->write_at(offset, bytes.first(allowed)));
    }
    if (state_->space) *state_->space -= allowed;
    return outcome;
  }

  Result<void> sync() override {
    Lock lock(state_->mutex);
    WEFT_CHECK(admit(DiskCall::sync));
    if (pages_) pages_->synced();
    return {};
  }

  Result<void> truncate(ByteCount size) override {
    Lock lock(state_->mutex);
    WEFT_CHECK(admit(DiskCall::truncate));
    WEFT_TRY(const FileStat now, real_->stat());
    if (pages_) pages_->before_resize();
    if (now.size > size) change(Extent{ByteOffset(size.value()), now.size - size});
    return real_->truncate(size);
  }

  Result<void> punch(Extent extent) override {
    Lock lock(state_->mutex);
    WEFT_CHECK(admit(DiskCall::punch));
    change(extent);
    return real_->punch(extent);
  }

  Result<FileStat> stat() override {
    Lock lock(state_->mutex);
    WEFT_CHECK(admit(DiskCall::stat));
    return real_->stat();
  }

  Result<std::optional<Extent>> next_data(ByteOffset from) override {
    {
      Lock lock(state_->mutex);
      WEFT_CHECK(admit(DiskCall::read));
    }
    return real_->next_data(from);
  }

  Result<void> clone_from(File& source, Extent extent) override {
    Lock lock(state_->mutex);
    WEFT_CHECK(admit(DiskCall::clone));
    change(extent);
    return real_->clone_from(source, extent);
  }

  int descriptor() const noexcept override { return real_->descriptor(); }

 private:
  Result<void> powered(DiskCall kind) WEFT_REQUIRES(state_->mutex) {
    if (state_->boots == boot_) return {};
    return fail_errno(EIO, operation_of(kind), path_ + " (opened before the power cut)");
  }
  Result<void> admit(DiskCall kind) WEFT_REQUIRES(state_->mutex) {
    WEFT_CHECK(powered(kind));
    return state_->admit(kind, path_);
  }
  void change(Extent extent) {
    if (pages_) pages_->before_change(extent);
  }

  const std::shared_ptr<State> state_;
  const std::unique_ptr<File> real_;
  const std::string path_;
  const std::shared_ptr<UnsyncedPages> pages_;  // none for files opened for reading
  const std::uint64_t boot_;
};

}  // namespace

FaultyFileSystem::FaultyFileSystem(FileSystem& real) : state_(std::make_shared<State>(real)) {}
FaultyFileSystem::~FaultyFileSystem() = default;

void FaultyFileSystem::add(Fault fault) {
  Lock lock(state_->mutex);
  state_->faults.push_back({std::move(fault)});
}

void FaultyFileSystem::clear_faults() {
  Lock lock(state_->mutex);
  state_->faults.clear();
  state_->space.reset();
}

void FaultyFileSystem::set_space(ByteCount bytes) {
  Lock lock(state_->mutex);
  state_->space = bytes.value();
}

std::uint64_t FaultyFileSystem::calls(DiskCall kind) const {
  Lock lock(state_->mutex);
  std::uint64_t sum = 0;
  for (std::size_t bit = 0; bit < state_->counts.size(); ++bit) {
    if (matches(kind, static_cast<DiskCall>(1u << bit))) sum += state_->counts[bit];
  }
  return sum;
}

void FaultyFileSystem::power_cut(Survival survival, std::uint64_t seed) {
  Lock lock(state_->mutex);
  std::mt19937_64 random(seed);
  const Survives survives = [&] {
    if (survival == Survival::by_seed) return (random() & 1) != 0;
    return survival == Survival::everything;
  };
  ++state_->boots;
  for (auto& [key, pages] : state_->pages)
    pages->cut(survives);
  state_->pages.clear();
  state_->entries.cut(survives);
  state_->faults.clear();
  state_->space.reset();
}

Result<std::unique_ptr<File>> FaultyFileSystem::open(const std::filesystem::path& path,
                                                     OpenMode mode) {
  Lock lock(state_->mutex);
  WEFT_CHECK(state_->admit(DiskCall::open, path.string()));
  const bool existed = std::filesystem::exists(path);
  WEFT_TRY(auto file, state_->real.open(path, mode));
  if (!existed) state_->entries.created(path);
  std::shared_ptr<UnsyncedPages> pages;
  if (mode != OpenMode::read) {
    WEFT_TRY(const FileStat stat, file->stat());
    auto& known = state_->pages[FileKey{stat.device, stat.inode}];
    if (!known) {
      WEFT_TRY(auto own, state_->real.open(path, OpenMode::read_write));
      known = std::make_shared<UnsyncedPages>(std::move(own));
    }
    pages = known;
  }
  return std::make_unique<FaultyFile>(state_, std::move(file), path.string(), std::move(pages),
                                      state_->boots);
}

Result<void> FaultyFileSystem::rename(const std::filesystem::path& from,
                                      const std::filesystem::path& to) {
  Lock lock(state_->mutex);
  WEFT_CHECK(state_->admit(DiskCall::rename, from.string()));
  state_->entries.before_rename(from, to);
  return state_->real.rename(from, to);
}

Result<void> FaultyFileSystem::remove(const std::filesystem::path& path) {
  Lock lock(state_->mutex);
  WEFT_CHECK(state_->admit(DiskCall::remove, path.string()));
  if (std::filesystem::exists(path)) state_->entries.before_remove(path);
  return state_->real.remove(path);
}

Result<void> FaultyFileSystem::make_directory(const std::filesystem::path& path) {
  Lock lock(state_->mutex);
  WEFT_CHECK(state_->admit(DiskCall::make_directory, path.string()));
  if (!std::filesystem::exists(path)) state_->entries.created_directory(path);
  return state_->real.make_directory(path);
}

Result<std::vector<std::string>> FaultyFileSystem::list(const std::filesystem::path& dir) {
  return state_->real.list(dir);
}

Result<void> FaultyFileSystem::sync_directory(const std::filesystem::path& dir) {
  Lock lock(state_->mutex);
  WEFT_CHECK(state_->admit(DiskCall::sync_directory, dir.string()));
  state_->entries.synced(dir);
  return {};
}

Result<ByteCount> FaultyFileSystem::free_space(const std::filesystem::path& dir) {
  Lock lock(state_->mutex);
  if (state_->space) return ByteCount(*state_->space);
  return state_->real.free_space(dir);
}

}  // namespace weft::test
