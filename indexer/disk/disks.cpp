// SPDX-License-Identifier: Apache-2.0
#include "indexer/disk/disks.h"

#include "indexer/core/hash.h"
#include "indexer/store/store.h"

#include <algorithm>
#include <array>
#include <utility>

namespace weft {
namespace {

// The directory was given a name at random.
DiskSerial serial_from(const std::filesystem::path& directory) {
  const std::string name = directory.filename();
  const Digest digest = sha256(std::as_bytes(std::span(name)));
  DiskSerial serial;
  std::ranges::copy(digest.view().first<sizeof(DiskSerial)>(), serial.begin());
  return serial;
}

Result<void> check_name(std::string_view name) {
  if (is_valid_image_name(name)) return {};
  return fail(Errc::bad_name, Operation::catalog,
              "'" + std::string(name) + "': use letters, digits, '.', '_' and '-'");
}

}  // namespace

Result<Digest> boot_of(FileSystem& /*fs*/, std::string_view text) {
  if (!text.empty()) return sha256(std::as_bytes(std::span(text)));
  // Not through the seam: the machine's, whatever file system stands behind it.
  WEFT_TRY(auto file, posix_file_system().open("/proc/sys/kernel/random/boot_id", OpenMode::read));
  std::array<std::byte, 64> id{};
  WEFT_TRY(const std::size_t got, file->read_at(ByteOffset(0), id));
  return sha256(std::span(id).first(got));
}

Result<void> Disks::start() {
  const Lock changes(table_->changes());
  WEFT_TRY(const auto present, table_->directory().disks_present());
  for (const auto& name : present) {
    WEFT_TRY(const auto row, table_->catalog().disk(name));
    if (!row) WEFT_CHECK(table_->directory().discard_disk(name));
  }
  return {};
}

Result<DiskRow> Disks::row_of(std::string_view name) {
  WEFT_TRY(const auto row, table_->catalog().disk(name));
  if (row) return *row;
  return fail(Errc::unknown_image, Operation::catalog,
              "no disk is called '" + std::string(name) + "'; `weft disk list` shows them");
}

bool Disks::in_use(const std::string& name) {
  const Lock lock(mutex_);
  const auto found = open_.find(name);
  return found != open_.end() && !found->second.expired();
}

Result<std::shared_ptr<WritableDisk>> Disks::open_locked(const DiskRow& row) {
  const Lock lock(mutex_);
  auto& known = open_[row.name];
  if (auto disk = known.lock()) return disk;
  WEFT_TRY(auto base, table_->handle(row.base));
  WEFT_TRY(auto disk, WritableDisk::open(table_->fs(), table_->directory().disk(row.name), row.name,
                                         std::move(base), boot_, &table_->space()));
  known = disk;
  return disk;
}

Result<DiskEntry> Disks::entry_of(const DiskRow& row) {
  WEFT_TRY(const auto image, table_->catalog().image(row.base));
  if (!image) return fail(Errc::damaged_state, Operation::catalog, "disk " + row.name);
  DiskEntry entry{.name = row.name,
                  .base = row.base,
                  .size = image->info.size,
                  .created = row.created,
                  .in_use = in_use(row.name),
                  .usage = {}};
  if (const auto disk = open_locked(row)) entry.usage = (*disk)->usage();
  return entry;
}

Result<std::vector<DiskEntry>> Disks::list() {
  const Lock changes(table_->changes());
  WEFT_TRY(const auto rows, table_->catalog().disks());
  std::vector<DiskEntry> out;
  for (const DiskRow& row : rows) {
    WEFT_TRY(out.emplace_back(), entry_of(row));
  }
  return out;
}

Result<DiskEntry> Disks::find(std::string_view name) {
  const Lock changes(table_->changes());
  WEFT_TRY(const DiskRow row, row_of(name));
  return entry_of(row);
}

Result<bool> Disks::has(std::string_view name) {
  WEFT_TRY(const auto row, table_->catalog().disk(name));
  return row.has_value();
}

Result<void> Disks::create(std::string_view name, const ImageId& base) {
  WEFT_CHECK(check_name(name));
  const Lock changes(table_->changes());
  WEFT_TRY(const auto image, table_->catalog().image(base));
  if (!image || image->lender) return fail(Errc::unknown_image, Operation::catalog, to_hex(base));
  WEFT_TRY(const auto known, table_->catalog().disk(name));
  WEFT_TRY(const auto taken, table_->catalog().image_named(name));
  // Before the directory of a disk of this name is touched.
  if (known || taken) {
    return fail(Errc::name_taken, Operation::catalog,
                "'" + std::string(name) + "' is " + (known ? "a disk" : "an image") +
                    "; choose another name or remove it first");
  }
  auto& directory = table_->directory();
  WEFT_TRY(const ImagePaths incoming, directory.make_incoming());
  const auto made = [&]() -> Result<void> {
    WEFT_CHECK(WritableDisk::make_files(table_->fs(), DiskPaths(incoming.directory),
                                        {serial_from(incoming.directory), base, image->info.size}));
    return directory.admit_disk(incoming.directory, name);
  }();
  if (!made) {
    static_cast<void>(directory.delete_incoming(incoming));
    return made;
  }
  auto added = table_->catalog().add_disk(name, base);
  if (!added) static_cast<void>(directory.discard_disk(name));
  return added;
}

Result<std::shared_ptr<WritableDisk>> Disks::open(std::string_view name) {
  const Lock changes(table_->changes());
  WEFT_TRY(const DiskRow row, row_of(name));
  return open_locked(row);
}

Result<ByteCount> Disks::remove(std::string_view name) {
  const Lock changes(table_->changes());
  WEFT_TRY(const DiskRow row, row_of(name));
  if (in_use(row.name)) {
    return fail(Errc::image_in_use, Operation::remove,
                "disk " + row.name + " is mounted or being committed; stop that first");
  }
  ByteCount freed;
  if (const auto disk = open_locked(row)) freed = (*disk)->usage().physical;
  WEFT_CHECK(table_->catalog().remove_disk(name));
  WEFT_CHECK(table_->directory().discard_disk(name));
  return freed;
}

Result<std::unique_ptr<DiskCommit>> Disks::begin_commit(std::string_view name,
                                                        std::string_view image_name) {
  if (!image_name.empty()) WEFT_CHECK(check_name(image_name));
  const Lock changes(table_->changes());
  WEFT_TRY(const DiskRow row, row_of(name));
  WEFT_TRY(const auto taken, table_->catalog().image_named(image_name));
  WEFT_TRY(const auto disk_taken, table_->catalog().disk(image_name));
  if (taken || disk_taken) {
    return fail(Errc::name_taken, Operation::commit,
                "'" + std::string(image_name) + "'; choose another name for the new image");
  }
  WEFT_TRY(auto disk, open_locked(row));
  WEFT_TRY(auto base, table_->open(row.base));
  return DiskCommit::begin(table_, std::move(disk), std::move(base), std::string(image_name));
}

}  // namespace weft
