// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/allowed_files.h"

#include <algorithm>
#include <string_view>
#include <system_error>

namespace weft {
namespace {

namespace stdfs = std::filesystem;

// As QEMU decides it: a colon before any slash.
bool has_protocol(std::string_view name) {
  const std::size_t at = name.find_first_of(":/");
  return at != std::string_view::npos && name[at] == ':';
}

bool is_in_or_below(const stdfs::path& file, const stdfs::path& directory) {
  const auto [rest, unused] =
      std::mismatch(directory.begin(), directory.end(), file.begin(), file.end());
  return rest == directory.end();
}

// Where the open file is now; empty where that cannot be asked.
stdfs::path place_of(const File& file) {
  std::error_code problem;
  if (file.descriptor() < 0) return {};
  return stdfs::read_symlink("/proc/self/fd/" + std::to_string(file.descriptor()), problem);
}

std::unexpected<Error> outside(const SourceFile& by, const std::string& name,
                               const stdfs::path& place) {
  return fail(Errc::outside_file, Operation::import,
              by.path.string() + " names " + name +
                  ", which is outside its directory: if it may "
                  "be read, add --allow-backing " +
                  place.parent_path().string());
}

}  // namespace

AllowedFiles::AllowedFiles(FileSystem& fs, const stdfs::path& image,
                           const std::vector<stdfs::path>& allowed)
    : fs_(fs), own_(image.parent_path()) {
  for (const stdfs::path& directory : allowed) {
    std::error_code problem;
    stdfs::path real = stdfs::canonical(directory, problem);
    if (!problem) below_.push_back(std::move(real));
  }
}

bool AllowedFiles::allows(const stdfs::path& file) const {
  return file.parent_path() == own_ ||
         std::ranges::any_of(below_, [&](const stdfs::path& d) { return is_in_or_below(file, d); });
}

Result<SourceFile> AllowedFiles::open(const SourceFile& by, const std::string& name) const {
  if (has_protocol(name)) {
    return fail(Errc::outside_file, Operation::import,
                by.path.string() + " names \"" + name +
                    "\", which is not a plain file name: such names are not followed; copy what "
                    "it stands for to a file and name that with `qemu-img rebase -u`");
  }
  std::error_code problem;
  const stdfs::path named = by.path.parent_path() / name;
  const stdfs::path real = stdfs::canonical(named, problem);
  if (problem) {
    // Whether a file exists elsewhere is nobody's business either.
    const stdfs::path place = named.lexically_normal();
    if (!allows(place)) return outside(by, name, place);
    return fail(Errc::bad_image, Operation::import,
                by.path.string() + " needs " + place.string() + ": " + problem.message() +
                    ": put it there and import again");
  }
  if (!allows(real)) return outside(by, name, real);
  WEFT_TRY(SourceFile file, open_source_file(fs_, real));
  const stdfs::path opened = place_of(*file.file);
  if (!opened.empty() && !allows(opened)) return outside(by, name, opened);
  return file;
}

}  // namespace weft
