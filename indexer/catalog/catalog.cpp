// SPDX-License-Identifier: Apache-2.0
#include "indexer/catalog/catalog.h"

#include "indexer/catalog/disk_rows.h"
#include "indexer/catalog/id_column.h"
#include "indexer/catalog/link_rows.h"
#include "indexer/catalog/migrations.h"
#include "indexer/catalog/profile_rows.h"
#include "indexer/catalog/schema.h"
#include "indexer/catalog/signature_rows.h"
#include "indexer/catalog/sqlite.h"
#include "indexer/core/mutex.h"

#include <algorithm>
#include <random>

namespace weft {
namespace {

using catalog::id_in;
using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

struct Statements {
  Statement images, image, names, image_named, names_of;
  Statement add_image, wake_image, add_name, move_name, remove_name, make_lender, remove_names_of;
  Statement remove_borrows, remove_image, add_borrow, remove_borrow, borrowers_of, lenders_of;
  Statement setting, set_setting, remove_setting, settings;

  [[nodiscard]] Result<void> prepare(Database& db);
};

Result<void> Statements::prepare(Database& db) {
  const std::pair<Statement*, const char*> table[] = {
      {&images, "SELECT id, size, root, in_place, source, lender FROM image ORDER BY id"},
      {&image, "SELECT id, size, root, in_place, source, lender FROM image WHERE id = ?"},
      {&names, "SELECT name, image FROM name ORDER BY name"},
      {&image_named, "SELECT image FROM name WHERE name = ?"},
      {&names_of, "SELECT name FROM name WHERE image = ? ORDER BY name"},
      {&add_image,
       "INSERT INTO image (id, size, root, in_place, source) VALUES (?, ?, ?, ?, ?)"
       " ON CONFLICT DO NOTHING"},
      {&wake_image, "UPDATE image SET lender = 0 WHERE id = ?"},
      {&add_name, "INSERT INTO name (name, image) VALUES (?, ?) ON CONFLICT DO NOTHING"},
      {&move_name, "UPDATE name SET image = ? WHERE name = ?"},
      {&remove_name, "DELETE FROM name WHERE name = ?"},
      {&make_lender, "UPDATE image SET lender = 1 WHERE id = ?"},
      {&remove_names_of, "DELETE FROM name WHERE image = ?"},
      {&remove_borrows, "DELETE FROM borrow WHERE borrower = ?"},
      {&remove_image, "DELETE FROM image WHERE id = ?"},
      {&add_borrow, "INSERT INTO borrow (borrower, lender) VALUES (?, ?) ON CONFLICT DO NOTHING"},
      {&remove_borrow, "DELETE FROM borrow WHERE borrower = ? AND lender = ?"},
      {&borrowers_of, "SELECT borrower FROM borrow WHERE lender = ?"},
      {&lenders_of, "SELECT lender FROM borrow WHERE borrower = ?"},
      {&setting, "SELECT json FROM setting WHERE kind = ? AND key = ?"},
      {&set_setting,
       "INSERT INTO setting (kind, key, json) VALUES (?, ?, ?)"
       " ON CONFLICT DO UPDATE SET json = excluded.json"},
      {&remove_setting, "DELETE FROM setting WHERE kind = ? AND key = ?"},
      {&settings, "SELECT key, json FROM setting WHERE kind = ? ORDER BY key"},
  };
  for (const auto& [statement, sql] : table) {
    WEFT_TRY(*statement, Statement::prepare(db, sql));
  }
  return {};
}

Result<CatalogImage> image_in(const Statement::Use& row) {
  CatalogImage image;
  WEFT_TRY(image.info.id, id_in<ImageId>(row, 0));
  image.info.size = ByteCount(static_cast<std::uint64_t>(row.integer(1)));
  WEFT_TRY(image.info.root, id_in<Digest>(row, 2));
  image.in_place = row.integer(3) != 0;
  image.source = row.text(4);
  image.lender = row.integer(5) != 0;
  if (!is_consistent(image.info)) {
    return fail(Errc::damaged_state, Operation::catalog,
                "image " + to_hex(image.info.id) + " does not match its size and root");
  }
  return image;
}

NodeId random_node_id() {
  std::random_device device;
  NodeId id;
  std::ranges::generate(id.bytes, [&] { return static_cast<std::uint8_t>(device()); });
  return id;
}

class SqliteCatalog final : public Catalog {
 public:
  explicit SqliteCatalog(Database db) : db_(std::move(db)) {}

