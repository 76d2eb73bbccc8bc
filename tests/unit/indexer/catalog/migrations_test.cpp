// SPDX-License-Identifier: Apache-2.0
#include "indexer/catalog/migrations.h"

#include "indexer/catalog/catalog.h"
#include "indexer/catalog/schema.h"
#include "tests/support/indexer/temp_directory.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>

namespace weft::catalog {
namespace {

std::string old_schema() {
  std::ifstream file(WEFT_OLD_SCHEMA);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Migrations : public ::testing::Test {
 protected:
  sqlite::Database open() {
    auto db = sqlite::Database::open(dir_ / "db");
    EXPECT_TRUE(db);
    return std::move(*db);
  }
  const test::TempDirectory dir_;
};

TEST_F(Migrations, database_of_version_1_is_opened_by_todays_catalog) {
  {
    auto db = open();
    ASSERT_TRUE(db.run(old_schema().c_str()));
    ASSERT_TRUE(db.run("PRAGMA user_version = 1"));
    ASSERT_TRUE(db.run("INSERT INTO setting VALUES ('peer', 'a', '{}')"));
  }
  const auto opened = Catalog::open(dir_ / "db");
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(*(*opened)->setting("peer", "a"), "{}");
  EXPECT_EQ(*open().integer("PRAGMA user_version"), schema_version);
}

TEST_F(Migrations, migrated_database_has_the_tables_of_a_new_one) {
  auto db = open();
  ASSERT_TRUE(db.run(old_schema().c_str()));
  ASSERT_TRUE(db.run("PRAGMA user_version = 1"));
  ASSERT_TRUE(bring_up_to_date(db, schema_sql, schema_version, migrations()));
  auto fresh = sqlite::Database::open(dir_ / "fresh");
  ASSERT_TRUE(fresh);
  ASSERT_TRUE(bring_up_to_date(*fresh, schema_sql, schema_version, migrations()));
  constexpr const char* everything =
      "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)";
  EXPECT_EQ(*db.text(everything), *fresh->text(everything));
}

TEST_F(Migrations, steps_run_in_order_and_keep_the_rows) {
  auto db = open();
  ASSERT_TRUE(bring_up_to_date(db, "CREATE TABLE t (a)", 1, {}));
  ASSERT_TRUE(db.run("INSERT INTO t VALUES (5)"));
  const std::array steps = {Migration{1, "ALTER TABLE t ADD COLUMN b DEFAULT 7"},
                            Migration{2, "UPDATE t SET b = b + a"}};
  ASSERT_TRUE(bring_up_to_date(db, "", 3, steps));
  EXPECT_EQ(*db.integer("SELECT b FROM t"), 12);
  EXPECT_EQ(*db.integer("PRAGMA user_version"), 3);
}

TEST_F(Migrations, step_that_fails_leaves_the_version_before_it) {
  auto db = open();
  ASSERT_TRUE(bring_up_to_date(db, "CREATE TABLE t (a)", 1, {}));
  const std::array steps = {Migration{1, "CREATE TABLE u (a)"},
                            Migration{2, "CREATE TABLE v (a); INSERT INTO nowhere VALUES (1)"}};
  EXPECT_FALSE(bring_up_to_date(db, "", 3, steps));
  EXPECT_EQ(*db.integer("PRAGMA user_version"), 2);
  EXPECT_EQ(*db.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'v'"), 0);
}

TEST_F(Migrations, newer_database_is_left_alone) {
  auto db = open();
  ASSERT_TRUE(db.run("CREATE TABLE t (a); PRAGMA user_version = 9"));
  const auto done = bring_up_to_date(db, "", 1, {});
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().is(Errc::newer_state));
}

TEST_F(Migrations, database_of_another_program_is_not_taken_over) {
  auto db = open();
  ASSERT_TRUE(db.run("CREATE TABLE theirs (a)"));
  const auto done = bring_up_to_date(db, schema_sql, schema_version, migrations());
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().is(Errc::damaged_state));
}

}  // namespace
}  // namespace weft::catalog
