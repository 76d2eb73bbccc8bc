// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_table.h"

#include "indexer/core/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

namespace weft::fs {
namespace {

/// Larger than the table of any machine that works (100 000 mounts are the kernel's default limit).
constexpr std::size_t max_table_bytes = std::size_t{64} << 20;

std::string_view take_field(std::string_view& rest) {
  const std::size_t end = rest.find(' ');
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return field;
}

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

/// The kernel writes space, tab, newline, backslash and '#' as \ooo.
std::string unescape(std::string_view field) {
  std::string out;
  out.reserve(field.size());
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] == '\\' && i + 3 < field.size() && is_octal(field[i + 1]) &&
        is_octal(field[i + 2]) && is_octal(field[i + 3])) {
      out += static_cast<char>((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 +
                               (field[i + 3] - '0'));
      i += 3;
    } else {
      out += field[i];
    }
  }
  return out;
}

template <class T>
bool parse_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

bool parse_device(std::string_view text, DeviceId& out) {
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && parse_number(text.substr(0, colon), out.major) &&
         parse_number(text.substr(colon + 1), out.minor);
}

std::optional<MountEntry> parse_line(std::string_view line) {
  MountEntry entry;
  if (!parse_number(take_field(line), entry.id) || !parse_number(take_field(line), entry.parent) ||
      !parse_device(take_field(line), entry.device)) {
    return std::nullopt;
  }
  entry.root = unescape(take_field(line));
  entry.point = unescape(take_field(line));
  entry.options = take_field(line);
  // Optional fields such as "shared:1", ended by a lone dash.
  for (;;) {
    if (line.empty()) return std::nullopt;
    if (take_field(line) == "-") break;
  }
  entry.type = unescape(take_field(line));
  entry.source = unescape(take_field(line));
  if (entry.type.empty() || !entry.point.starts_with('/')) return std::nullopt;
  return entry;
}

}  // namespace

std::string DeviceId::to_string() const {
  return std::to_string(major) + ":" + std::to_string(minor);
}

bool MountEntry::may_hang() const {
  static constexpr std::array<std::string_view, 8> remote{"nfs",  "nfs4", "cifs", "smb3",
                                                          "ceph", "9p",   "afs",  "autofs"};
  return type == "fuse" || type == "fuseblk" || type.starts_with("fuse.") ||
         std::ranges::find(remote, type) != remote.end();
}

bool is_within(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

Result<MountTable> MountTable::parse(std::string_view text) {
  MountTable table;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    auto entry = parse_line(line);
    if (!entry) {
      return fail(Errc::bad_request, Operation::decode,
                  "mount table, line " + std::to_string(number));
    }
    table.entries_.push_back(std::move(*entry));
  }
  return table;
}

Result<MountTable> MountTable::read() {
  static constexpr const char* path = "/proc/self/mountinfo";
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno(errno, Operation::open, path);
  std::string text;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(errno, Operation::read, path);
    if (n == 0) return parse(text);
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > max_table_bytes) return fail_errno(EFBIG, Operation::read, path);
  }
}

const MountEntry* MountTable::holding(std::string_view path) const {
  const auto known = [&](std::uint64_t id, const MountEntry& self) {
    return id != self.id && std::ranges::find(entries_, id, &MountEntry::id) != entries_.end();
  };
  const MountEntry* current = nullptr;
  // Each step crosses the next mount point on the way; the bound ends cycles, which only a
  // damaged table has.
  for (std::size_t step = 0; step <= entries_.size(); ++step) {
    const MountEntry* next = nullptr;
    for (const MountEntry& entry : entries_) {
      if (!is_within(path, entry.point) || &entry == current) continue;
      const bool below =
          current != nullptr ? entry.parent == current->id : !known(entry.parent, entry);
      if (!below || (current != nullptr && !is_within(entry.point, current->point))) continue;
      if (next == nullptr || entry.point.size() <= next->point.size()) next = &entry;
    }
    if (next == nullptr) break;
    current = next;
  }
  return current;
}

const MountEntry* MountTable::at(std::string_view point) const {
  const MountEntry* entry = holding(point);
  return entry != nullptr && entry->point == point ? entry : nullptr;
}

std::vector<const MountEntry*> MountTable::of_device(DeviceId device) const {
  std::vector<const MountEntry*> found;
  for (const MountEntry& entry : entries_) {
    if (entry.device == device) found.push_back(&entry);
  }
  return found;
}

}  // namespace weft::fs
