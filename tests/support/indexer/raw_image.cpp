// SPDX-License-Identifier: Apache-2.0
#include "tests/support/indexer/raw_image.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace weft::test {
namespace {

std::uint64_t mix(std::uint64_t x) {  // SplitMix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

void check(const std::ios& stream, const std::filesystem::path& path) {
  if (!stream) throw std::runtime_error("cannot read or write " + path.string());
}

std::size_t bytes_in(std::string_view picture, ByteCount size) {
  return size.value() != 0 ? size.value() : picture.size() * block_size;
}

}  // namespace

void fill_random(std::span<std::byte> out, std::uint64_t seed) {
  std::uint64_t state = mix(seed + 1);
  while (!out.empty()) {
    const std::uint64_t word = mix(state += 0x9e3779b97f4a7c15u);
    const std::size_t n = std::min(out.size(), sizeof word);
    std::memcpy(out.data(), &word, n);
    out = out.subspan(n);
  }
}

std::vector<std::byte> random_blocks(BlockCount count, std::uint64_t seed) {
  std::vector<std::byte> bytes(bytes_of(count).value());
  fill_random(bytes, seed);
  return bytes;
}

std::array<std::byte, block_size> block_of(char c) {
  std::array<std::byte, block_size> block{};
  if (c != '.' && c != '0') fill_random(block, static_cast<unsigned char>(c));
  return block;
}

std::vector<std::byte> raw_bytes(std::string_view picture, ByteCount size) {
  std::vector<std::byte> bytes;
  for (const char c : picture)
    std::ranges::copy(block_of(c), std::back_inserter(bytes));
  bytes.resize(bytes_in(picture, size));
  return bytes;
}

void write_raw(const std::filesystem::path& path, std::string_view picture, ByteCount size) {
  {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    for (std::size_t i = 0; i < picture.size(); ++i) {
      if (picture[i] == '.') continue;
      const auto block = block_of(picture[i]);
      out.seekp(static_cast<std::streamoff>(i * block_size));
      out.write(reinterpret_cast<const char*>(block.data()), block_size);
    }
    out.flush();
    check(out, path);
  }
  std::filesystem::resize_file(path, bytes_in(picture, size));
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  out.flush();
  check(out, path);
}

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  check(in, path);
  std::vector<std::byte> bytes(std::filesystem::file_size(path));
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  check(in, path);
  return bytes;
}

}  // namespace weft::test
