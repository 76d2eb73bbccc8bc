// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/error.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

/// A thin RAII layer over SQLite. Errors: Errc::damaged_state for a database that is not one or
/// fails its checks, std::errc::no_space_on_device when the disk is full, std::errc::io_error for
/// the rest, always with SQLite's own words and the statement's operation.
/// Nothing here is thread-safe: the owner of the connection locks.
namespace weft::sqlite {

class Database {
 public:
  /// Created if absent. Waits up to `busy_timeout_ms` for other connections' locks.
  [[nodiscard]] static Result<Database> open(const std::filesystem::path& path,
                                             int busy_timeout_ms = 5000);
  /// Runs statements that return nothing of interest.
  [[nodiscard]] Result<void> run(const char* sql);
  /// First column of the first row.
  [[nodiscard]] Result<std::int64_t> integer(const char* sql);
  [[nodiscard]] Result<std::string> text(const char* sql);
  [[nodiscard]] sqlite3* handle() const noexcept { return db_.get(); }

 private:
  struct Closer {
    void operator()(sqlite3* db) const noexcept;
  };
  std::unique_ptr<sqlite3, Closer> db_;
};

/// A prepared statement, made once and used many times. Must not outlive its database.
class Statement {
 public:
  [[nodiscard]] static Result<Statement> prepare(Database& db, const char* sql);

  /// One use: binds in order, steps through rows, resets at the end of its life.
  class Use {
   public:
    explicit Use(sqlite3_stmt* statement) noexcept : statement_(statement) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use();
    Use& operator()(std::string_view text);
    Use& operator()(std::span<const std::byte> blob);
    Use& operator()(std::int64_t value);
    Use& operator()(double value);
    /// True: a row is there to be read. False: no more rows.
    [[nodiscard]] Result<bool> step();
    /// For statements without rows.
    [[nodiscard]] Result<void> done();
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] double real(int column) const;
    /// Valid until the next step.
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::span<const std::byte> blob(int column) const;

   private:
    sqlite3_stmt* statement_;
    int next_ = 1;
    int bind_result_ = 0;
  };
  [[nodiscard]] Use use() { return Use(statement_.get()); }

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

/// Rolls back unless committed.
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> begin(Database& db);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  [[nodiscard]] Result<void> commit();

 private:
  explicit Transaction(Database& db) : db_(&db) {}
  Database* db_;
};

}  // namespace weft::sqlite
