// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/disk_store.h"

#include "indexer/store/disk_update.h"
#include "indexer/store/import_writer.h"
#include "indexer/store/removal.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace weft {

bool is_valid_image_name(std::string_view name) noexcept {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 128 && name[0] != '.' && name[0] != '-' &&
         std::ranges::all_of(name, allowed);
}

Result<std::unique_ptr<Store>> Store::open(FileSystem& fs, StoreOptions options) {
  WEFT_TRY(auto directory, StateDirectory::open(fs, options.directory));
  WEFT_TRY(auto catalog, Catalog::open(directory.catalog()));
  auto table = std::make_shared<ImageTable>(fs, std::move(directory), std::move(catalog),
                                            options.free_space_floor);
  WEFT_CHECK(table->start());
  WEFT_TRY(const Digest boot, boot_of(fs, options.boot));
  {
    const Lock flushing(table->flushing());
    const Lock changes(table->changes());
    const ExclusiveLock lending(table->lending());
    WEFT_CHECK(Removal(*table).tidy());
  }
  auto store = std::make_unique<DiskStore>(std::move(table), boot);
  WEFT_CHECK(store->disks()->start());
  return store;
}

DiskStore::~DiskStore() {
  // What could not be flushed is found again by hashing.
  [[maybe_unused]] const auto stopped = table_->stop();
}

Result<ImageEntry> DiskStore::entry_of(const ImageId& id, std::string name) {
  WEFT_TRY(const auto image, table_->open(id));
  return ImageEntry{std::move(name), image->info(), image->usage(), image->in_place(),
                    image->row().source};
}

Result<std::vector<ImageEntry>> DiskStore::list() {
  const Lock lock(table_->changes());
  WEFT_TRY(const auto names, table_->catalog().names());
  std::vector<ImageEntry> out;
  for (const auto& [name, id] : names) {
    WEFT_TRY(out.emplace_back(), entry_of(id, name));
  }
  for (const ImageId& id : table_->unnamed()) {
    const bool got_a_name = std::ranges::count(names, id, [](const auto& n) { return n.second; });
    if (got_a_name) continue;
    WEFT_TRY(out.emplace_back(), entry_of(id, ""));
  }
  return out;
}

Result<DiskStore::Found> DiskStore::resolve(std::string_view name_or_id) {
  WEFT_TRY(const auto named, table_->catalog().image_named(name_or_id));
  if (named) return Found{*named, std::string(name_or_id)};
  std::vector<ImageId> matches;
  for (const CatalogImage& row : table_->rows()) {
    if (!row.lender && is_prefix_of(name_or_id, row.info.id)) matches.push_back(row.info.id);
  }
  const std::string asked(name_or_id);
  if (matches.empty()) return fail(Errc::unknown_image, Operation::catalog, asked);
  if (matches.size() > 1) {
    return fail(Errc::ambiguous_image, Operation::catalog,
                asked + " is the beginning of several ids; give more digits");
  }
  return Found{matches.front(), ""};
}

Result<ImageEntry> DiskStore::find(std::string_view name_or_id) {
  const Lock lock(table_->changes());
  WEFT_TRY(Found found, resolve(name_or_id));
  if (found.name.empty()) {
    WEFT_TRY(const auto names, table_->catalog().names_of(found.id));
    if (!names.empty()) found.name = names.front();
  }
  return entry_of(found.id, found.name);
}

Result<std::shared_ptr<LocalImage>> DiskStore::image(const ImageId& id) {
  const Lock lock(table_->changes());
  return table_->handle(id);
}

Result<std::shared_ptr<LocalImage>> DiskStore::adopt(std::string_view name, const ImageInfo& info) {
  if (!is_valid_image_name(name)) {
    return fail(Errc::bad_name, Operation::catalog,
                "'" + std::string(name) + "': use letters, digits, '.', '_' and '-'");
  }
  if (!is_consistent(info)) {
    return fail(Errc::bad_request, Operation::catalog, "id, size and root do not belong together");
  }
  const Lock changes(table_->changes());
  WEFT_TRY(const auto known, table_->catalog().image(info.id));
  const CatalogImage row = known.value_or(CatalogImage{info, false, "", false});
  const auto add = [&] { return table_->catalog().add(name, row); };
  if (known) {
    WEFT_CHECK(add());
    table_->wake(row);
  } else {
    WEFT_TRY(const ImagePaths empty, table_->directory().make_incoming());
    WEFT_CHECK(table_->take_in(empty, row, add));
  }
  return table_->handle(info.id);
}

