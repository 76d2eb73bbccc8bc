// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/catalog/catalog.h"
#include "indexer/catalog/sqlite.h"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace weft::catalog {

/// The table `signature`: encoded signatures of images at peers, the least recently used ones
/// dropped. Not thread-safe: the owner of the connection locks, and keeps it longer than this.
class SignatureRows {
 public:
  /// How many others may be used before a use is written down again. *Rationale:* a use is a
  /// transaction with a sync; an order that is off by so few costs nothing.
  static constexpr std::int64_t use_slack = 64;

  [[nodiscard]] static Result<SignatureRows> prepare(sqlite::Database& db);

  [[nodiscard]] Result<void> put(sqlite::Database& db, const ImageId& id,
                                 std::span<const std::byte> encoded, SignatureLimits limits);
  [[nodiscard]] Result<std::optional<std::vector<std::byte>>> get(const ImageId& id);
  [[nodiscard]] Result<void> remove(const ImageId& id);
  [[nodiscard]] Result<std::vector<ImageId>> list();

 private:
  [[nodiscard]] Result<void> drop_beyond(SignatureLimits limits);

  sqlite::Statement put_, get_, touch_, remove_, list_, totals_, drop_oldest_;
};

}  // namespace weft::catalog
