// SPDX-License-Identifier: Apache-2.0
#include "indexer/catalog/signature_rows.h"

#include "indexer/catalog/id_column.h"

#include <utility>

namespace weft::catalog {

using sqlite::Database;
using sqlite::Statement;

Result<SignatureRows> SignatureRows::prepare(Database& db) {
  SignatureRows rows;
  const std::pair<Statement*, const char*> table[] = {
      {&rows.put_,
       "INSERT INTO signature (image, used, bytes, data)"
       " VALUES (?1, (SELECT coalesce(max(used), 0) + 1 FROM signature), ?2, ?3)"
       " ON CONFLICT (image) DO UPDATE"
       " SET used = excluded.used, bytes = excluded.bytes, data = excluded.data"},
      {&rows.get_,
       "SELECT data, used, (SELECT max(used) FROM signature) FROM signature WHERE image = ?"},
      {&rows.touch_,
       "UPDATE signature SET used = (SELECT max(used) + 1 FROM signature) WHERE image = ?"},
      {&rows.remove_, "DELETE FROM signature WHERE image = ?"},
      {&rows.list_, "SELECT image FROM signature INDEXED BY signature_by_use ORDER BY used DESC"},
      {&rows.totals_,
       "SELECT count(*), coalesce(sum(bytes), 0) FROM signature INDEXED BY signature_by_use"},
      {&rows.drop_oldest_,
       "DELETE FROM signature WHERE image ="
       " (SELECT image FROM signature ORDER BY used LIMIT 1)"},
  };
  for (const auto& [statement, sql] : table) {
    WEFT_TRY(*statement, Statement::prepare(db, sql));
  }
  return rows;
}

Result<void> SignatureRows::put(Database& db, const ImageId& id, std::span<const std::byte> encoded,
                                SignatureLimits limits) {
  if (encoded.size() > limits.bytes.value()) return {};
  WEFT_TRY(auto transaction, sqlite::Transaction::begin(db));
  WEFT_CHECK(put_.use()(id.view())(static_cast<std::int64_t>(encoded.size()))(encoded).done());
  WEFT_CHECK(drop_beyond(limits));
  return transaction.commit();
}

Result<void> SignatureRows::drop_beyond(SignatureLimits limits) {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  do {
    {
      auto row = totals_.use();
      WEFT_TRY([[maybe_unused]] const bool one, row.step());
      count = static_cast<std::uint64_t>(row.integer(0));
      bytes = static_cast<std::uint64_t>(row.integer(1));
    }
    if (count <= limits.count && bytes <= limits.bytes.value()) return {};
    WEFT_CHECK(drop_oldest_.use().done());
  } while (count > 0);
  return {};
}

Result<std::optional<std::vector<std::byte>>> SignatureRows::get(const ImageId& id) {
  std::vector<std::byte> data;
  std::int64_t unused_for = 0;
  {
    auto row = get_.use();
    WEFT_TRY(const bool found, row(id.view()).step());
    if (!found) return std::nullopt;
    const auto blob = row.blob(0);
    data.assign(blob.begin(), blob.end());
    unused_for = row.integer(2) - row.integer(1);
  }
  if (unused_for > use_slack) WEFT_CHECK(touch_.use()(id.view()).done());
  return data;
}

Result<void> SignatureRows::remove(const ImageId& id) {
  return remove_.use()(id.view()).done();
}

Result<std::vector<ImageId>> SignatureRows::list() {
  auto rows = list_.use();
  return ids_in<ImageId>(rows);
}

}  // namespace weft::catalog
