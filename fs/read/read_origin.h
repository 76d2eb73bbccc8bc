// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/link/block_origin.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft::fs {

/// Where the blocks of an answered read came from: the slowest of them decides.
enum class ReadOrigin : std::uint8_t {
  resident,  ///< at once from the image's own pack, or zeros
  borrowed,  ///< at once, some of it from the pack of another image
  local,     ///< after a wait, without a link: another local image, or a copy of an equal block
  lan_peer,  ///< after a wait for a near peer
  wan_peer   ///< after a wait for a far one
};
inline constexpr std::size_t read_origins = 5;
inline constexpr std::array<ReadOrigin, read_origins> all_read_origins{
    ReadOrigin::resident, ReadOrigin::borrowed, ReadOrigin::local, ReadOrigin::lan_peer,
    ReadOrigin::wan_peer};

[[nodiscard]] constexpr std::string_view to_string(ReadOrigin origin) noexcept {
  constexpr std::array<std::string_view, read_origins> names{"resident", "borrowed", "local",
                                                             "lan_peer", "wan_peer"};
  return names[static_cast<std::size_t>(origin)];
}

/// Of a read that waited.
[[nodiscard]] constexpr ReadOrigin origin_after_wait(fetcher::BlockOrigin origin) noexcept {
  switch (origin) {
    case fetcher::BlockOrigin::local:
      return ReadOrigin::local;
    case fetcher::BlockOrigin::lan_peer:
      return ReadOrigin::lan_peer;
    case fetcher::BlockOrigin::wan_peer:
      break;
  }
  return ReadOrigin::wan_peer;
}

/// True: readers waited.
[[nodiscard]] constexpr bool is_wait(ReadOrigin origin) noexcept {
  return origin >= ReadOrigin::local;
}

}  // namespace weft::fs
