// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/frame_reader.h"

#include "fetcher/wire/bytes.h"

#include <xxhash.h>

#include <algorithm>
#include <new>
#include <string>
#include <utility>

namespace weft::fetcher::wire {
namespace {

std::unexpected<Error> broken(std::string detail) {
  return fail(Errc::peer_misbehaved, Operation::receive, std::move(detail));
}

// Copies from the front of `input` until `into` is full.
void fill(std::span<std::byte> into, std::size_t& filled, std::span<const std::byte>& input) {
  const std::size_t size = std::min(into.size() - filled, input.size());
  std::ranges::copy(input.first(size), into.begin() + static_cast<std::ptrdiff_t>(filled));
  filled += size;
  input = input.subspan(size);
}

}  // namespace

void FrameReader::FreeHash::operator()(XXH3_state_s* state) const {
  XXH3_freeState(state);
}

FrameReader::FrameReader() : hash_(XXH3_createState()) {
  if (hash_ == nullptr) throw std::bad_alloc();
}

Result<void> FrameReader::begin_payload() {
  ByteReader in(head_);
  FrameHeader& header = frame_.header;
  header.length = in.get<std::uint32_t>();
  header.version = in.get<std::uint16_t>();
  header.type = MessageType{in.get<std::uint8_t>()};
  const auto priority = in.get<std::uint8_t>();
  header.request = in.get<std::uint32_t>();
  if (priority > std::to_underlying(Priority::prefetch)) {
    return broken("frame of unknown priority " + std::to_string(priority) +
                  "; is this a weft peer?");
  }
  header.priority = Priority{priority};
  frame_.known = is_known(header.version, header.type);
  const std::uint32_t limit = frame_.known ? max_payload_of(header.type) : max_payload;
  if (header.length > limit) {
    return broken("frame of " + std::to_string(header.length) + " bytes, at most " +
                  std::to_string(limit) + " are allowed; is this a weft peer?");
  }
  XXH3_64bits_reset(hash_.get());
  XXH3_64bits_update(hash_.get(), head_.data(), head_.size());
  if (frame_.known) frame_.payload.resize(header.length);
  return {};
}

void FrameReader::take_payload(std::span<const std::byte>& input) {
  const auto part = input.first(
      std::min(input.size(), static_cast<std::size_t>(frame_.header.length) - payload_filled_));
  XXH3_64bits_update(hash_.get(), part.data(), part.size());
  if (frame_.known) {
    fill(frame_.payload, payload_filled_, input);
  } else {
    payload_filled_ += part.size();
    input = input.subspan(part.size());
  }
}

bool FrameReader::hash_is_right() {
  return ByteReader(tail_).get<std::uint64_t>() == XXH3_64bits_digest(hash_.get());
}

Result<std::optional<Frame>> FrameReader::next(std::span<const std::byte>& input) {
  if (head_filled_ < header_size) {
    fill(head_, head_filled_, input);
    if (head_filled_ < header_size) return std::nullopt;
    WEFT_CHECK(begin_payload());
  }
  take_payload(input);
  if (payload_filled_ < frame_.header.length) return std::nullopt;
  fill(tail_, tail_filled_, input);
  if (tail_filled_ < trailer_size) return std::nullopt;
  if (!hash_is_right()) return broken("frame with a wrong hash: damaged on the way");
  head_filled_ = payload_filled_ = tail_filled_ = 0;
  return std::exchange(frame_, {});
}

}  // namespace weft::fetcher::wire
