// SPDX-License-Identifier: Apache-2.0
#include "fs/supervisor/packet_socket.h"
#include "fs/supervisor/protocol.h"
#include "fs/supervisor/worker_link.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <unistd.h>

// Binaries that no node should be upgraded to. What is wrong with one is its file's name:
//   exits            ends at once
//   crashes          is killed by a signal
//   hangs            says nothing
//   other-version    speaks another version of the supervisor's protocol
//   garbage          sends what is no message
//   refuses          says that it cannot serve
//   unmounts         touches mounts before it may serve, then ends
//   fails-to-serve   stands by, and ends when it is to serve
namespace {

using namespace weft;

[[noreturn]] void wait_for_ever() {
  for (;;)
    ::pause();
}

void send_raw(const UniqueFd& socket, bool garbage) {
  auto bytes = fs::supervision::encode({1, fs::supervision::StandByCall{"9"}});
  bytes[garbage ? 0 : 4] = std::byte{99};
  static_cast<void>(fs::supervision::send_packet(socket.get(), bytes, {}));
}

}  // namespace

int main() {
  const std::string name = std::filesystem::read_symlink("/proc/self/exe").filename();
  if (name == "exits") return 7;
  if (name == "crashes") std::abort();
  if (name == "hangs") wait_for_ever();
  auto socket = fs::take_supervisor_socket();
  if (name == "other-version" || name == "garbage") {
    send_raw(socket, name == "garbage");
    wait_for_ever();
  }
  const auto link = fs::connect_mount_keeper(std::move(socket));
  if (name == "refuses") {
    link->refuse({make_error_code(Errc::bad_config), Operation::configure, "no taste for this"});
    wait_for_ever();
  }
  if (name == "unmounts") {
    const bool done = link->unmount(fs::MountKey{1}, true).has_value() ||
                      link->inherited().has_value() || link->report_ready().has_value();
    return done ? 1 : 8;
  }
  static_cast<void>(link->stand_by("fails"));
  return 9;
}