  Result<void> start() WEFT_EXCLUDES(mutex_);
  const NodeId& node_id() const noexcept override { return node_id_; }

  Result<std::vector<CatalogImage>> images() override {
    const Lock lock(mutex_);
    auto row = s_.images.use();
    std::vector<CatalogImage> out;
    for (;;) {
      WEFT_TRY(const bool more, row.step());
      if (!more) return out;
      WEFT_TRY(out.emplace_back(), image_in(row));
    }
  }

  Result<std::optional<CatalogImage>> image(const ImageId& id) override {
    const Lock lock(mutex_);
    auto row = s_.image.use();
    WEFT_TRY(const bool found, row(id.view()).step());
    if (!found) return std::nullopt;
    WEFT_TRY(CatalogImage image, image_in(row));
    return image;
  }

  Result<std::vector<std::pair<std::string, ImageId>>> names() override {
    const Lock lock(mutex_);
    auto row = s_.names.use();
    std::vector<std::pair<std::string, ImageId>> out;
    for (;;) {
      WEFT_TRY(const bool more, row.step());
      if (!more) return out;
      WEFT_TRY(const ImageId id, id_in<ImageId>(row, 1));
      out.emplace_back(row.text(0), id);
    }
  }

  Result<std::optional<ImageId>> image_named(std::string_view name) override {
    const Lock lock(mutex_);
    return find_name(name);
  }

  Result<std::vector<std::string>> names_of(const ImageId& id) override {
    const Lock lock(mutex_);
    auto row = s_.names_of.use();
    row(id.view());
    std::vector<std::string> out;
    for (;;) {
      WEFT_TRY(const bool more, row.step());
      if (!more) return out;
      out.emplace_back(row.text(0));
    }
  }

  Result<void> add(std::string_view name, const CatalogImage& image,
                   std::span<const ImageId> lenders) override;
  Result<void> move_name(std::string_view name, const ImageId& from, const CatalogImage& to,
                         std::span<const ImageId> lenders) override;

  Result<void> wake(const ImageId& id) override {
    const Lock lock(mutex_);
    return s_.wake_image.use()(id.view()).done();
  }

  Result<void> remove_name(std::string_view name) override {
    const Lock lock(mutex_);
    return s_.remove_name.use()(name).done();
  }

  Result<void> make_lender(const ImageId& id) override {
    const Lock lock(mutex_);
    WEFT_TRY(auto transaction, Transaction::begin(db_));
    WEFT_CHECK(s_.remove_names_of.use()(id.view()).done());
    WEFT_CHECK(s_.remove_borrows.use()(id.view()).done());
    WEFT_CHECK(s_.make_lender.use()(id.view()).done());
    return transaction.commit();
  }

  Result<void> remove_image(const ImageId& id) override {
    const Lock lock(mutex_);
    WEFT_TRY(auto transaction, Transaction::begin(db_));
    WEFT_CHECK(s_.remove_names_of.use()(id.view()).done());
    WEFT_CHECK(s_.remove_borrows.use()(id.view()).done());
    WEFT_CHECK(s_.remove_image.use()(id.view()).done());
    return transaction.commit();
  }

  Result<void> add_borrow(const ImageId& borrower, const ImageId& lender) override {
    const Lock lock(mutex_);
    return s_.add_borrow.use()(borrower.view())(lender.view()).done();
  }

  Result<void> remove_borrow(const ImageId& borrower, const ImageId& lender) override {
    const Lock lock(mutex_);
    return s_.remove_borrow.use()(borrower.view())(lender.view()).done();
  }

  Result<std::vector<ImageId>> borrowers_of(const ImageId& lender) override {
    const Lock lock(mutex_);
    return ids(s_.borrowers_of, lender);
  }

  Result<std::vector<ImageId>> lenders_of(const ImageId& borrower) override {
    const Lock lock(mutex_);
    return ids(s_.lenders_of, borrower);
  }

  Result<std::optional<std::string>> setting(std::string_view kind, std::string_view key) override {
    const Lock lock(mutex_);
    auto row = s_.setting.use();
    WEFT_TRY(const bool found, row(kind)(key).step());
    if (!found) return std::nullopt;
    return std::string(row.text(0));
  }

  Result<void> set_setting(std::string_view kind, std::string_view key,
                           std::optional<std::string_view> json) override {
    const Lock lock(mutex_);
    if (!json) return s_.remove_setting.use()(kind)(key).done();
    return s_.set_setting.use()(kind)(key)(*json).done();
  }

