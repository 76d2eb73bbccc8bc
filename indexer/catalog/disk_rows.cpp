// SPDX-License-Identifier: Apache-2.0
#include "indexer/catalog/disk_rows.h"

#include "indexer/catalog/id_column.h"

namespace weft::catalog {
namespace {

Result<DiskRow> disk_in(const sqlite::Statement::Use& row) {
  DiskRow disk{.name = std::string(row.text(0)), .base = {}, .created = row.integer(2)};
  WEFT_TRY(disk.base, id_in<ImageId>(row, 1));
  return disk;
}

}  // namespace

using sqlite::Database;
using sqlite::Statement;

Result<DiskRows> DiskRows::prepare(Database& db) {
  DiskRows rows;
  WEFT_TRY(rows.list_,
           Statement::prepare(db, "SELECT name, base, created FROM disk ORDER BY name"));
  WEFT_TRY(rows.find_,
           Statement::prepare(db, "SELECT name, base, created FROM disk WHERE name = ?"));
  WEFT_TRY(rows.over_,
           Statement::prepare(db, "SELECT name FROM disk WHERE base = ? ORDER BY name"));
  WEFT_TRY(rows.add_, Statement::prepare(db,
                                         "INSERT INTO disk (name, base, created)"
                                         " VALUES (?, ?, CAST(strftime('%s', 'now') AS INTEGER))"));
  WEFT_TRY(rows.remove_, Statement::prepare(db, "DELETE FROM disk WHERE name = ?"));
  return rows;
}

Result<std::vector<DiskRow>> DiskRows::list() {
  auto row = list_.use();
  std::vector<DiskRow> out;
  for (;;) {
    WEFT_TRY(const bool more, row.step());
    if (!more) return out;
    WEFT_TRY(out.emplace_back(), disk_in(row));
  }
}

Result<std::optional<DiskRow>> DiskRows::find(std::string_view name) {
  auto row = find_.use();
  WEFT_TRY(const bool found, row(name).step());
  if (!found) return std::nullopt;
  WEFT_TRY(DiskRow disk, disk_in(row));
  return disk;
}

Result<std::vector<std::string>> DiskRows::names_over(const ImageId& base) {
  auto row = over_.use();
  row(base.view());
  std::vector<std::string> out;
  for (;;) {
    WEFT_TRY(const bool more, row.step());
    if (!more) return out;
    out.emplace_back(row.text(0));
  }
}

Result<void> DiskRows::add(std::string_view name, const ImageId& base) {
  return add_.use()(name)(base.view()).done();
}

Result<void> DiskRows::remove(std::string_view name) {
  return remove_.use()(name).done();
}

}  // namespace weft::catalog
