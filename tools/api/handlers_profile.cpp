// SPDX-License-Identifier: Apache-2.0
#include "fetcher/profile/profile_codec.h"
#include "fetcher/profile/profile_match.h"
#include "indexer/core/file_io.h"
#include "tools/api/handler_support.h"
#include "tools/api/handlers.h"
#include "tools/api/profile_view.h"
#include "tools/daemon/node.h"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

#include <fmt/format.h>

namespace weft::tools::api {
namespace {

namespace json = boost::json;
using fetcher::ProfileBook;

struct Named {
  ImageId image;
  std::string name;  ///< "": not here, or without a name
};

/// An image that is here, or one that only has a profile: that is named by its id.
Result<Named> find_named(Node& node, const std::string& reference) {
  const auto here = node.store().find(reference);
  if (here) return Named{here->info.id, here->name};
  if (!here.error().is(Errc::unknown_image)) return std::unexpected(here.error());
  WEFT_TRY(const auto profiled, node.store().profiled_images());
  std::optional<Named> found;
  for (const ImageId& image : profiled) {
    if (!is_prefix_of(reference, image)) continue;
    if (found) {
      return fail(Errc::ambiguous_image, Operation::catalog,
                  reference + " is the beginning of several ids; give more digits");
    }
    found = Named{image, ""};
  }
  if (!found) return std::unexpected(here.error());
  return *found;
}

std::unexpected<Error> no_profile(const std::string& reference) {
  return fail(Errc::not_resident, Operation::catalog,
              fmt::format("a boot profile of {} (boot it from a mount, or `weft profile import` "
                          "one)",
                          reference));
}

/// The block is where the profile says, and can be read there.
bool is_where_recorded(LocalImage& image, const fetcher::ProfileEntry& entry) {
  const BlockRange block{entry.block, BlockCount(1)};
  if (block.end().value() > image.shape().blocks().value() || !image.readable(block)) return false;
  const auto digest = image.block_digest(entry.block);
  return digest && digest_key(*digest) == entry.key;
}

/// For each entry, whether some image here can read its block. Images that are still arriving have
/// no index yet; the one that was recorded tells by itself.
Result<std::vector<bool>> which_are_here(Store& store, const fetcher::BootProfile& profile) {
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  for (std::size_t i = 0; i < profile.entries.size(); ++i)
    order.emplace_back(profile.entries[i].key, i);
  std::ranges::sort(order);
  std::vector<std::uint64_t> keys;
  for (const auto& [key, at] : order)
    keys.push_back(key);
  WEFT_TRY(const auto held, store.holds(keys, 8));
  const auto recorded = store.image(profile.image);
  std::vector<bool> here(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t at = order[i].second;
    here[at] = held[i] || (recorded && is_where_recorded(**recorded, profile.entries[at]));
  }
  return here;
}

Result<ShownProfile> show(Node& node, const std::string& reference) {
  WEFT_TRY(const Named named, find_named(node, reference));
  ProfileBook& book = node.profiles();
  WEFT_TRY(auto kept, book.kept(named.image));
  if (!kept) {
    const auto of_relative = book.find(named.image);
    if (!of_relative) return no_profile(reference);
    WEFT_TRY(kept, book.kept(of_relative->image));
    if (!kept) return no_profile(reference);
  }
  WEFT_TRY(auto here, which_are_here(node.store(), kept->profile));
  ShownProfile shown{named.image, named.name, *std::move(kept), std::move(here)};
  if (shown.kept.profile.image != named.image) {
    const auto signature =
        node.store().signature(named.image, fetcher::ProfileBook::signature_keys);
    shown.held = signature ? fetcher::part_held(fetcher::keys_of(shown.kept.profile), *signature)
                           : std::nullopt;
  }
  return shown;
}

Result<fetcher::BootProfile> read_profile(const std::string& path) {
  WEFT_TRY(const auto file, posix_file_system().open(path, OpenMode::read));
  WEFT_TRY(const auto stat, file->stat());
  const std::size_t most = fetcher::max_encoded_profile(fetcher::max_profile_entries);
  if (stat.size.value() > most) {
    return fail(Errc::bad_image, Operation::import, path + ": too large for a boot profile");
  }
  std::vector<std::byte> bytes(stat.size.value());
  WEFT_TRY(const std::size_t got, file->read_at(ByteOffset(0), bytes));
  bytes.resize(got);
  auto profile = fetcher::decode_profile(bytes);
  if (!profile) {
    return fail(Errc::bad_image, Operation::import, path + ": " + profile.error().detail);
  }
  return profile;
}

}  // namespace

Reply list_profiles(Node& node, const Call&, const CallContext&) {
  WEFT_TRY(const auto images, node.store().profiled_images());
  WEFT_TRY(const auto entries, node.store().list());
  json::array list;
  for (const ImageId& image : images) {
    WEFT_TRY(const auto kept, node.profiles().kept(image));
    if (!kept) continue;
    json::object view = summary_json(*kept);
    const auto here = std::ranges::find(entries, image, [](const auto& e) { return e.info.id; });
    view["image"] = to_hex(image);
    view["name"] = here == entries.end() ? "" : here->name;
    list.push_back(std::move(view));
  }
  return json::object{{"profiles", std::move(list)}};
}

Reply get_profile(Node& node, const Call& call, const CallContext&) {
  WEFT_TRY(const auto entries, query_number(call, "entries"));
  WEFT_TRY(const auto shown, show(node, call.path[2]));
  return to_json(shown, entries.value_or(0));
}

Reply export_profile(Node& node, const Call& call, const CallContext&) {
  WEFT_TRY(const Named named, find_named(node, call.path[2]));
  WEFT_TRY(const auto kept, node.profiles().kept(named.image));
  if (!kept) return no_profile(call.path[2]);
  json::object view = summary_json(*kept);
  view["image"] = to_hex(named.image);
  view["data"] = to_hex(fetcher::encode_profile(kept->profile));
  return view;
}

Reply import_profile(Node& node, const Call& call, const CallContext&) {
  WEFT_CHECK(only_members(call, {"file"}));
  WEFT_TRY(const auto path, required_text(call, "file"));
  if (!path.starts_with('/')) {
    return fail(Errc::bad_request, Operation::import, "\"file\" must be an absolute path");
  }
  WEFT_TRY(const auto profile, read_profile(path));
  WEFT_CHECK(node.profiles().import(profile));
  spdlog::info("boot profile imported image={} blocks={} file={}", to_hex(profile.image),
               profile.entries.size(), path);
  WEFT_TRY(const auto kept, node.profiles().kept(profile.image));
  if (!kept) return no_profile(to_hex(profile.image));
  json::object view = summary_json(*kept);
  view["image"] = to_hex(profile.image);
  return view;
}

Reply drop_profile(Node& node, const Call& call, const CallContext&) {
  WEFT_TRY(const Named named, find_named(node, call.path[2]));
  WEFT_TRY(const bool dropped, node.profiles().drop(named.image));
  if (!dropped) return no_profile(call.path[2]);
  spdlog::info("boot profile dropped image={}", to_hex(named.image));
  return json::object{{"dropped", to_hex(named.image)}};
}

Reply record_boot(Node& node, const Call& call, const CallContext&) {
  WEFT_CHECK(only_members(call, {"target", "action"}));
  WEFT_TRY(const auto target, required_text(call, "target"));
  WEFT_TRY(const auto action, required_text(call, "action"));
  if (node.mounts() == nullptr) {
    return fail(Errc::no_daemon, Operation::mount, "this node cannot hold mounts");
  }
  if (action == "start") {
    WEFT_CHECK(node.mounts()->start_recording(target));
    return json::object{{"recording", target}};
  }
  if (action != "stop") {
    return fail(Errc::bad_request, Operation::control, "\"action\" is start or stop");
  }
  WEFT_TRY(auto profile, node.mounts()->stop_recording(target));
  const ImageId image = profile.image;
  ProfileBook::Kept recorded{.profile = std::move(profile), .recorded = 1};
  json::object view = summary_json(recorded);
  view["image"] = to_hex(image);
  return view;
}

}  // namespace weft::tools::api