  Result<std::vector<std::pair<std::string, std::string>>> settings(
      std::string_view kind) override {
    const Lock lock(mutex_);
    auto row = s_.settings.use();
    row(kind);
    std::vector<std::pair<std::string, std::string>> out;
    for (;;) {
      WEFT_TRY(const bool more, row.step());
      if (!more) return out;
      out.emplace_back(row.text(0), row.text(1));
    }
  }

  Result<void> put_signature(const ImageId& id, std::span<const std::byte> encoded,
                             SignatureLimits limits) override {
    const Lock lock(mutex_);
    return signatures_.put(db_, id, encoded, limits);
  }
  Result<std::optional<std::vector<std::byte>>> signature(const ImageId& id) override {
    const Lock lock(mutex_);
    return signatures_.get(id);
  }
  Result<void> remove_signature(const ImageId& id) override {
    const Lock lock(mutex_);
    return signatures_.remove(id);
  }
  Result<std::vector<ImageId>> signatures() override {
    const Lock lock(mutex_);
    return signatures_.list();
  }

  Result<void> put_links(std::span<const LinkRow> links) override {
    const Lock lock(mutex_);
    return links_.replace(db_, links);
  }
  Result<std::vector<LinkRow>> links() override {
    const Lock lock(mutex_);
    return links_.list();
  }

  Result<void> add_profile(const ImageId& image, const ProfileRow& row,
                           ProfileLimits limits) override {
    const Lock lock(mutex_);
    return profiles_.add(db_, image, row, limits);
  }
  Result<std::vector<ProfileRow>> profiles(const ImageId& image) override {
    const Lock lock(mutex_);
    return profiles_.of(image);
  }
  Result<void> profile_used(const ImageId& image) override {
    const Lock lock(mutex_);
    return profiles_.used(image);
  }
  Result<bool> drop_profiles(const ImageId& image) override {
    const Lock lock(mutex_);
    return profiles_.drop(db_, image);
  }
  Result<std::vector<ImageId>> profiled_images() override {
    const Lock lock(mutex_);
    return profiles_.images();
  }

  Result<std::vector<DiskRow>> disks() override {
    const Lock lock(mutex_);
    return disks_.list();
  }
  Result<std::optional<DiskRow>> disk(std::string_view name) override {
    const Lock lock(mutex_);
    return disks_.find(name);
  }
  Result<std::vector<std::string>> disks_over(const ImageId& base) override {
    const Lock lock(mutex_);
    return disks_.names_over(base);
  }
  Result<void> add_disk(std::string_view name, const ImageId& base) override {
    const Lock lock(mutex_);
    WEFT_TRY(auto transaction, Transaction::begin(db_));
    WEFT_TRY(const auto holder, find_name(name));
    if (holder) return name_is_taken(name, "an image");
    WEFT_CHECK(no_disk_named(name));
    WEFT_CHECK(disks_.add(name, base));
    return transaction.commit();
  }
  Result<void> remove_disk(std::string_view name) override {
    const Lock lock(mutex_);
    return disks_.remove(name);
  }

 private:
  Result<std::optional<ImageId>> find_name(std::string_view name) WEFT_REQUIRES(mutex_) {
    auto row = s_.image_named.use();
    WEFT_TRY(const bool found, row(name).step());
    if (!found) return std::nullopt;
    WEFT_TRY(const ImageId id, id_in<ImageId>(row, 0));
    return id;
  }
  static std::unexpected<Error> name_is_taken(std::string_view name, const char* by) {
    return fail(
        Errc::name_taken, Operation::catalog,
        "'" + std::string(name) + "' is " + by + "; choose another name or remove it first");
  }
  Result<void> no_disk_named(std::string_view name) WEFT_REQUIRES(mutex_) {
    WEFT_TRY(const auto disk, disks_.find(name));
    return disk ? name_is_taken(name, "a disk") : Result<void>{};
  }
  Result<void> add_row(const CatalogImage& image) WEFT_REQUIRES(mutex_);
  Result<std::vector<ImageId>> ids(Statement& statement, const ImageId& of) WEFT_REQUIRES(mutex_) {
    auto row = statement.use();
    row(of.view());
    return catalog::ids_in<ImageId>(row);
  }

  // Constant after start().
  NodeId node_id_;

