// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/tools/rivals.h"

#include "tests/support/fs/subprocess.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/tools/running_relay.h"
#include "tests/support/tools/weft_node.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <signal.h>

namespace weft::bench {
namespace {

using namespace std::chrono_literals;

void must(std::vector<std::string> command) {
  const std::string program = command.front();
  const auto done = testing::run(std::move(command), 20min);
  if (done.status.ok()) return;
  throw std::runtime_error(program + " failed with " + std::to_string(done.status.code) + ": " +
                           done.err);
}

/// An rsync daemon that serves one directory on a port of its own.
class RsyncDaemon {
 public:
  RsyncDaemon(const std::filesystem::path& served, const std::filesystem::path& scratch)
      : port_(testing::free_port()), daemon_(command(served, scratch, port_)) {}
  ~RsyncDaemon() {
    daemon_.signal(SIGTERM);
    static_cast<void>(daemon_.wait(5s));
  }
  RsyncDaemon(const RsyncDaemon&) = delete;
  RsyncDaemon& operator=(const RsyncDaemon&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  static std::vector<std::string> command(const std::filesystem::path& served,
                                          const std::filesystem::path& scratch,
                                          std::uint16_t port) {
    const auto config = scratch / "rsyncd.conf";
    std::ofstream(config) << "use chroot = no\nuid = 0\ngid = 0\n[images]\npath = "
                          << served.string() << "\nread only = yes\n";
    return {"rsync",
            "--daemon",
            "--no-detach",
            "--address=127.0.0.1",
            "--port=" + std::to_string(port),
            "--config=" + config.string()};
  }

  std::uint16_t port_;
  testing::Subprocess daemon_;
};

std::uint64_t run_rsync(const std::filesystem::path& file, const std::filesystem::path& basis,
                        const std::filesystem::path& place) {
  const auto destination = place / file.filename();
  must({"cp", "--sparse=always", "--reflink=auto", basis, destination});
  const RsyncDaemon daemon(file.parent_path(), place);
  testing::RunningRelay relay({.listen = "127.0.0.1:0", .target = daemon.address()});
  const std::string source = "rsync://" + relay.address() + "/images/" + file.filename().string();
  testing::Finished done;
  for (int attempt = 0; attempt < 50; ++attempt) {
    done = testing::run(
        {"rsync", "-z", "--no-whole-file", "--ignore-times", "--sparse", source, destination},
        30min);
    if (done.status.code != 10 && done.status.code != 12) break;  // the daemon does not listen yet
    std::this_thread::sleep_for(100ms);
  }
  if (!done.status.ok()) throw std::runtime_error("rsync failed: " + done.err);
  const auto counts = relay.counts();
  must({"cmp", file, destination});
  return counts.to_client + counts.to_target;
}

CasyncImage run_casync(const std::filesystem::path& file, const std::string& chunk_size,
                       const std::filesystem::path& place) {
  const auto store = place / "store.castr";
  const auto index = place / "image.caibx";
  std::vector<std::string> command{"casync", "make", "--store=" + store.string()};
  if (!chunk_size.empty()) command.push_back("--chunk-size=" + chunk_size);
  command.insert(command.end(), {index, file});
  must(std::move(command));
  CasyncImage image;
  image.index_bytes = std::filesystem::file_size(index);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store)) {
    if (entry.is_regular_file()) image.chunks[entry.path().filename()] = entry.file_size();
  }
  return image;
}

/// Tells a file from what it was before: name, size, time of the last change.
std::string mark(const std::filesystem::path& file) {
  return file.filename().string() + "-" + std::to_string(std::filesystem::file_size(file)) + "-" +
         std::to_string(std::filesystem::last_write_time(file).time_since_epoch().count());
}

void write_chunks(const std::filesystem::path& path, const CasyncImage& image) {
  std::ofstream out(path);
  out << "index " << image.index_bytes << "\n";
  for (const auto& [name, size] : image.chunks)
    out << name << " " << size << "\n";
}

std::optional<CasyncImage> read_chunks(const std::filesystem::path& path) {
  std::ifstream in(path);
  CasyncImage image;
  std::string name;
  if (!(in >> name >> image.index_bytes)) return std::nullopt;
  for (std::uint64_t size = 0; in >> name >> size;)
    image.chunks[name] = size;
  return image;
}

}  // namespace

std::uint64_t casync_bytes(const CasyncImage& image, std::span<const CasyncImage* const> local) {
  std::uint64_t bytes = image.index_bytes;
  for (const auto& [name, size] : image.chunks) {
    const auto has = [&](const CasyncImage* other) { return other->chunks.contains(name); };
    if (std::ranges::none_of(local, has)) bytes += size;
  }
  return bytes;
}

Rivals::Rivals(std::filesystem::path keep, std::filesystem::path scratch)
    : keep_(std::move(keep)), scratch_(std::move(scratch)) {
  if (!keep_.empty()) std::filesystem::create_directories(keep_);
}

std::filesystem::path Rivals::kept(const std::string& what) const {
  return keep_.empty() ? std::filesystem::path() : keep_ / what;
}

std::uint64_t Rivals::rsync_bytes(const std::filesystem::path& file,
                                  const std::filesystem::path& basis) const {
  const auto note = kept("rsync-" + mark(file) + "-" + mark(basis));
  std::uint64_t bytes = 0;
  if (std::ifstream(note) >> bytes) return bytes;
  const test::TempDirectory place(scratch_);
  bytes = run_rsync(file, basis, place.path());
  if (!note.empty()) std::ofstream(note) << bytes << "\n";
  return bytes;
}

CasyncImage Rivals::casync_image(const std::filesystem::path& file,
                                 const std::string& chunk_size) const {
  const auto note = kept("casync" + chunk_size + "-" + mark(file));
  if (auto image = read_chunks(note)) return *std::move(image);
  const test::TempDirectory place(scratch_);
  const CasyncImage image = run_casync(file, chunk_size, place.path());
  if (!note.empty()) write_chunks(note, image);
  return image;
}

}  // namespace weft::bench
