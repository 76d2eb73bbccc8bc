// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/borrow_file.h"

#include <algorithm>
#include <array>
#include <vector>

namespace weft {

Result<BorrowFile> BorrowFile::open(std::unique_ptr<File> file, const ImageId& image) {
  std::array<std::byte, BorrowHeader::size> raw{};
  WEFT_TRY(const std::size_t got, file->read_at(ByteOffset(0), raw));
  const auto header = BorrowHeader::decode(std::span(raw).first(got));
  if (!header && header.error().is(Errc::newer_state)) return std::unexpected(header.error());
  if (!header || header->image != image) {
    WEFT_CHECK(file->truncate(ByteCount(0)));
    WEFT_CHECK(file->write_at(ByteOffset(0), BorrowHeader{image}.encode()));
    return BorrowFile(std::move(file), ByteOffset(BorrowHeader::size));
  }
  WEFT_TRY(const FileStat stat, file->stat());
  // A torn record at the end is written over by the next append.
  const auto records = (stat.size.value() - BorrowHeader::size) / BorrowRecord::size;
  return BorrowFile(std::move(file), ByteOffset(BorrowHeader::size + records * BorrowRecord::size));
}

std::uint64_t BorrowFile::records() const {
  return (end_.value() - BorrowHeader::size) / BorrowRecord::size;
}

Result<std::vector<BorrowRecord>> BorrowFile::read(std::uint64_t first,
                                                   BlockCount image_blocks) const {
  const std::uint64_t count = first < records() ? std::min(batch, records() - first) : 0;
  std::vector<std::byte> raw(count * BorrowRecord::size);
  const ByteOffset at(BorrowHeader::size + first * BorrowRecord::size);
  WEFT_TRY(const std::size_t got, file_->read_at(at, raw));
  std::vector<BorrowRecord> records;
  records.reserve(count);
  for (std::size_t i = 0; i < got / BorrowRecord::size; ++i) {
    const auto one = std::span(raw).subspan(i * BorrowRecord::size, BorrowRecord::size);
    if (auto record = BorrowRecord::decode(one, image_blocks)) records.push_back(*record);
  }
  return records;
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
