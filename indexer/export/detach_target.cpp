// SPDX-License-Identifier: Apache-2.0
#include "indexer/export/detach_target.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace weft {

Result<void> check_target(const DetachOptions& options) {
  const auto& target = options.target;
  const auto bad = [&](const char* why) {
    return fail(Errc::bad_request, Operation::write, target.string() + ": " + why);
  };
  if (!target.is_absolute() || !target.has_filename()) return bad("not an absolute path to a file");
  std::error_code problem;
  const auto there = std::filesystem::symlink_status(target, problem);
  if (there.type() == std::filesystem::file_type::not_found) return {};
  if (problem) return fail_errno(problem.value(), Operation::write, target.string());
  if (there.type() != std::filesystem::file_type::regular) {
    return bad("something else than a regular file is there; name a file that is to be made");
  }
  if (options.replace) return {};
  return fail_errno(EEXIST, Operation::write,
                    target.string() + ": --force replaces the file that is there");
}

}  // namespace weft
