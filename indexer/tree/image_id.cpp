// SPDX-License-Identifier: Apache-2.0
#include "indexer/tree/image_id.h"

#include "indexer/core/hash.h"

#include <array>
#include <string_view>

namespace weft {
namespace {

constexpr std::string_view format_tag{"weft image 1\0", 13};
constexpr std::size_t shortest_prefix = 8;

}  // namespace

ImageId make_image_id(ByteCount size, const Digest& root) {
  std::array<std::byte, 8> size_le{};
  for (std::size_t i = 0; i < size_le.size(); ++i)
    size_le[i] = static_cast<std::byte>(size.value() >> (8 * i));
  const Digest hash = sha256({std::as_bytes(std::span(format_tag)), size_le, root.view()});
  return ImageId::from(hash.view());
}

bool is_consistent(const ImageInfo& info) {
  return info.size.value() > 0 && info.size <= max_image_size &&
         info.id == make_image_id(info.size, info.root);
}

bool is_prefix_of(std::string_view text, const ImageId& id) {
  return text.size() >= shortest_prefix && to_hex(id).starts_with(text);
}

}  // namespace weft
