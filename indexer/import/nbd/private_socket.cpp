// SPDX-License-Identifier: Apache-2.0
#include "indexer/import/nbd/private_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace weft {
namespace {

std::unexpected<Error> failed(const std::string& what) {
  return fail_errno(errno, Operation::connect, what);
}

// Removed whatever happens.
class PrivateDirectory {
 public:
  static Result<PrivateDirectory> make() {
    std::error_code problem;
    std::filesystem::path place = std::filesystem::temp_directory_path(problem);
    if (problem) place = "/tmp";
    std::string name = (place / "weft-nbd-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return failed(name);
    PrivateDirectory directory(std::move(name));
    directory.fd_.reset(::open(directory.name_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory.fd_) return failed(directory.name_);
    return directory;
  }
  PrivateDirectory(PrivateDirectory&&) = default;
  PrivateDirectory& operator=(PrivateDirectory&&) = delete;
  ~PrivateDirectory() {
    if (!fd_) return;
    ::unlinkat(fd_.get(), socket_name, 0);
    ::rmdir(name_.c_str());
  }

  // By descriptor: the name of a directory may be longer than an address can be.
  [[nodiscard]] sockaddr_un address() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = "/proc/self/fd/" + std::to_string(fd_.get()) + "/" + socket_name;
    std::ranges::copy(path, std::begin(address.sun_path));
    return address;
  }

 private:
  static constexpr const char* socket_name = "nbd";
  explicit PrivateDirectory(std::string name) : name_(std::move(name)) {}

  std::string name_;
  UniqueFd fd_;
};

}  // namespace

Result<PrivateSocket> PrivateSocket::make(std::size_t clients) {
  WEFT_TRY(const PrivateDirectory directory, PrivateDirectory::make());
  const sockaddr_un address = directory.address();
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  PrivateSocket made;
  made.listener.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!made.listener || ::bind(made.listener.get(), generic, sizeof address) != 0 ||
      ::listen(made.listener.get(), static_cast<int>(clients) + 1) != 0) {
    return failed("a private socket");
  }
  for (std::size_t i = 0; i < clients; ++i) {
    // Succeeds at once: the queue has room for all of them.
    UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!client || ::connect(client.get(), generic, sizeof address) != 0) {
      return failed("a private socket");
    }
    made.clients.push_back(std::move(client));
  }
  return made;
}

}  // namespace weft