  Mutex mutex_;
  Database db_ WEFT_GUARDED_BY(mutex_);
  Statements s_ WEFT_GUARDED_BY(mutex_);
  catalog::SignatureRows signatures_ WEFT_GUARDED_BY(mutex_);
  catalog::LinkRows links_ WEFT_GUARDED_BY(mutex_);
  catalog::ProfileRows profiles_ WEFT_GUARDED_BY(mutex_);
  catalog::DiskRows disks_ WEFT_GUARDED_BY(mutex_);
};

Result<void> SqliteCatalog::start() {
  const Lock lock(mutex_);
  // Foreign keys are off by default, for each connection.
  WEFT_CHECK(
      db_.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"));
  WEFT_CHECK(catalog::bring_up_to_date(db_, catalog::schema_sql, catalog::schema_version,
                                       catalog::migrations()));
  WEFT_TRY(const std::string verdict, db_.text("PRAGMA quick_check(1)"));
  if (verdict != "ok") return fail(Errc::damaged_state, Operation::catalog, verdict);
  WEFT_CHECK(s_.prepare(db_));
  WEFT_TRY(signatures_, catalog::SignatureRows::prepare(db_));
  WEFT_TRY(links_, catalog::LinkRows::prepare(db_));
  WEFT_TRY(profiles_, catalog::ProfileRows::prepare(db_));
  WEFT_TRY(disks_, catalog::DiskRows::prepare(db_));

  WEFT_TRY(auto make, Statement::prepare(
                          db_, "INSERT INTO node (one, id) VALUES (1, ?) ON CONFLICT DO NOTHING"));
  WEFT_CHECK(make.use()(random_node_id().view()).done());
  WEFT_TRY(auto get, Statement::prepare(db_, "SELECT id FROM node"));
  auto row = get.use();
  WEFT_TRY(const bool found, row.step());
  if (!found) return fail(Errc::damaged_state, Operation::catalog, "no node id");
  WEFT_TRY(node_id_, id_in<NodeId>(row, 0));
  return {};
}

Result<void> SqliteCatalog::add(std::string_view name, const CatalogImage& image,
                                std::span<const ImageId> lenders) {
  const Lock lock(mutex_);
  WEFT_TRY(auto transaction, Transaction::begin(db_));
  WEFT_TRY(const auto holder, find_name(name));
  if (holder && *holder != image.info.id) {
    return fail(Errc::name_taken, Operation::catalog,
                "'" + std::string(name) + "' is image " + to_hex(*holder).substr(0, 16) +
                    "; choose another name or remove it first");
  }
  WEFT_CHECK(no_disk_named(name));
  WEFT_CHECK(add_row(image));
  if (!name.empty()) WEFT_CHECK(s_.add_name.use()(name)(image.info.id.view()).done());
  for (const ImageId& lender : lenders)
    WEFT_CHECK(s_.add_borrow.use()(image.info.id.view())(lender.view()).done());
  return transaction.commit();
}

Result<void> SqliteCatalog::move_name(std::string_view name, const ImageId& from,
                                      const CatalogImage& to, std::span<const ImageId> lenders) {
  const Lock lock(mutex_);
  WEFT_TRY(auto transaction, Transaction::begin(db_));
  WEFT_TRY(const auto holder, find_name(name));
  if (!holder) {
    return fail(Errc::unknown_image, Operation::catalog,
                "'" + std::string(name) + "' was removed meanwhile");
  }
  if (*holder != from) {
    return fail(Errc::name_taken, Operation::catalog,
                "'" + std::string(name) + "' was pointed to image " +
                    to_hex(*holder).substr(0, 16) + " meanwhile; try again");
  }
  WEFT_CHECK(add_row(to));
  WEFT_CHECK(s_.move_name.use()(to.info.id.view())(name).done());
  for (const ImageId& lender : lenders)
    WEFT_CHECK(s_.add_borrow.use()(to.info.id.view())(lender.view()).done());
  return transaction.commit();
}

// Inserts it, or makes a lender an image again.
Result<void> SqliteCatalog::add_row(const CatalogImage& image) {
  const ImageInfo& info = image.info;
  WEFT_CHECK(s_.add_image
                 .use()(info.id.view())(static_cast<std::int64_t>(info.size.value()))(
                     info.root.view())(std::int64_t{image.in_place})(image.source)
                 .done());
  return s_.wake_image.use()(info.id.view()).done();
}

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::open(const std::filesystem::path& path) {
  WEFT_TRY(Database db, Database::open(path));
  auto catalog = std::make_unique<SqliteCatalog>(std::move(db));
  WEFT_CHECK(catalog->start());
  return catalog;
}

}  // namespace weft
