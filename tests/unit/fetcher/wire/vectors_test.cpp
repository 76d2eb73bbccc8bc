// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/codec.h"
#include "fetcher/wire/frame_reader.h"
#include "indexer/core/digest.h"
#include "tests/support/fetcher/wire_samples.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

// The bytes of the protocol, as files. WEFT_WRITE_VECTORS=1 writes them anew; the test is then
// skipped, never green.
namespace weft::fetcher::testing {
namespace {

const std::filesystem::path directory = WEFT_WIRE_VECTORS;

std::filesystem::path file_of(const std::string& name) {
  return directory / (name + ".hex");
}

std::vector<std::byte> load(const std::string& name) {
  std::ifstream in(file_of(name));
  std::string digits(std::istreambuf_iterator<char>(in), {});
  std::erase_if(digits, [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; });
  std::vector<std::byte> bytes(digits.size() / 2);
  EXPECT_TRUE(from_hex(digits, bytes)) << name;
  return bytes;
}

void store(const std::string& name, std::span<const std::byte> bytes) {
  std::ofstream out(file_of(name));
  for (std::size_t at = 0; at < bytes.size(); at += 32) {
    out << to_hex(bytes.subspan(at, std::min<std::size_t>(32, bytes.size() - at))) << '\n';
  }
}

TEST(WireVectors, every_message_has_the_bytes_of_its_vector) {
  const char* write = std::getenv("WEFT_WRITE_VECTORS");
  const bool writing = write != nullptr && *write == '1';
  for (const WireSample& sample : wire_samples()) {
    const auto bytes = wire::encode(sample.message, sample.request, sample.priority);
    if (writing) {
      store(sample.name, bytes);
    } else {
      EXPECT_EQ(to_hex(bytes), to_hex(load(sample.name))) << sample.name;
    }
  }
  if (writing) GTEST_SKIP() << "vectors written";
}

TEST(WireVectors, every_vector_is_read_back_as_its_message) {
  std::set<std::string> known;
  std::set<std::size_t> types;
  for (const WireSample& sample : wire_samples()) {
    known.insert(sample.name + ".hex");
    types.insert(sample.message.index());
    const auto bytes = load(sample.name);
    std::span<const std::byte> input(bytes);
    wire::FrameReader reader;
    const auto frame = reader.next(input);
    ASSERT_TRUE(frame && *frame) << sample.name;
    EXPECT_TRUE(input.empty());
    EXPECT_EQ((*frame)->header.request, sample.request);
    EXPECT_EQ((*frame)->header.priority, sample.priority);
    EXPECT_EQ((*frame)->wire_size(), bytes.size());
    const auto message = wire::decode((*frame)->payload, (*frame)->header.type);
    ASSERT_TRUE(message) << sample.name << ": " << message.error().message();
    EXPECT_EQ(*message, sample.message) << sample.name;
  }
  EXPECT_EQ(types.size(), std::variant_size_v<wire::Message>) << "a type without a vector";
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    EXPECT_TRUE(known.contains(entry.path().filename())) << entry.path();
  }
}

}  // namespace
}  // namespace weft::fetcher::testing