Result<std::unique_ptr<ImageWriter>> DiskStore::begin_import(ImportTarget target) {
  return ImportWriter::begin(table_, std::move(target));
}

Result<std::unique_ptr<UpdateWriter>> DiskStore::begin_update(UpdateTarget target) {
  return DiskUpdate::begin(table_, std::move(target));
}

Result<void> DiskStore::collect_unnamed(const std::function<bool(const ImageId&)>& keep) {
  std::set<ImageId> candidates;
  {
    const Lock changes(table_->changes());
    candidates = table_->unnamed();
  }
  for (const ImageId& id : candidates) {
    if (keep(id)) continue;
    const Lock flushing(table_->flushing());
    const Lock changes(table_->changes());
    WEFT_CHECK(Removal::collect_unnamed(*table_, id));
  }
  return {};
}

Result<void> DiskStore::check_no_disks(const ImageId& id) {
  WEFT_TRY(const auto disks, table_->catalog().disks_over(id));
  if (disks.empty()) return {};
  std::string names;
  for (const auto& name : disks)
    names += (names.empty() ? "" : ", ") + name;
  return fail(Errc::image_in_use, Operation::remove,
              "disks lie over it: " + names + "; remove them first (weft disk rm)");
}

Result<RemovalReport> DiskStore::remove(std::string_view name_or_id) {
  const Lock flushing(table_->flushing());
  const Lock changes(table_->changes());
  WEFT_TRY(const Found found, resolve(name_or_id));
  WEFT_TRY(const auto names, table_->catalog().names_of(found.id));
  if (names.size() > 1) {
    if (found.name.empty()) {
      return fail(Errc::image_in_use, Operation::remove,
                  "it has " + std::to_string(names.size()) + " names, '" + names.front() +
                      "' is one; remove it by each of them");
    }
    WEFT_CHECK(table_->catalog().remove_name(found.name));
    return RemovalReport{};
  }
  WEFT_CHECK(check_no_disks(found.id));
  if (table_->in_use(found.id)) {
    return fail(Errc::image_in_use, Operation::remove,
                std::string(name_or_id) + " is mounted, served or being fetched; stop that first");
  }
  const ExclusiveLock lending(table_->lending());
  WEFT_TRY(const RemovalReport report, Removal(*table_).remove(found.id));
  table_->forget_unnamed(found.id);
  return report;
}

Result<void> DiskStore::give_up(std::shared_ptr<LocalImage> image) {
  const ImageId id = image->info().id;
  const auto in_use = [](std::string why) {
    return fail(Errc::image_in_use, Operation::remove, std::move(why));
  };
  const Lock flushing(table_->flushing());
  const Lock changes(table_->changes());
  WEFT_TRY(const auto names, table_->catalog().names_of(id));
  if (names.size() > 1) return in_use("it has " + std::to_string(names.size()) + " names");
  WEFT_CHECK(check_no_disks(id));
  if (image.use_count() > 1) {
    return in_use("it is mounted, served or being fetched; stop that first");
  }
  const ExclusiveLock lending(table_->lending());
  Removal removal(*table_);
  WEFT_TRY(const bool lends, removal.lends(id));
  if (lends) return in_use("other images have blocks in its pack");
  image.reset();
  WEFT_CHECK(removal.remove(id));
  table_->forget_unnamed(id);
  return {};
}

Result<void> DiskStore::read_by_digest(const Digest& digest, std::span<std::byte> block) {
  WEFT_TRY(const auto found, holdings_.read({&digest, 1}, block));
  if (found.front()) return {};
  return fail(Errc::not_resident, Operation::read, "no local block has digest " + to_hex(digest));
}

Result<Signature> DiskStore::signature(const ImageId& id, std::size_t max_keys) {
  auto known = table_->signatures().signature(id, max_keys);
  if (known || !known.error().is(Errc::not_resident)) return known;
  // Its tree may have become whole since the last flush.
  const auto image = table_->open(id);
  if (!image || (*image)->row().lender) return known;
  WEFT_CHECK((*image)->refresh_index(false));
  return table_->signatures().signature(id, max_keys);
}

}  // namespace weft
