// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/star_transfer.h"

#include "indexer/core/clock.h"
#include "indexer/tree/image_id.h"

#include <algorithm>
#include <stdexcept>

#include <sys/stat.h>

namespace weft::testing {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::vector<std::string> materialize_at(const WeftNode& target,
                                        const std::vector<std::string>& peers,
                                        const std::vector<std::string>& flags) {
  std::vector<std::string> argv{weft_binary(), "--state", target.state(),
                                "materialize", "disk",    "--json"};
  for (const std::string& peer : peers)
    argv.insert(argv.end(), {"--peer", peer});
  argv.insert(argv.end(), flags.begin(), flags.end());
  return argv;
}

}  // namespace

StarTransfer::StarTransfer(const WeftNode& target, const test::SampleImage& image,
                           const std::vector<std::string>& peers,
                           const std::vector<std::string>& flags)
    : image_(image),
      pack_(target.state() / "images" / to_hex(image.info.id) / "pack"),
      start_(Clock::now()),
      command_(materialize_at(target, peers, flags)) {}

double StarTransfer::arrived() const {
  struct stat status{};
  if (::stat(pack_.c_str(), &status) != 0) return 0;
  return static_cast<double>(status.st_blocks) * 512 / static_cast<double>(image_.bytes.size());
}

bool StarTransfer::wait_for(double fraction, std::chrono::seconds limit) {
  const auto end = Clock::now() + limit;
  while (arrived() < fraction) {
    if (command_.wait(5ms) || Clock::now() > end) return false;
  }
  return true;
}

std::optional<ExitStatus> StarTransfer::ended(std::chrono::seconds limit) {
  return command_.wait(limit);
}

bool StarTransfer::says(std::string_view text, std::chrono::seconds limit) {
  return command_.wait_for_output(text, limit);
}

double StarTransfer::finish(std::chrono::seconds limit) {
  const auto status = command_.wait(limit);
  const double took = to_seconds(Clock::now() - start_);
  if (!status || !status->ok())
    throw std::runtime_error("weft materialize " +
                             (status ? "failed" : "did not end: " + std::to_string(arrived())) +
                             "\n" + command_.out() + command_.err());
  return took;
}

std::uint64_t StarTransfer::wrong_blocks() const {
  const auto pack = test::read_file(pack_);
  std::uint64_t wrong = 0;
  for (std::size_t at = 0; at < image_.bytes.size(); at += block_size) {
    if (at + block_size > pack.size() ||
        !std::equal(pack.begin() + static_cast<std::ptrdiff_t>(at),
                    pack.begin() + static_cast<std::ptrdiff_t>(at + block_size),
                    image_.bytes.begin() + static_cast<std::ptrdiff_t>(at)))
      ++wrong;
  }
  return wrong;
}

}  // namespace weft::testing
