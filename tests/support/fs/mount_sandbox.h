// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace weft::testing {

/// Why real mounts cannot be tested here (not root, no /dev/fuse); empty if they can.
[[nodiscard]] std::string why_no_fuse();

/// A unique directory under /tmp for one test. The destructor aborts and detaches every mount in
/// it, so that a test that fails leaves none behind, and removes it.
class MountSandbox {
 public:
  MountSandbox();
  ~MountSandbox();
  MountSandbox(const MountSandbox&) = delete;
  MountSandbox& operator=(const MountSandbox&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::string directory(std::string_view name) const;  ///< makes it; its path
  std::string file(std::string_view name, std::string_view content = "") const;

 private:
  std::filesystem::path path_;
};

}  // namespace weft::testing
