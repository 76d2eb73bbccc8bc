// SPDX-License-Identifier: Apache-2.0
#include "tools/api/compared_images.h"

#include "indexer/tree/image_id.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weft::tools {
namespace {

constexpr std::size_t shown_digits = 12;

bool is_named(const ComparedImage& image, std::string_view reference) {
  return image.label() == reference || (!image.name.empty() && image.name == reference);
}

bool begins_with(const ComparedImage& image, std::string_view reference) {
  return is_prefix_of(reference, image.id);
}

}  // namespace

std::string ComparedImage::label() const {
  const std::string what = name.empty() ? to_hex(id).substr(0, shown_digits) : name;
  return node.empty() ? what : what + "@" + node;
}

KnownImages::KnownImages(std::span<const ImageEntry> local, std::span<const ImageId> signatures,
                         std::span<const PeerImage> at_peers) {
  std::set<ImageId> here;
  for (const ImageEntry& entry : local) {
    auto& list = here.insert(entry.info.id).second ? images_ : aliases_;
    list.push_back({.id = entry.info.id, .name = entry.name, .node = ""});
  }
  std::map<ImageId, const PeerImage*> listed;
  for (const PeerImage& image : at_peers)
    listed.emplace(image.id, &image);
  for (const ImageId& id : signatures) {
    if (!here.insert(id).second) continue;
    const auto found = listed.find(id);
    images_.push_back(
        found == listed.end()
            ? ComparedImage{.id = id, .name = "", .node = "?"}
            : ComparedImage{.id = id, .name = found->second->name, .node = found->second->node});
  }
  std::ranges::sort(images_, {}, [](const ComparedImage& image) {
    return std::tuple(!image.node.empty(), image.name.empty(), image.name, image.node, image.id);
  });
}

Result<ComparedImage> KnownImages::find(std::string_view reference) const {
  const auto pick = [&](auto&& matches) -> Result<std::vector<ComparedImage>> {
    std::vector<ComparedImage> found;
    std::ranges::copy_if(images_, std::back_inserter(found),
                         [&](const ComparedImage& image) { return matches(image, reference); });
    // Local ones come first, and names are unique among them.
    if (found.size() > 1 && (!found[0].node.empty() || found[1].node.empty())) {
      std::vector<std::string> ids;
      for (const auto& image : found)
        ids.push_back(
            fmt::format("{} ({})", image.label(), to_hex(image.id).substr(0, shown_digits)));
      return fail(Errc::ambiguous_image, Operation::catalog,
                  fmt::format("\"{}\" may be {}: say which", reference, fmt::join(ids, ", ")));
    }
    return found;
  };
  for (auto* matches : {is_named, begins_with}) {
    WEFT_TRY(const auto found, pick(matches));
    if (!found.empty()) return found.front();
  }
  const auto alias = std::ranges::find(aliases_, reference, &ComparedImage::name);
  if (alias != aliases_.end()) return *alias;
  return fail(Errc::unknown_image, Operation::catalog, std::string(reference));
}

std::vector<std::string> split_names(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const auto name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), name.size() + 1));
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

}  // namespace weft::tools
