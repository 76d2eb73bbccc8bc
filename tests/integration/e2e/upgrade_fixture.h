// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/unique_fd.h"
#include "tests/integration/e2e/linked_nodes.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weft::testing {

/// Threads that read random pieces of a mounted image past the page cache, without a pause, and
/// compare them with the file that it was made of.
class VerifiedReads {
 public:
  VerifiedReads(std::string mounted, const std::filesystem::path& original)
      : mounted_(std::move(mounted)), content_(std::filesystem::file_size(original)) {
    std::ifstream(original, std::ios::binary)
        .read(content_.data(), static_cast<std::streamsize>(content_.size()));
    for (unsigned i = 0; i < 2; ++i)
      threads_.emplace_back([this, i] { run(i); });
  }
  ~VerifiedReads() { static_cast<void>(stop()); }
  VerifiedReads(const VerifiedReads&) = delete;
  VerifiedReads& operator=(const VerifiedReads&) = delete;

  /// The first read that failed or brought other bytes; empty: there was none.
  [[nodiscard]] std::string trouble() {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }
  [[nodiscard]] std::string stop() {
    stopping_ = true;
    for (auto& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
    return trouble();
  }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::chrono::nanoseconds longest() const {
    return std::chrono::nanoseconds(longest_.load());
  }

 private:
  static constexpr std::size_t piece = std::size_t{16} << 10;

  void run(unsigned seed) {
    const UniqueFd file(::open(mounted_.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
    if (!file) return note("open: " + std::string(std::strerror(errno)));
    auto* buffer = static_cast<char*>(std::aligned_alloc(4096, piece));
    std::mt19937_64 random(seed);
    while (!stopping_) {
      const std::uint64_t offset = random() % ((content_.size() - piece) / 4096) * 4096;
      const auto begin = std::chrono::steady_clock::now();
      const auto got = ::pread(file.get(), buffer, piece, static_cast<off_t>(offset));
      const auto took = (std::chrono::steady_clock::now() - begin).count();
      for (auto most = longest_.load();
           took > most && !longest_.compare_exchange_weak(most, took);) {
      }
      if (got != static_cast<ssize_t>(piece)) {
        note("read at " + std::to_string(offset) + ": " + std::strerror(errno));
        break;
      }
      if (std::memcmp(buffer, content_.data() + offset, piece) != 0) {
        note("wrong bytes at " + std::to_string(offset));
        break;
      }
      ++count_;
    }
    std::free(buffer);
  }
  void note(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (trouble_.empty()) trouble_ = what;
  }

  const std::string mounted_;
  std::vector<char> content_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> count_{0};
  std::atomic<std::int64_t> longest_{0};
  std::mutex mutex_;
  std::string trouble_;
  std::vector<std::thread> threads_;
};

/// A TCP port of 127.0.0.1 that somebody else listens on.
class TakenPort {
 public:
  TakenPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = static_cast<sockaddr*>(static_cast<void*>(&address));
    if (::bind(socket_.get(), generic, length) != 0 || ::listen(socket_.get(), 1) != 0 ||
        ::getsockname(socket_.get(), generic, &length) != 0)
      throw std::system_error(errno, std::generic_category(), "listen");
    port_ = ntohs(address.sin_port);
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  UniqueFd socket_;
  std::uint16_t port_ = 0;
};

/// How often `text` has `line`.
[[nodiscard]] inline std::size_t times(std::string_view text, std::string_view line) {
  std::size_t count = 0;
  for (auto at = text.find(line); at != text.npos; at = text.find(line, at + line.size()))
    ++count;
  return count;
}

/// A node that is upgraded while its mount is read, some of it over a link.
class Upgrade : public LinkedNodes {
 protected:
  static constexpr unsigned mib = 32;
  static constexpr int upgrades = 50;

  void SetUp() override {
    E2eMountTest::SetUp();
    if (IsSkipped()) return;
    start(file_);
  }
  void mount() { expect_ok(node_.weft({"mount", "x", target_, "--peer", holder_.address()})); }
  [[nodiscard]] std::string image() const { return target_ / "x.raw"; }
  [[nodiscard]] Finished upgrade(const std::string& binary = weft_binary()) const {
    return node_.weft({"upgrade", "--binary", binary}, std::chrono::seconds(120));
  }
  [[nodiscard]] std::string bad_candidate(const std::string& name) const {
    const auto path = directory_ / name;
    std::filesystem::copy_file(WEFT_BAD_CANDIDATE, path,
                               std::filesystem::copy_options::overwrite_existing);
    return path;
  }
  /// The process that answers; 0: none does.
  [[nodiscard]] pid_t serving() const {
    const auto answer = node_.weft({"status", "--json"});
    if (!answer.status.ok()) return 0;
    return boost::json::parse(answer.out).at("node").at("pid").to_number<pid_t>();
  }
  [[nodiscard]] std::string executable() const {
    return node_.query({"version"}).at("daemon").at("executable").as_string().c_str();
  }
  /// The process that the supervisor last began to check, by its log from `from` on.
  [[nodiscard]] pid_t candidate_since(std::size_t from) const {
    const auto log = node_.log();
    const std::string mark = "is checked, process ";
    const auto at = log.find(mark, from);
    return at == std::string::npos ? 0 : std::atoi(log.c_str() + at + mark.size());
  }

  std::filesystem::path file_ = image_file("x.raw", mib);
};

}  // namespace weft::testing
