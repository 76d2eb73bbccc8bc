// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/image_lookup.h"

#include "indexer/disk/disks.h"
#include "tools/daemon/await.h"
#include "tools/daemon/node.h"

#include <spdlog/spdlog.h>

#include <fmt/format.h>

namespace weft::tools {
namespace {

Result<FoundImage> local(Node& node, const std::string& name_or_id) {
  WEFT_TRY(const auto entry, node.store().find(name_or_id));
  WEFT_TRY(auto image, node.store().image(entry.info.id));
  // An id finds images whose last name is gone: they are shown by the id's beginning.
  auto name = entry.name.empty() ? to_hex(entry.info.id).substr(0, 12) : entry.name;
  return FoundImage{std::move(name), std::move(image), false};
}

Result<FoundImage> adopt(Node& node, const std::string& name_or_id,
                         const fetcher::RemoteImage& remote) {
  auto name = remote.name;
  auto adopted = node.store().adopt(name, remote.info);
  const bool asked_by_id = name != name_or_id;
  if (!adopted && asked_by_id && adopted.error().is(Errc::name_taken)) {
    name = fmt::format("{}-{}", remote.name.substr(0, 100), to_hex(remote.info.id).substr(0, 12));
    adopted = node.store().adopt(name, remote.info);
  }
  if (!adopted) return std::unexpected(std::move(adopted).error());
  for (const auto& [tree_node, bytes] : remote.path.nodes) {
    WEFT_CHECK((*adopted)->add_node(tree_node, bytes));
  }
  spdlog::info("image adopted image={} name={} bytes={} holders={}", to_hex(remote.info.id), name,
               remote.info.size.value(), remote.offers.size());
  return FoundImage{std::move(name), std::move(*adopted), true};
}

}  // namespace

Result<FoundImage> find_or_adopt(Node& node, const std::string& name_or_id) {
  auto here = local(node, name_or_id);
  if (here || !here.error().is(Errc::unknown_image)) return here;
  auto* network = node.network();
  if (network == nullptr || node.peers().list().empty()) {
    return fail(Errc::unknown_image, Operation::locate,
                fmt::format("{} is not on this node, and it has no peers to ask", name_or_id));
  }
  auto remote =
      await_result(network->io().executor(), network->fetcher().locate(name_or_id, BlockIndex(0)));
  if (!remote) return std::unexpected(std::move(remote).error());
  return adopt(node, name_or_id, *remote);
}

Result<FoundImage> find_or_adopt_below(Node& node, const std::string& name_or_id) {
  WEFT_TRY(const bool is_disk, node.store().disks()->has(name_or_id));
  if (!is_disk) return find_or_adopt(node, name_or_id);
  WEFT_TRY(const auto disk, node.store().disks()->find(name_or_id));
  return local(node, to_hex(disk.base));
}

}  // namespace weft::tools
