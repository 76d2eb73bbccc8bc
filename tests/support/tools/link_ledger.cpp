// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/link_ledger.h"

#include "fetcher/wire/bounds.h"
#include "fetcher/wire/codec.h"

#include <variant>

namespace weft::testing {

namespace wire = fetcher::wire;

RelayTap LinkLedger::tap() {
  return [this](std::uint64_t connection, bool to_target, std::span<const std::byte> bytes) {
    passed(connection, to_target, bytes);
  };
}

void LinkLedger::passed(std::uint64_t connection, bool to_target,
                        std::span<const std::byte> bytes) {
  auto& reader = readers_[{connection, to_target}];
  while (sound_) {
    auto frame = reader.next(bytes);
    if (!frame) {
      sound_ = false;
    } else if (*frame) {
      count(to_target, **frame);
    } else {
      return;
    }
  }
}

void LinkLedger::count(bool to_target, const wire::Frame& frame) {
  const auto type = frame.header.type;
  const std::string name = frame.known ? std::string(wire::to_string(type))
                                       : "message " + std::to_string(static_cast<int>(type));
  Line& line = lines_[(to_target ? "to_target " : "to_client ") + name];
  ++line.frames;
  line.bytes += frame.wire_size();
  if (!frame.known || type != wire::MessageType::block_batch) return;
  const auto message = wire::decode(frame.payload, type);
  if (!message) return;
  const auto& batch = std::get<wire::BlockBatch>(*message);
  if (batch.ranges.empty()) return;
  ++blocks_.frames;
  blocks_.blocks += wire::total_blocks(batch.ranges);
  blocks_.packed += batch.packed.size();
}

}  // namespace weft::testing
