// SPDX-License-Identifier: Apache-2.0
#include "indexer/catalog/link_rows.h"

#include "indexer/catalog/id_column.h"

namespace weft::catalog {

using sqlite::Database;
using sqlite::Statement;

Result<LinkRows> LinkRows::prepare(Database& db) {
  LinkRows rows;
  WEFT_TRY(rows.put_,
           Statement::prepare(
               db,
               "INSERT INTO link (node, address, measured, in_mean, in_deviation, in_samples,"
               " out_mean, out_deviation, out_samples, round_trip, up, lost, events)"
               " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  WEFT_TRY(rows.clear_, Statement::prepare(db, "DELETE FROM link"));
  WEFT_TRY(rows.list_,
           Statement::prepare(
               db,
               "SELECT node, address, measured, in_mean, in_deviation, in_samples, out_mean,"
               " out_deviation, out_samples, round_trip, up, lost, events FROM link"
               " ORDER BY node"));
  return rows;
}

Result<void> LinkRows::replace(Database& db, std::span<const LinkRow> rows) {
  WEFT_TRY(auto transaction, sqlite::Transaction::begin(db));
  WEFT_CHECK(clear_.use().done());
  for (const LinkRow& row : rows) {
    auto put = put_.use();
    put(row.node.view())(row.address)(row.measured);
    put(row.in.mean)(row.in.deviation)(row.in.samples);
    put(row.out.mean)(row.out.deviation)(row.out.samples);
    put(row.round_trip.value_or(-1))(row.up)(row.lost)(row.events);
    WEFT_CHECK(put.done());
  }
  return transaction.commit();
}

Result<std::vector<LinkRow>> LinkRows::list() {
  auto row = list_.use();
  std::vector<LinkRow> out;
  for (;;) {
    WEFT_TRY(const bool more, row.step());
    if (!more) return out;
    WEFT_TRY(const NodeId node, id_in<NodeId>(row, 0));
    LinkRow link{.node = node,
                 .address = std::string(row.text(1)),
                 .measured = row.integer(2),
                 .in = {row.real(3), row.real(4), row.real(5)},
                 .out = {row.real(6), row.real(7), row.real(8)},
                 .round_trip = {},
                 .up = row.real(10),
                 .lost = row.real(11),
                 .events = row.real(12)};
    if (row.real(9) >= 0) link.round_trip = row.real(9);
    out.push_back(std::move(link));
  }
}

}  // namespace weft::catalog
