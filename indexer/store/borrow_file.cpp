// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/borrow_file.h"

#include <algorithm>
#include <array>

namespace weft {

Result<BorrowFile::Opened> BorrowFile::open(std::unique_ptr<File> file, const ImageId& image,
                                            BlockCount blocks) {
  std::array<std::byte, BorrowHeader::size> raw{};
  WEFT_TRY(const std::size_t got, file->read_at(ByteOffset(0), raw));
  const auto header = BorrowHeader::decode(std::span(raw).first(got));
  if (!header && header.error().is(Errc::newer_state)) return std::unexpected(header.error());
  if (!header || header->image != image) {
    WEFT_CHECK(file->truncate(ByteCount(0)));
    WEFT_CHECK(file->write_at(ByteOffset(0), BorrowHeader{image}.encode()));
    return Opened{BorrowFile(std::move(file), ByteOffset(BorrowHeader::size)), {}};
  }
  std::vector<BorrowRecord> records;
  std::vector<std::byte> page(std::size_t{1024} * BorrowRecord::size);
  ByteOffset at(BorrowHeader::size);
  for (;;) {
    WEFT_TRY(const std::size_t bytes, file->read_at(at, page));
    // A torn record at the end is written over by the next append.
    const std::size_t whole = bytes / BorrowRecord::size;
    for (std::size_t i = 0; i < whole; ++i) {
      const auto one = std::span(page).subspan(i * BorrowRecord::size, BorrowRecord::size);
      if (auto record = BorrowRecord::decode(one, blocks)) records.push_back(*record);
    }
    at += ByteCount(whole * BorrowRecord::size);
    if (bytes < page.size()) break;
  }
  return Opened{BorrowFile(std::move(file), at), std::move(records)};
}

Result<void> BorrowFile::append(std::span<const BorrowRecord> records) {
  std::vector<std::byte> raw;
  raw.reserve(records.size() * BorrowRecord::size);
  for (const BorrowRecord& record : records) {
    const auto one = record.encode();
    raw.insert(raw.end(), one.begin(), one.end());
  }
  WEFT_CHECK(file_->write_at(end_, raw));
  end_ += ByteCount(raw.size());
  return {};
}

}  // namespace weft
