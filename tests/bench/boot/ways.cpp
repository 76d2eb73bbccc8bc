// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/boot/ways.h"

#include "tests/support/fs/subprocess.h"
#include "tests/support/indexer/temp_directory.h"
#include "tests/support/tools/weft_node.h"

#include <chrono>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <utility>

#include <sys/mount.h>

namespace weft::bench {
namespace {

using namespace std::chrono_literals;
using testing::RunningRelay;
using testing::Subprocess;

void must(const testing::Finished& done, const std::string& what) {
  if (done.status.ok()) return;
  throw std::runtime_error(what + " failed with " + std::to_string(done.status.code) + ": " +
                           done.out + done.err);
}

/// A relay as `link` says, in front of a port of this host.
std::unique_ptr<RunningRelay> relay_to(testing::RelayOptions link, const std::string& target) {
  link.listen = "127.0.0.1:0";
  link.target = target;
  return std::make_unique<RunningRelay>(link);
}

std::string port_of(const std::string& address) {
  return address.substr(address.rfind(':') + 1);
}

/// nbdkit with the image, read-only, behind a relay.
class NbdServer {
 public:
  explicit NbdServer(const FarImage& image)
      : pid_file_(image.scratch / "nbdkit.pid"),
        port_(testing::free_port()),
        server_({"nbdkit", "--foreground", "--readonly", "--ipaddr=127.0.0.1",
                 "--port=" + std::to_string(port_), "--pidfile=" + pid_file_.string(), "file",
                 image.file.string()}) {
    wait_until_it_listens();
    relay_ = relay_to(image.link, "127.0.0.1:" + std::to_string(port_));
  }

  [[nodiscard]] std::string url() const { return "nbd://" + relay_->address(); }
  [[nodiscard]] std::string port() const { return port_of(relay_->address()); }
  [[nodiscard]] std::uint64_t received() { return relay_->counts().to_client; }

 private:
  /// nbdkit writes the file when it serves.
  void wait_until_it_listens() {
    for (int i = 0; i < 500; ++i) {
      if (std::filesystem::exists(pid_file_)) return;
      if (server_.wait(10ms)) break;
    }
    throw std::runtime_error("nbdkit does not serve: " + server_.err());
  }

  std::filesystem::path pid_file_;
  std::uint16_t port_;
  Subprocess server_;
  std::unique_ptr<RunningRelay> relay_;
};

/// A block graph of qemu-storage-daemon that shows `node` as a file.
class StorageDaemon {
 public:
  StorageDaemon(std::vector<std::string> graph, const std::string& node,
                const std::filesystem::path& scratch)
      : file_(scratch / "exported.raw") {
    std::ofstream(file_).close();
    std::vector<std::string> command{"qemu-storage-daemon"};
    command.insert(command.end(), graph.begin(), graph.end());
    command.insert(command.end(),
                   {"--export", "type=fuse,id=disk,node-name=" + node +
                                    ",mountpoint=" + file_.string() + ",writable=off"});
    daemon_.emplace(std::move(command));
    for (int i = 0; i < 3000; ++i) {
      if (std::filesystem::file_size(file_) > 0) return;
      if (daemon_->wait(10ms)) break;
    }
    throw std::runtime_error("qemu-storage-daemon shows no disk: " + daemon_->err());
  }
  ~StorageDaemon() {
    daemon_->kill();
    static_cast<void>(::umount2(file_.c_str(), MNT_DETACH));
  }
  StorageDaemon(const StorageDaemon&) = delete;
  StorageDaemon& operator=(const StorageDaemon&) = delete;
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
  std::optional<Subprocess> daemon_;
};

std::string remote_node(const NbdServer& server) {
  return "driver=nbd,node-name=remote,read-only=on,server.type=inet,server.host=127.0.0.1,"
         "server.port=" +
         server.port();
}

class LocalDisk final : public Way {
 public:
  explicit LocalDisk(std::filesystem::path file) : file_(std::move(file)) {}
  [[nodiscard]] std::filesystem::path file() const override { return file_; }

 private:
  std::filesystem::path file_;
};

class CopiedDisk final : public Way {
 public:
  explicit CopiedDisk(const FarImage& image) : place_(image.scratch), image_(image) {
    image_.scratch = place_.path();
  }
  void set_up() override { server_.emplace(image_); }
  void open() override {
    must(testing::run({"nbdcopy", server_->url(), file().string()}, 30min), "nbdcopy");
  }
  [[nodiscard]] std::filesystem::path file() const override { return place_ / "copy.raw"; }
  [[nodiscard]] std::uint64_t received() override { return server_->received(); }

