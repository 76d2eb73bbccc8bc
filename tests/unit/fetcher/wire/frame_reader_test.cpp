// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/frame_reader.h"

#include "fetcher/wire/codec.h"
#include "indexer/core/hash.h"
#include "tests/support/fetcher/wire_samples.h"

#include <gtest/gtest.h>

#include <vector>

namespace weft::fetcher::wire {
namespace {

using Bytes = std::vector<std::byte>;

// Puts the right hash at the end of a frame that was changed.
Bytes sealed(Bytes frame) {
  const std::uint64_t hash = xxh3(std::span(frame).first(frame.size() - trailer_size));
  for (std::size_t i = 0; i < trailer_size; ++i) {
    frame[frame.size() - trailer_size + i] = static_cast<std::byte>(hash >> (8 * i));
  }
  return frame;
}

// Feeds pieces of `piece` bytes.
Result<std::vector<Frame>> read_all(const Bytes& bytes, std::size_t piece) {
  FrameReader reader;
  std::vector<Frame> frames;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    auto input = std::span(bytes).subspan(at, std::min(piece, bytes.size() - at));
    while (!input.empty()) {
      WEFT_TRY(auto frame, reader.next(input));
      if (frame) frames.push_back(*std::move(frame));
    }
  }
  EXPECT_FALSE(reader.in_frame());
  return frames;
}

TEST(FrameReader, frames_are_the_same_however_the_stream_is_split) {
  Bytes stream;
  for (const auto& sample : testing::wire_samples()) {
    const Bytes frame = encode(sample.message, sample.request, sample.priority);
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 16u, 17u, 24u, 1000u, 1u << 20}) {
    const auto frames = read_all(stream, piece);
    ASSERT_TRUE(frames) << frames.error().message();
    ASSERT_EQ(frames->size(), testing::wire_samples().size());
    for (std::size_t i = 0; i < frames->size(); ++i) {
      const auto message = decode((*frames)[i].payload, (*frames)[i].header.type);
      ASSERT_TRUE(message);
      EXPECT_EQ(*message, testing::wire_samples()[i].message);
    }
  }
}

TEST(FrameReader, any_bit_changed_is_an_error_or_an_unfinished_frame) {
  const Bytes frame = encode(Failure{2, "no image of this name"}, 7, Priority::control);
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    Bytes changed = frame;
    changed[bit / 8] ^= std::byte{1} << (bit % 8);
    FrameReader reader;
    std::span<const std::byte> input(changed);
    const auto result = reader.next(input);
    EXPECT_TRUE(!result || !*result) << "bit " << bit;
  }
}

TEST(FrameReader, a_length_above_its_types_bound_is_refused_by_the_header_alone) {
  for (const std::uint32_t length : {9u, max_payload + 1, 0xffffffffu}) {
    Bytes header = encode(Ping{1}, 0, Priority::control);
    header.resize(header_size);
    for (std::size_t i = 0; i < 4; ++i)
      header[i] = static_cast<std::byte>(length >> (8 * i));
    FrameReader reader;
    std::span<const std::byte> input(header);
    const auto result = reader.next(input);
    ASSERT_FALSE(result) << length;
    EXPECT_TRUE(result.error().is(Errc::peer_misbehaved));
  }
}

TEST(FrameReader, an_unknown_type_or_version_is_skipped_but_checked) {
  for (const std::size_t at : {4u, 6u}) {  // version, type
    Bytes frame =
        encode(BlockBatch{{{BlockIndex(0), BlockCount(1)}}, {}, {}, false, Bytes(block_size), true},
               3, Priority::demand);
    frame[at] = std::byte{99};
    const Bytes good = sealed(frame);
    const auto frames = read_all(good, 100);
    ASSERT_TRUE(frames && frames->size() == 1);
    EXPECT_FALSE(frames->front().known);
    EXPECT_EQ(frames->front().header.request, 3u);
    EXPECT_EQ(frames->front().payload.capacity(), 0u);
    EXPECT_EQ(frames->front().wire_size(), good.size());
    Bytes damaged = good;
    damaged[500] ^= std::byte{1};
    EXPECT_FALSE(read_all(damaged, 100));
  }
}

TEST(FrameReader, flags_of_later_versions_are_ignored) {
  Bytes frame = encode(Ping{1}, 0, Priority::control);
  frame[12] = std::byte{0xff};
  EXPECT_TRUE(read_all(sealed(frame), 5));
}

}  // namespace
}  // namespace weft::fetcher::wire
