// SPDX-License-Identifier: Apache-2.0
#include "indexer/catalog/profile_rows.h"

#include "indexer/catalog/id_column.h"

#include <utility>

namespace weft::catalog {
namespace {

using sqlite::Database;
using sqlite::Statement;

Result<ProfileOrigin> origin_in(const Statement::Use& row, int column) {
  switch (row.integer(column)) {
    case 0:
      return ProfileOrigin::recorded;
    case 1:
      return ProfileOrigin::peer;
    case 2:
      return ProfileOrigin::imported;
    default:
      return fail(Errc::damaged_state, Operation::catalog, "a boot profile of unknown origin");
  }
}

}  // namespace

Result<ProfileRows> ProfileRows::prepare(Database& db) {
  ProfileRows rows;
  const std::pair<Statement*, const char*> table[] = {
      {&rows.add_,
       "INSERT INTO profile (image, origin, made, used, bytes, data)"
       " VALUES (?, ?, ?, (SELECT coalesce(max(used), 0) + 1 FROM profile), ?, ?)"},
      {&rows.drop_from_peers_, "DELETE FROM profile WHERE image = ? AND origin = 1"},
      {&rows.drop_older_,
       "DELETE FROM profile WHERE image = ?1 AND id NOT IN"
       " (SELECT id FROM profile WHERE image = ?1 ORDER BY id DESC LIMIT ?2)"},
      {&rows.of_, "SELECT origin, made, data FROM profile WHERE image = ? ORDER BY id"},
      {&rows.use_,
       "UPDATE profile SET used = (SELECT max(used) + 1 FROM profile) WHERE image = ?1"
       " AND used < (SELECT max(used) FROM profile)"},
      {&rows.drop_, "DELETE FROM profile WHERE image = ?"},
      {&rows.images_, "SELECT image FROM profile GROUP BY image ORDER BY max(used) DESC"},
      {&rows.count_, "SELECT count(*) FROM profile WHERE image = ?"},
      {&rows.totals_,
       "SELECT count(*), coalesce(sum(bytes), 0) FROM profile INDEXED BY profile_by_use"},
      {&rows.drop_least_used_,
       "DELETE FROM profile WHERE id = (SELECT id FROM profile ORDER BY used, id LIMIT 1)"},
  };
  for (const auto& [statement, sql] : table) {
    WEFT_TRY(*statement, Statement::prepare(db, sql));
  }
  return rows;
}

Result<void> ProfileRows::add(Database& db, const ImageId& image, const ProfileRow& row,
                              ProfileLimits limits) {
  const std::size_t size = row.encoded.size();
  if (size > limits.bytes.value()) return {};
  WEFT_TRY(auto transaction, sqlite::Transaction::begin(db));
  // What a peer said is replaced by what it says now, and by what was seen here.
  WEFT_CHECK(drop_from_peers_.use()(image.view()).done());
  {
    auto add = add_.use();
    add(image.view())(static_cast<std::int64_t>(row.origin))(row.made);
    WEFT_CHECK(add(static_cast<std::int64_t>(size))(row.encoded).done());
  }
  WEFT_CHECK(use_.use()(image.view()).done());
  WEFT_CHECK(drop_older_.use()(image.view())(static_cast<std::int64_t>(limits.of_image)).done());
  WEFT_CHECK(drop_beyond(limits));
  return transaction.commit();
}

Result<void> ProfileRows::drop_beyond(ProfileLimits limits) {
  for (;;) {
    {
      auto row = totals_.use();
      WEFT_TRY([[maybe_unused]] const bool one, row.step());
      const auto count = static_cast<std::uint64_t>(row.integer(0));
      const auto bytes = static_cast<std::uint64_t>(row.integer(1));
      if (count == 0 || (count <= limits.rows && bytes <= limits.bytes.value())) return {};
    }
    WEFT_CHECK(drop_least_used_.use().done());
  }
}

Result<std::vector<ProfileRow>> ProfileRows::of(const ImageId& image) {
  auto row = of_.use();
  row(image.view());
  std::vector<ProfileRow> out;
  for (;;) {
    WEFT_TRY(const bool more, row.step());
    if (!more) return out;
    ProfileRow profile;
    WEFT_TRY(profile.origin, origin_in(row, 0));
    profile.made = row.integer(1);
    const auto data = row.blob(2);
    profile.encoded.assign(data.begin(), data.end());
    out.push_back(std::move(profile));
  }
}

Result<void> ProfileRows::used(const ImageId& image) {
  return use_.use()(image.view()).done();
}

Result<std::int64_t> ProfileRows::count_of(const ImageId& image) {
  auto row = count_.use();
  WEFT_TRY([[maybe_unused]] const bool one, row(image.view()).step());
  return row.integer(0);
}

Result<bool> ProfileRows::drop(Database& db, const ImageId& image) {
  WEFT_TRY(auto transaction, sqlite::Transaction::begin(db));
  WEFT_TRY(const std::int64_t count, count_of(image));
  WEFT_CHECK(drop_.use()(image.view()).done());
  WEFT_CHECK(transaction.commit());
  return count > 0;
}

Result<std::vector<ImageId>> ProfileRows::images() {
  auto rows = images_.use();
  return ids_in<ImageId>(rows);
}

}  // namespace weft::catalog
