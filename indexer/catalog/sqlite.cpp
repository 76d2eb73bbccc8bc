// SPDX-License-Identifier: Apache-2.0
#include "indexer/catalog/sqlite.h"

#include <sqlite3.h>

#include <utility>

namespace weft::sqlite {
namespace {

std::unexpected<Error> sqlite_error(sqlite3* db, int code, std::string_view what) {
  std::string detail(what);
  detail += detail.empty() ? "" : ": ";
  detail += db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return fail(Errc::damaged_state, Operation::catalog, std::move(detail));
    case SQLITE_FULL:
      return fail_errno(ENOSPC, Operation::catalog, std::move(detail));
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return fail_errno(EACCES, Operation::catalog, std::move(detail));
    case SQLITE_READONLY:
      return fail_errno(EROFS, Operation::catalog, std::move(detail));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail_errno(EBUSY, Operation::catalog, std::move(detail));
    default:
      return fail_errno(EIO, Operation::catalog, std::move(detail));
  }
}

}  // namespace

void Database::Closer::operator()(sqlite3* db) const noexcept {
  sqlite3_close_v2(db);
}

Result<Database> Database::open(const std::filesystem::path& path, int busy_timeout_ms) {
  sqlite3* raw = nullptr;
  // The owner serialises all use, so SQLite's own mutexes would only cost.
  const int code =
      sqlite3_open_v2(path.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database db;
  db.db_.reset(raw);
  if (code != SQLITE_OK) return sqlite_error(raw, code, path.native());
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, busy_timeout_ms);
  return db;
}

Result<void> Database::run(const char* sql) {
  const int code = sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(handle(), code, "");
  return {};
}

Result<std::int64_t> Database::integer(const char* sql) {
  WEFT_TRY(Statement statement, Statement::prepare(*this, sql));
  auto use = statement.use();
  WEFT_TRY(const bool row, use.step());
  return row ? use.integer(0) : 0;
}

Result<std::string> Database::text(const char* sql) {
  WEFT_TRY(Statement statement, Statement::prepare(*this, sql));
  auto use = statement.use();
  WEFT_TRY(const bool row, use.step());
  return row ? std::string(use.text(0)) : std::string();
}

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Result<Statement> Statement::prepare(Database& db, const char* sql) {
  Statement statement;
  sqlite3_stmt* raw = nullptr;
  const int code =
      sqlite3_prepare_v3(db.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  statement.statement_.reset(raw);
  if (code != SQLITE_OK) return sqlite_error(db.handle(), code, sql);
  return statement;
}

Statement::Use::~Use() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

// The bound memory outlives the use: callers pass their arguments' views and finish at once.
Statement::Use& Statement::Use::operator()(std::string_view text) {
  const int code = sqlite3_bind_text64(statement_, next_++, text.data(), text.size(), SQLITE_STATIC,
                                       SQLITE_UTF8);
  if (code != SQLITE_OK) bind_result_ = code;
  return *this;
}

Statement::Use& Statement::Use::operator()(std::span<const std::byte> blob) {
  const int code =
      sqlite3_bind_blob64(statement_, next_++, blob.data(), blob.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) bind_result_ = code;
  return *this;
}

Statement::Use& Statement::Use::operator()(std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_, next_++, value);
  if (code != SQLITE_OK) bind_result_ = code;
  return *this;
}

Statement::Use& Statement::Use::operator()(double value) {
  const int code = sqlite3_bind_double(statement_, next_++, value);
  if (code != SQLITE_OK) bind_result_ = code;
  return *this;
}

Result<bool> Statement::Use::step() {
  const int code = bind_result_ != SQLITE_OK ? bind_result_ : sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqlite_error(sqlite3_db_handle(statement_), code, sqlite3_sql(statement_));
}

Result<void> Statement::Use::done() {
  WEFT_TRY(bool row, step());
  while (row) {
    WEFT_TRY(row, step());
  }
  return {};
}

std::int64_t Statement::Use::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::Use::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string_view Statement::Use::text(int column) const {
  const auto* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return {};
  return {static_cast<const char*>(static_cast<const void*>(text)),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::span<const std::byte> Statement::Use::blob(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<Transaction> Transaction::begin(Database& db) {
  WEFT_CHECK(db.run("BEGIN IMMEDIATE"));
  return Transaction(db);
}

Transaction::Transaction(Transaction&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}

Transaction::~Transaction() {
  if (db_ == nullptr) return;
  // SQLite has rolled back itself after some errors; a second rollback is harmless then.
  [[maybe_unused]] const auto rolled_back = db_->run("ROLLBACK");
}

Result<void> Transaction::commit() {
  WEFT_CHECK(db_->run("COMMIT"));
  db_ = nullptr;
  return {};
}

}  // namespace weft::sqlite
