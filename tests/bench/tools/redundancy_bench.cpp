// SPDX-License-Identifier: Apache-2.0
// Bytes that a node with related images must be sent for an image it lacks: against the reference
// (zstd of the missing blocks and a digest for each), rsync, casync and a compressed copy.
#include "tests/bench/report.h"
#include "tests/bench/tools/matrix_check.h"
#include "tests/bench/tools/rivals.h"
#include "tests/bench/tools/transfer_case.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/tools/reference_transfer.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace weft::bench {
namespace {

using testing::ImageContent;

struct Options {
  std::string images;             ///< directory; empty: those of make-images
  std::vector<std::string> only;  ///< targets
  std::string scratch = "/var/tmp";
  std::string keep;          ///< directory for what the rivals need; empty: measured anew
  std::string casync_chunk;  ///< as casync takes it; empty: its default
  double mbit = 100;
  double rtt_ms = 20;
  bool quick = false;
  bool rivals = true;
  bool breakdown = false;
  bool json = false;
};

struct Image {
  NamedFile file;
  ImageContent content;
  std::optional<CasyncImage> casync{};
};

constexpr double megabyte = 1e6;
constexpr double small_reference = 10 * megabyte;

std::vector<NamedFile> files_in(const std::string& directory) {
  std::vector<NamedFile> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".raw")
      files.push_back({entry.path().stem(), std::filesystem::absolute(entry.path())});
  }
  std::ranges::sort(files, {}, &NamedFile::name);
  return files;
}

std::vector<NamedFile> made_images() {
  std::fprintf(stderr, "redundancy: building the images that are not there yet\n");
  const auto made = testing::run({std::string(WEFT_SOURCE_DIR) + "/tests/bench/make-images"},
                                 std::chrono::minutes(60));
  if (!made.status.ok()) throw std::runtime_error(made.err);
  std::vector<NamedFile> files;
  std::istringstream lines(made.out);
  for (std::string name, path; lines >> name >> path;)
    files.push_back({name, path});
  return files;
}

/// The image that shares most with `target`.
const Image& best_relative(const std::vector<Image>& images, const Image& target) {
  const Image* best = nullptr;
  std::size_t most = 0;
  for (const Image& image : images) {
    if (&image == &target) continue;
    const std::size_t shared = testing::shared_blocks(image.content, target.content);
    if (best == nullptr || shared > most) best = &image;
    most = std::max(most, shared);
  }
  return *best;
}

struct Case {
  std::string target;
  std::string local{};
  testing::ReferenceTransfer reference{};
  MeasuredTransfer measured{};
  std::optional<std::uint64_t> rsync{};
  std::optional<std::uint64_t> casync{};
  std::optional<std::uint64_t> copy{};
};

double mb(std::uint64_t bytes) {
  return static_cast<double>(bytes) / megabyte;
}
std::string cell(const std::optional<std::uint64_t>& bytes) {
  if (!bytes) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", mb(*bytes));
  return text;
}

class Bench {
 public:
  Bench(Options options, Report& report)
      : options_(std::move(options)),
        report_(report),
        scratch_(options_.scratch),
        rivals_(options_.keep, scratch_.path()) {}

  void run() {
    auto files = options_.images.empty() ? made_images() : files_in(options_.images);
    if (files.size() < 2) throw std::runtime_error("at least two images are needed");
    for (NamedFile& file : files) {
      note("reading " + file.name);
      images_.push_back({.file = file, .content = testing::content_of(file.file)});
    }
    testing::WeftNode source(scratch_ / "source");
    source.start();
    for (const Image& image : images_) {
      note("publishing " + image.file.name);
      publish(source, image.file);
    }
    compare_matrix(source);
    if (!options_.json) print_head();
    for (const Image& target : images_) {
      if (wanted(target)) run_target(source, target);
    }
  }

 private:
  [[nodiscard]] bool wanted(const Image& target) const {
    const std::string& name = target.file.name;
    if (!options_.only.empty()) return std::ranges::count(options_.only, name) > 0;
    return !options_.quick || name == "base-edited" || name == "web";
  }

  static void note(const std::string& what) {
    std::fprintf(stderr, "redundancy: %s\n", what.c_str());
  }

  void compare_matrix(const testing::WeftNode& source) {
    note("similarity matrix and clusters against the files");
    std::vector<NamedContent> images;
    for (const Image& image : images_)
      images.push_back({image.file.name, &image.content});
    const MatrixCheck check = check_matrix(source, images);
    report_.add("matrix_pairs", static_cast<double>(check.pairs), "");
    report_.add("matrix_pairs_wrong", static_cast<double>(check.wrong_pairs), "",
                Bound::at_most(0));
    report_.add("clusters", static_cast<double>(check.clusters), "");
    report_.add("clusters_wrong", static_cast<double>(check.wrong_clusters), "", Bound::at_most(0));
  }

  void run_target(const testing::WeftNode& source, const Image& target) {
    std::vector<const Image*> others;
    for (const Image& image : images_) {
      if (&image != &target) others.push_back(&image);
    }
    const Image& best = best_relative(images_, target);
    std::optional<std::uint64_t> rsync;
    std::optional<std::uint64_t> copy;
    if (options_.rivals) {
      note("rsync of " + target.file.name);
      rsync = rivals_.rsync_bytes(target.file.file, best.file.file);
      copy = testing::whole_copy(target.file.file);
    }
    for (const bool all : {false, true}) {
      Case result = measure(source, target, all ? others : std::vector<const Image*>{&best});
      result.local = all ? "all others" : best.file.name;
      result.rsync = rsync;
      result.copy = copy;
      show(result, target.file.name + (all ? "_all" : "_one"));
    }
  }