 private:
  test::TempDirectory place_;
  FarImage image_;
  std::optional<NbdServer> server_;
};

class WeftDisk final : public Way {
 public:
  WeftDisk(const FarImage& image, const std::string& source, std::vector<std::string> flags)
      : place_(image.scratch),
        name_(image.name),
        relay_(relay_to(image.link, source)),
        flags_(std::move(flags)),
        node_(place_ / "state") {
    std::filesystem::create_directory(place_ / "mounted");
  }
  ~WeftDisk() override { static_cast<void>(node_.weft({"umount", "--force", mounted()})); }
  void set_up() override { node_.start(); }
  void open() override {
    std::vector<std::string> command{"mount", name_, mounted(), "--peer", relay_->address()};
    command.insert(command.end(), flags_.begin(), flags_.end());
    must(node_.weft(command), "weft mount");
  }
  [[nodiscard]] std::filesystem::path file() const override {
    return place_ / "mounted" / (name_ + ".raw");
  }
  [[nodiscard]] std::uint64_t received() override { return relay_->counts().to_client; }

 private:
  [[nodiscard]] std::string mounted() const { return (place_ / "mounted").string(); }

  test::TempDirectory place_;
  std::string name_;
  std::unique_ptr<RunningRelay> relay_;
  std::vector<std::string> flags_;
  testing::WeftNode node_;
};

class NbdDisk final : public Way {
 public:
  NbdDisk(const FarImage& image, bool as_file)
      : place_(image.scratch), image_(image), as_file_(as_file) {
    image_.scratch = place_.path();
  }
  void set_up() override { server_.emplace(image_); }
  void open() override {
    if (!as_file_) return;
    daemon_.emplace(std::vector<std::string>{"--blockdev", remote_node(*server_)}, "remote",
                    place_.path());
  }
  [[nodiscard]] std::string drive() const override { return server_->url(); }
  [[nodiscard]] std::filesystem::path file() const override {
    return daemon_ ? daemon_->file() : std::filesystem::path();
  }
  [[nodiscard]] std::uint64_t received() override { return server_->received(); }

 private:
  test::TempDirectory place_;
  FarImage image_;
  bool as_file_;
  std::optional<NbdServer> server_;
  std::optional<StorageDaemon> daemon_;
};

class ExportedDisk final : public Way {
 public:
  explicit ExportedDisk(const FarImage& image) : place_(image.scratch), image_(image) {
    image_.scratch = place_.path();
  }
  void set_up() override {
    server_.emplace(image_);
    must(testing::run({"qemu-img", "create", "-q", "-f", "qcow2", overlay(),
                       std::to_string(std::filesystem::file_size(image_.file))}),
         "qemu-img create");
  }
  void open() override {
    daemon_.emplace(
        std::vector<std::string>{"--blockdev", remote_node(*server_), "--blockdev",
                                 "driver=file,node-name=overlay-file,filename=" + overlay(),
                                 "--blockdev",
                                 "driver=qcow2,node-name=overlay,file=overlay-file,backing=remote",
                                 "--blockdev", "driver=copy-on-read,node-name=kept,file=overlay"},
        "kept", place_.path());
  }
  [[nodiscard]] std::filesystem::path file() const override { return daemon_->file(); }
  [[nodiscard]] std::uint64_t received() override { return server_->received(); }

 private:
  [[nodiscard]] std::string overlay() const { return (place_ / "overlay.qcow2").string(); }

  test::TempDirectory place_;
  FarImage image_;
  std::optional<NbdServer> server_;
  std::optional<StorageDaemon> daemon_;
};

}  // namespace

std::unique_ptr<Way> local_disk(const std::filesystem::path& file) {
  return std::make_unique<LocalDisk>(file);
}
std::unique_ptr<Way> copied_disk(const FarImage& image) {
  return std::make_unique<CopiedDisk>(image);
}
std::unique_ptr<Way> weft_disk(const FarImage& image, const std::string& source,
                               std::vector<std::string> flags) {
  return std::make_unique<WeftDisk>(image, source, std::move(flags));
}
std::unique_ptr<Way> nbd_disk(const FarImage& image, bool as_file) {
  return std::make_unique<NbdDisk>(image, as_file);
}
std::unique_ptr<Way> exported_disk(const FarImage& image) {
  return std::make_unique<ExportedDisk>(image);
}

}  // namespace weft::bench
