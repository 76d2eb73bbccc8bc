// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/file_io.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace weft::test {

/// Kinds of calls to a disk, as bits.
enum class DiskCall : unsigned {
  open = 1,
  read = 2,
  write = 4,
  sync = 8,
  truncate = 16,
  punch = 32,
  clone = 64,
  stat = 128,
  rename = 256,
  remove = 512,
  make_directory = 1024,
  sync_directory = 2048,
  any_change =
      write | truncate | punch | clone | rename | remove | make_directory | sync | sync_directory,
  any = 4095,
};

/// What shall go wrong: a value, so that a test can loop over a table of them.
struct Fault {
  DiskCall call = DiskCall::any;
  std::string path_contains = "";  ///< part of the path; "" = every path
  std::uint64_t nth = 1;   ///< the nth matching call fails, counted from 1 when it is added …
  bool and_after = false;  ///< … and every matching call after it
  int error = 5;           ///< errno: EIO. 0 = Errc::unsupported
  /// For writes: bytes that still reach the file before the error (a torn write).
  std::uint64_t torn_after = 0;
};

/// What a power cut leaves of what was not synced.
enum class Survival {
  nothing,     ///< all of it is lost
  everything,  ///< all of it happens to be on disk, as after a kill
  by_seed,     ///< each 4 KiB page, size and directory change at random
};

/// A real directory tree on a disk that fails as told. Wraps another file system (over a
/// `TempDirectory`), and remembers of every file what the pages changed since its last sync held
/// before, and of every directory the entries changed since its last sync. `power_cut` puts back
/// what does not survive.
///
/// Directory entries survive as a prefix of their changes, as on a journaling file system; a file
/// whose entry is lost is gone, synced or not. Descriptors handed out are real: what is written
/// through them or through maps counts as durable. Thread-safe.
class FaultyFileSystem final : public FileSystem {
 public:
  explicit FaultyFileSystem(FileSystem& real = posix_file_system());
  ~FaultyFileSystem() override;

  void add(Fault fault);
  void clear_faults();
  /// All writes together may put this many bytes to disk; the one that goes beyond is cut there and
  /// fails with ENOSPC, as does every later one.
  void set_space(ByteCount bytes);
  /// Matching calls so far: to place a fault at each of them in turn.
  [[nodiscard]] std::uint64_t calls(DiskCall kind = DiskCall::any) const;

  /// From now on every file that was open fails with EIO. Files opened afterwards are as a restart
  /// would find them.
  void power_cut(Survival survival, std::uint64_t seed = 0);

  Result<std::unique_ptr<File>> open(const std::filesystem::path& path, OpenMode mode) override;
  Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  Result<void> remove(const std::filesystem::path& path) override;
  Result<void> make_directory(const std::filesystem::path& path) override;
  Result<std::vector<std::string>> list(const std::filesystem::path& dir) override;
  Result<void> sync_directory(const std::filesystem::path& dir) override;
  Result<ByteCount> free_space(const std::filesystem::path& dir) override;

  struct State;

 private:
  std::shared_ptr<State> state_;  // shared with the open files
};

}  // namespace weft::test