  Case measure(const testing::WeftNode& source, const Image& target,
               const std::vector<const Image*>& local) {
    Case result{.target = target.file.name};
    std::vector<const ImageContent*> contents;
    std::vector<NamedFile> files;
    for (const Image* image : local) {
      contents.push_back(&image->content);
      files.push_back(image->file);
    }
    note(target.file.name + " with " + std::to_string(local.size()) + " local");
    result.reference = testing::reference_transfer(target.content, contents);
    testing::RelayOptions link;
    link.round_trip = std::chrono::nanoseconds(static_cast<std::int64_t>(options_.rtt_ms * 1e6));
    link.bits_per_second = static_cast<std::uint64_t>(options_.mbit * 1e6);
    const test::TempDirectory place(scratch_.path());
    result.measured = measure_transfer(source, target.file, files, link, place.path());
    if (!options_.rivals) return result;
    result.casync = casync(target, local);
    return result;
  }

  std::uint64_t casync(const Image& target, const std::vector<const Image*>& local) {
    std::vector<const CasyncImage*> there;
    for (Image& image : images_) {
      const bool is_local = std::ranges::count(local, &image) > 0;
      if (!is_local && &image != &target) continue;
      if (!image.casync) {
        note("casync of " + image.file.name);
        image.casync = rivals_.casync_image(image.file.file, options_.casync_chunk);
      }
      if (is_local) there.push_back(&*image.casync);
    }
    return casync_bytes(*target.casync, there);
  }

  static void print_head() {
    std::printf("MB over the link, both directions\n%-15s %-15s %9s %9s %6s %8s %8s %8s %6s\n",
                "image", "local", "reference", "weft", "ratio", "rsync", "casync", "zstd -3", "s");
  }

  void show(const Case& c, const std::string& name) {
    const auto reference = static_cast<double>(c.reference.bytes());
    const auto bytes = static_cast<double>(c.measured.bytes);
    report_.add(name + "_mb", bytes / megabyte, "MB");
    report_.add(name + "_reference_mb", reference / megabyte, "MB");
    if (reference > small_reference) {
      report_.add(name + "_of_reference", bytes / reference, "x", Bound::at_most(1.05));
    } else {
      report_.add(name + "_over_reference", (bytes - reference) / megabyte, "MB",
                  Bound::at_most(0.5));
    }
    if (c.rsync) {
      report_.add(name + "_of_rsync", bytes / static_cast<double>(*c.rsync), "x",
                  Bound::at_most(0.4));
      report_.add(name + "_of_casync", bytes / static_cast<double>(*c.casync), "x",
                  Bound::at_most(0.7));
      report_.add(name + "_of_copy", bytes / static_cast<double>(*c.copy), "x");
    }
    if (options_.json) return;
    std::printf("%-15s %-15s %9.2f %9.2f %6.3f %8s %8s %8s %6.1f\n", c.target.c_str(),
                c.local.c_str(), reference / megabyte, bytes / megabyte, bytes / reference,
                cell(c.rsync).c_str(), cell(c.casync).c_str(), cell(c.copy).c_str(),
                c.measured.seconds);
    if (options_.breakdown) print_breakdown(c);
    std::fflush(stdout);
  }

  static void print_breakdown(const Case& c) {
    const auto& blocks = c.measured.blocks;
    std::printf("    blocks: %llu of %llu needed, packed %.3f MB of %.3f MB, %.1f in a frame\n",
                static_cast<unsigned long long>(blocks.blocks),
                static_cast<unsigned long long>(c.reference.blocks), mb(blocks.packed),
                mb(c.reference.packed),
                static_cast<double>(blocks.blocks) /
                    static_cast<double>(std::max<std::uint64_t>(blocks.frames, 1)));
    std::printf("    digests: %.3f MB\n",
                mb(c.reference.blocks * testing::ReferenceTransfer::bytes_per_block));
    for (const auto& [name, line] : c.measured.lines)
      std::printf("    %-40s %7llu frames %10.3f MB\n", name.c_str(),
                  static_cast<unsigned long long>(line.frames), mb(line.bytes));
  }

  Options options_;
  Report& report_;
  test::TempDirectory scratch_;
  Rivals rivals_;
  std::vector<Image> images_;
};

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  using namespace weft::bench;
  Options options;
  bool no_rivals = false;
  CLI::App app{"bytes over the link for an image whose relatives are local", "redundancy"};
  app.add_option("--images", options.images,
                 "directory of .raw images (default: those of tests/bench/make-images)");
  app.add_option("--only", options.only, "image to be the target; may be repeated")
      ->allow_extra_args(false);
  app.add_option("--scratch", options.scratch, "directory for what is written meanwhile");
  app.add_option("--keep", options.keep,
                 "directory that keeps what the rivals need from run to run");
  app.add_option("--casync-chunk", options.casync_chunk, "--chunk-size for casync");
  app.add_option("--rate", options.mbit, "Mbit/s of the link; 0 = not limited");
  app.add_option("--rtt", options.rtt_ms, "round trip of the link in ms");
  app.add_flag("--quick", options.quick, "two targets only: base-edited and web");
  app.add_flag("--no-rivals", no_rivals, "without rsync, casync and the copy");
  app.add_flag("--breakdown", options.breakdown, "where the bytes go, by message");
  app.add_flag("--json", options.json, "one line for each figure");
  CLI11_PARSE(app, argc, argv);
  options.rivals = !no_rivals;
  Report report("redundancy", argc, argv);
  try {
    Bench(options, report).run();
  } catch (const std::exception& trouble) {
    report.failed(trouble.what());
  }
  return report.finish();
}
