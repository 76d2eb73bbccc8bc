// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/tools/rivals.h"

#include "tests/support/fs/subprocess.h"
#include "tests/support/tools/running_relay.h"
#include "tests/support/tools/weft_node.h"

#include <algorithm>
#include <chrono>
#include <fstream>
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

}  // namespace

std::uint64_t rsync_bytes(const std::filesystem::path& file, const std::filesystem::path& basis,
                          const std::filesystem::path& scratch) {
  const auto destination = scratch / file.filename();
  must({"cp", "--sparse=always", "--reflink=auto", basis, destination});
  const RsyncDaemon daemon(file.parent_path(), scratch);
  testing::RelayOptions options;
  options.listen = "127.0.0.1:0";
  options.target = daemon.address();
  testing::RunningRelay relay(options);
  const std::string source = "rsync://" + relay.address() + "/images/" + file.filename().string();
  // 10: the daemon does not listen yet.
  testing::Finished done;
  for (int attempt = 0; attempt < 50; ++attempt) {
    done = testing::run(
        {"rsync", "-z", "--no-whole-file", "--ignore-times", "--sparse", source, destination},
        20min);
    if (done.status.code != 10 && done.status.code != 12) break;
    std::this_thread::sleep_for(100ms);
  }
  if (!done.status.ok()) throw std::runtime_error("rsync failed: " + done.err);
  const auto counts = relay.counts();
  must({"cmp", file, destination});
  std::filesystem::remove(destination);
  return counts.to_client + counts.to_target;
}

CasyncImage casync_image(const std::filesystem::path& file, const std::string& chunk_size,
                         const std::filesystem::path& scratch) {
  const auto store = scratch / "store.castr";
  const auto index = scratch / "image.caibx";
  std::vector<std::string> command{"casync", "make", "--store=" + store.string()};
  if (!chunk_size.empty()) command.push_back("--chunk-size=" + chunk_size);
  command.insert(command.end(), {index, file});
  must(std::move(command));
  CasyncImage image;
  image.index_bytes = std::filesystem::file_size(index);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store)) {
    if (entry.is_regular_file()) image.chunks[entry.path().filename()] = entry.file_size();
  }
  std::filesystem::remove_all(store);
  std::filesystem::remove(index);
  return image;
}

std::uint64_t casync_bytes(const CasyncImage& image, std::span<const CasyncImage* const> local) {
  std::uint64_t bytes = image.index_bytes;
  for (const auto& [name, size] : image.chunks) {
    const auto has = [&](const CasyncImage* other) { return other->chunks.contains(name); };
    if (std::ranges::none_of(local, has)) bytes += size;
  }
  return bytes;
}

}  // namespace weft::bench
