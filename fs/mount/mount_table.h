// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The mount table of this process (/proc/self/mountinfo), read without touching any mount: unlike
/// stat(2), that cannot hang on a mount nobody serves.
namespace weft::fs {

/// File system type of weft mounts, in mountinfo and for mount(8).
inline constexpr std::string_view mount_type = "fuse.weft";

/// Device number of a mounted file system.
struct DeviceId {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  friend auto operator<=>(const DeviceId&, const DeviceId&) = default;
  [[nodiscard]] std::string to_string() const;  ///< "0:52", as in mountinfo and /sys/class/bdi
};

struct MountEntry {
  std::uint64_t id = 0;
  std::uint64_t parent = 0;
  DeviceId device;
  std::string root;   ///< path inside the mounted file system
  std::string point;  ///< absolute path it is mounted on
  std::string options;
  std::string type;
  std::string source;

  [[nodiscard]] bool is_weft() const { return type == mount_type; }
  /// Served by a process or a network that may be gone: touching it may block for ever.
  [[nodiscard]] bool may_hang() const;
};

/// Immutable snapshot. `at` and `holding` follow the parent links as a path walk does, so a mount
/// that is covered by another, on the same point or above it, is not seen.
class MountTable {
 public:
  /// Reads /proc/self/mountinfo.
  [[nodiscard]] static Result<MountTable> read();
  /// Parses text in the format of proc(5), octal escapes included. Errc::bad_request names the line
  /// that is malformed. Pure.
  [[nodiscard]] static Result<MountTable> parse(std::string_view text);

  [[nodiscard]] const std::vector<MountEntry>& entries() const { return entries_; }
  /// The mount one sees at exactly `point`; null if it is not a mount point.
  [[nodiscard]] const MountEntry* at(std::string_view point) const;
  /// The mount that the absolute, normal path `path` leads to, whether it exists or not. Null only
  /// if the table is empty or does not show the root of this process.
  [[nodiscard]] const MountEntry* holding(std::string_view path) const;
  [[nodiscard]] std::vector<const MountEntry*> of_device(DeviceId device) const;

 private:
  std::vector<MountEntry> entries_;
};

/// True if `path` is `directory` or lies below it; both absolute and normal.
[[nodiscard]] bool is_within(std::string_view path, std::string_view directory);

}  // namespace weft::fs
