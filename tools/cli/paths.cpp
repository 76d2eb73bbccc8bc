// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/paths.h"

#include <filesystem>
#include <system_error>

namespace weft::tools {

Result<std::string> absolute_path(const std::string& path, Operation operation) {
  std::error_code problem;
  const auto full = std::filesystem::absolute(path, problem);
  if (problem) return fail_errno(problem.value(), operation, path);
  return full.lexically_normal().string();
}

Result<std::string> mount_target(const std::string& path, Operation operation) {
  WEFT_TRY(auto target, absolute_path(path, operation));
  if (target.size() > 1 && target.ends_with('/')) target.pop_back();
  return target;
}

}  // namespace weft::tools
