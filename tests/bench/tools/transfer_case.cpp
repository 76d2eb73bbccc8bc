// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/tools/transfer_case.h"

#include "tests/bench/measure.h"
#include "tests/support/tools/running_relay.h"

#include <chrono>
#include <stdexcept>
#include <utility>

namespace weft::bench {
namespace {

using namespace std::chrono_literals;

void must(const testing::Finished& done, const std::string& what) {
  if (done.status.ok()) return;
  throw std::runtime_error(what + " failed with " + std::to_string(done.status.code) + ": " +
                           done.out + done.err);
}

void compare(const testing::WeftNode& node, const NamedFile& wanted,
             const std::filesystem::path& directory) {
  std::filesystem::create_directory(directory);
  must(node.weft({"mount", wanted.name, directory}), "weft mount");
  must(testing::run({"cmp", directory / (wanted.name + ".raw"), wanted.file}, 20min), "cmp");
  must(node.weft({"umount", directory}), "weft umount");
}

}  // namespace

void publish(const testing::WeftNode& node, const NamedFile& image) {
  must(node.weft({"import", image.file, "--name", image.name, "--in-place"}, 10min),
       "weft import " + image.file.string());
}

MeasuredTransfer measure_transfer(const testing::WeftNode& source, const NamedFile& wanted,
                                  const std::vector<NamedFile>& local, testing::RelayOptions link,
                                  const std::filesystem::path& scratch) {
  testing::LinkLedger ledger;
  link.listen = "127.0.0.1:0";
  link.target = source.address();
  link.tap = ledger.tap();
  testing::RunningRelay relay(link);
  testing::WeftNode target(scratch / "target");
  target.start();
  for (const NamedFile& image : local)
    publish(target, image);

  MeasuredTransfer result;
  result.seconds = seconds([&] {
    must(target.weft({"materialize", wanted.name, "--peer", relay.address()}, 60min),
         "weft materialize");
  });
  const auto counts = relay.counts();
  result.bytes = counts.to_client + counts.to_target;
  // The relay's thread has answered and now only waits: nothing else touches the ledger.
  relay.command("down");
  if (!ledger.sound()) throw std::runtime_error("the link carried what is not weft's protocol");
  result.blocks = ledger.blocks();
  result.lines = ledger.lines();
  compare(target, wanted, scratch / "mount");
  static_cast<void>(target.stop());
  return result;
}

}  // namespace weft::bench
