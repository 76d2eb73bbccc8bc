// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/removal.h"

#include <algorithm>
#include <utility>

namespace weft {

std::vector<BlockRange> merge_ranges(std::vector<BlockRange> ranges) {
  std::ranges::sort(ranges, {}, &BlockRange::first);
  std::vector<BlockRange> out;
  for (const BlockRange& range : ranges) {
    if (!out.empty() && range.first <= out.back().end()) {
      out.back() = BlockRange::between(out.back().first, std::max(out.back().end(), range.end()));
    } else if (!range.empty()) {
      out.push_back(range);
    }
  }
  return out;
}

Result<std::vector<BlockRange>> Removal::needed_of(const ImageId& lender) {
  std::vector<BlockRange> needed;
  WEFT_TRY(const auto borrowers, table_.catalog().borrowers_of(lender));
  for (const ImageId& id : borrowers) {
    WEFT_TRY(const auto borrower, table_.open(id));
    const auto runs = borrower->borrowed_from(lender);
    needed.insert(needed.end(), runs.begin(), runs.end());
  }
  return merge_ranges(std::move(needed));
}

Result<void> Removal::copy_to_borrowers(const ImageId& lender) {
  WEFT_TRY(const auto borrowers, table_.catalog().borrowers_of(lender));
  for (const ImageId& id : borrowers) {
    WEFT_TRY(const auto borrower, table_.open(id));
    WEFT_CHECK(borrower->take_over(lender));
  }
  return {};
}

Result<bool> Removal::lends(const ImageId& id) {
  WEFT_TRY(const auto needed, needed_of(id));
  return !needed.empty();
}

Result<RemovalReport> Removal::remove(const ImageId& id) {
  WEFT_TRY(const auto row, table_.catalog().image(id));
  if (!row) return fail(Errc::unknown_image, Operation::remove, to_hex(id));
  if (row->in_place) WEFT_CHECK(copy_to_borrowers(id));
  WEFT_TRY(const auto keep, needed_of(id));
  WEFT_TRY(const auto lenders, table_.catalog().lenders_of(id));
  if (keep.empty()) {
    WEFT_CHECK(drop(id));
  } else {
    WEFT_CHECK(table_.catalog().make_lender(id));
    for (const ImageId& lender : lenders)
      table_.forget_borrow(id, lender);
    left_over(shrink(*row, keep));
    for (const BlockRange& range : keep)
      report_.kept_for_borrowers += range.count;
  }
  for (const ImageId& lender : lenders)
    left_over(collect(lender));
  return report_;
}

void Removal::left_over(const Result<void>& done) {
  if (!done && !report_.unfinished) report_.unfinished = done.error();
}

// Opened anew as a lender, so that it neither makes an index nor keeps what it knew as an image.
Result<void> Removal::shrink(CatalogImage row, std::span<const BlockRange> keep) {
  row.lender = true;
  table_.close(row.info.id);
  table_.put_row(row);
  WEFT_TRY(const auto image, table_.open(row.info.id));
  const ByteCount before = image->physical_size();
  WEFT_CHECK(image->shrink_to(keep));
  report_.freed += before - std::min(before, image->physical_size());
  return {};
}

Result<void> Removal::drop(const ImageId& id) {
  WEFT_TRY(const auto borrowers, table_.catalog().borrowers_of(id));
  for (const ImageId& borrower : borrowers) {
    WEFT_CHECK(table_.catalog().remove_borrow(borrower, id));
    table_.forget_borrow(borrower, id);
  }
  WEFT_TRY(const auto lenders, table_.catalog().lenders_of(id));
  for (const ImageId& lender : lenders)
    table_.forget_borrow(id, lender);
  // An image whose files cannot be opened can be removed all the same.
  if (const auto image = table_.open(id)) report_.freed += (*image)->physical_size();
  table_.close(id);
  WEFT_CHECK(table_.catalog().remove_image(id));
  table_.drop_row(id);
  left_over(table_.directory().discard(id));
  return {};
}

Result<void> Removal::collect(const ImageId& lender) {
  WEFT_TRY(const auto row, table_.catalog().image(lender));
  if (!row || !row->lender) return {};
  WEFT_TRY(const auto keep, needed_of(lender));
  return keep.empty() ? drop(lender) : shrink(*row, keep);
}

Result<void> Removal::collect_unnamed(ImageTable& table, const ImageId& id) {
  WEFT_TRY(const auto row, table.catalog().image(id));
  WEFT_TRY(const auto names, table.catalog().names_of(id));
  WEFT_TRY(const auto disks, table.catalog().disks_over(id));
  if (row && !row->lender && names.empty()) {
    if (table.in_use(id) || !disks.empty()) {
      table.note_unnamed(id);
      return {};
    }
    const ExclusiveLock lending(table.lending());
    WEFT_CHECK(Removal(table).remove(id));
  }
  table.forget_unnamed(id);
  return {};
}

Result<void> Removal::tidy() {
  for (const CatalogImage& row : table_.rows()) {
    if (row.lender) WEFT_CHECK(collect(row.info.id));
  }
  return {};
}

}  // namespace weft
