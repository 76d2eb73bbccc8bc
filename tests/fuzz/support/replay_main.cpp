// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// Runs a fuzz target over a corpus without libFuzzer: each file as it is, cut short, and with
// single bits and bytes changed. Long files are sampled at positions spread evenly over them.
namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::size_t positions_per_file = 400;

std::size_t runs = 0;

// On the heap at its exact size, so that AddressSanitizer sees a read past the end.
void run(const Bytes& input, std::size_t length) {
  const auto exact = std::make_unique_for_overwrite<std::uint8_t[]>(length);
  if (length > 0) std::memcpy(exact.get(), input.data(), length);
  (void)LLVMFuzzerTestOneInput(exact.get(), length);
  ++runs;
}

void replay(Bytes input) {
  run(input, input.size());
  const std::size_t step = std::max<std::size_t>(1, input.size() / positions_per_file);
  for (std::size_t at = 0; at < input.size(); at += step) {
    run(input, at);
    const std::uint8_t kept = input[at];
    const auto flipped = static_cast<std::uint8_t>(kept ^ (1u << (at % 8)));
    for (const std::uint8_t changed : {flipped, std::uint8_t{0}, std::uint8_t{0xff}}) {
      input[at] = changed;
      run(input, input.size());
    }
    input[at] = kept;
  }
}

Bytes load(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      replay(load(entry.path()));
      ++files;
    }
  }
  std::printf("%zu files, %zu runs\n", files, runs);
  return files > 0 ? 0 : 1;
}
