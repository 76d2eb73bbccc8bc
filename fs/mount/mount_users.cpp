// SPDX-License-Identifier: Apache-2.0
#include "fs/mount/mount_users.h"

#include <climits>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <memory>
#include <string_view>

#include <dirent.h>
#include <unistd.h>

namespace weft::fs {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

/// The target of a link in /proc as text: unlike stat, that asks no file system anything.
std::string link_target(const std::string& path) {
  std::array<char, PATH_MAX> buffer;
  const ssize_t n = ::readlink(path.c_str(), buffer.data(), buffer.size());
  return n > 0 ? std::string(buffer.data(), static_cast<std::size_t>(n)) : std::string();
}

bool has_link_into(const std::string& process, const std::string& point) {
  for (const char* name : {"/cwd", "/root"}) {
    if (is_within(link_target(process + name), point)) return true;
  }
  const std::string table = process + "/fd";
  const Directory directory(::opendir(table.c_str()));
  if (!directory) return false;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (is_within(link_target(table + "/" + entry->d_name), point)) return true;
  }
  return false;
}

bool maps_file_of(const std::string& process, const MountEntry& mount) {
  std::array<char, 32> device;
  // maps prints device numbers in hexadecimal: "7f..-7f.. r--s 00000000 00:34 2   /mnt/a.raw".
  std::snprintf(device.data(), device.size(), " %02x:%02x ", mount.device.major,
                mount.device.minor);
  std::ifstream maps(process + "/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.contains(device.data())) return true;
  }
  return false;
}

std::string command_of(const std::string& process) {
  std::ifstream file(process + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::vector<MountUser> users_of(const MountEntry& entry, std::size_t limit, Duration deadline) {
  std::vector<MountUser> users;
  const TimePoint end = steady_clock().now() + deadline;
  const Directory directory(::opendir("/proc"));
  if (!directory) return users;
  while (const dirent* process = ::readdir(directory.get())) {
    if (!is_number(process->d_name)) continue;
    if (users.size() >= limit || steady_clock().now() > end) break;
    const std::string path = std::string("/proc/") + process->d_name;
    if (has_link_into(path, entry.point) || maps_file_of(path, entry)) {
      users.push_back({static_cast<pid_t>(std::stol(process->d_name)), command_of(path)});
    }
  }
  return users;
}

std::string describe(const std::vector<MountUser>& users) {
  std::string text = "in use";
  for (std::size_t i = 0; i < users.size(); ++i) {
    text += i == 0 ? " by " : ", ";
    text += users[i].command + " (pid " + std::to_string(users[i].pid) + ")";
  }
  return text;
}

void add_users(Error& busy, const MountEntry& entry) {
  busy.detail += ": " + describe(users_of(entry)) +
                 "; stop what uses it, or unmount with --force, which gives it I/O errors";
}

void name_users(Error& busy, DeviceId device) {
  const auto table = MountTable::read();
  if (!table) return;
  if (const auto entries = table->of_device(device); !entries.empty()) {
    add_users(busy, *entries.front());
  }
}

}  // namespace weft::fs
