// SPDX-License-Identifier: Apache-2.0
#include "tests/support/indexer/qemu_image.h"

#include "tests/support/fs/subprocess.h"
#include "tests/support/indexer/raw_image.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace weft::test {
namespace {

constexpr auto patience = std::chrono::seconds(60);
constexpr std::uint64_t run_length = 300'000;

weft::testing::Finished run_tool(std::string tool, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), std::move(tool));
  return weft::testing::run(std::move(arguments), patience);
}

void must_run(std::string tool, std::vector<std::string> arguments) {
  const auto finished = run_tool(std::move(tool), std::move(arguments));
  if (!finished.status.ok()) throw std::runtime_error(finished.out + finished.err);
}

}  // namespace

void qemu_img(std::vector<std::string> arguments) {
  must_run("qemu-img", std::move(arguments));
}

void qemu_io(const std::filesystem::path& image, const std::vector<std::string>& commands) {
  std::vector<std::string> arguments;
  for (const std::string& command : commands)
    arguments.insert(arguments.end(), {"-c", command});
  arguments.push_back(image.string());
  must_run("qemu-io", std::move(arguments));
}

std::vector<std::byte> as_qemu_reads(const std::filesystem::path& image,
                                     const std::string& format) {
  const std::filesystem::path raw = image.string() + ".converted";
  std::vector<std::string> arguments{"convert", "-O", "raw"};
  if (!format.empty()) arguments.insert(arguments.end(), {"-f", format});
  arguments.insert(arguments.end(), {image.string(), raw.string()});
  const auto finished = run_tool("qemu-img", std::move(arguments));
  if (!finished.status.ok()) return {};
  std::vector<std::byte> bytes = read_file(raw);
  std::filesystem::remove(raw);
  return bytes;
}

Result<std::vector<std::byte>> content_of(BlockSource& source) {
  std::vector<std::byte> bytes(source.size().value());
  for (ByteOffset at;;) {
    WEFT_TRY(const auto extent, source.next_data(at));
    if (!extent) return bytes;
    const std::uint64_t end =
        std::min((extent->offset + extent->length).value(), std::uint64_t{bytes.size()});
    for (std::uint64_t from = extent->offset.value(); from < end; from += run_length) {
      const std::uint64_t length = std::min(run_length, end - from);
      WEFT_CHECK(source.read(ByteOffset(from), std::span(bytes).subspan(from, length)));
    }
    at = extent->offset + extent->length;
  }
}

Result<std::vector<std::byte>> as_weft_reads(const std::filesystem::path& image,
                                             const SourceOptions& options) {
  WEFT_TRY(const OpenedSource opened, open_source(posix_file_system(), image, options));
  WEFT_TRY(auto bytes, content_of(*opened.source));
  WEFT_CHECK(opened.source->check_unchanged());
  return bytes;
}

std::filesystem::path make_raw(const std::filesystem::path& directory, ByteCount size,
                               std::uint64_t seed) {
  const auto path = directory / ("content" + std::to_string(seed) + ".raw");
  std::vector<std::byte> bytes(size.value());
  for (std::uint64_t at = 0; at < bytes.size(); at += 3 * run_length) {
    const std::uint64_t length = std::min<std::uint64_t>(run_length, bytes.size() - at);
    fill_random(std::span(bytes).subspan(at, length), seed + at);
  }
  fill_random(std::span(bytes).last(std::min<std::size_t>(bytes.size(), 700)), seed);
  write_file(path, bytes);
  return path;
}

}  // namespace weft::test
