// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/digest_index.h"

#include "indexer/core/hash.h"
#include "indexer/similarity/signature.h"
#include "indexer/store/bytes.h"
#include "indexer/store/index_codec.h"

#include <algorithm>
#include <array>

namespace weft {
namespace {

ByteOffset page_at(std::uint64_t page) {
  return ByteOffset(DigestIndex::page_size * (page + 1));  // the header has the first
}

std::uint64_t pages_for(std::uint64_t entries) {
  return (entries + DigestIndex::page_entries - 1) / DigestIndex::page_entries;
}

std::unexpected<Error> damaged(const char* what) {
  return fail(Errc::damaged_state, Operation::decode, what);
}

}  // namespace

/// Pages of an index, read as they are needed and a few ahead where they follow each other.
class DigestIndexPages {
 public:
  explicit DigestIndexPages(const DigestIndex& index) : index_(index) {}

  /// Entries of one page: none that the file does not have.
  struct Page {
    std::span<const std::byte> bytes;
    [[nodiscard]] std::size_t entries() const { return bytes.size() / DigestIndex::entry_size; }
    [[nodiscard]] DigestKey key(std::size_t at) const {
      return layout::get<std::uint64_t>(bytes, at * DigestIndex::entry_size);
    }
    [[nodiscard]] BlockIndex block(std::size_t at) const {
      return BlockIndex(layout::get<std::uint64_t>(bytes, at * DigestIndex::entry_size + 8));
    }
    /// First entry from `from` on whose key is not below `key`.
    [[nodiscard]] std::size_t lower_bound(DigestKey wanted, std::size_t from) const {
      std::size_t low = from;
      std::size_t high = entries();
      while (low < high) {
        const std::size_t middle = (low + high) / 2;
        (key(middle) < wanted ? low : high) = key(middle) < wanted ? middle + 1 : middle;
      }
      return low;
    }
  };

  /// `ahead`: how many pages from `page` on are wanted anyway.
  Result<Page> load(std::uint64_t page, std::uint64_t ahead = 1) {
    if (page < first_ || page >= first_ + count_) {
      count_ = std::clamp<std::uint64_t>(ahead, 1, std::min(most, index_.pages() - page));
      buffer_.resize(count_ * DigestIndex::page_size);
      first_ = page;
      const auto got = index_.file_->read_at(page_at(page), buffer_);
      if (!got) {
        count_ = 0;
        return std::unexpected(got.error());
      }
      buffer_.resize(*got);
    }
    const std::size_t at = (page - first_) * DigestIndex::page_size;
    const std::uint64_t whole =
        std::min(DigestIndex::page_entries, index_.entries_ - page * DigestIndex::page_entries);
    const std::size_t here = buffer_.size() - std::min(at, buffer_.size());
    const std::size_t entries = std::min<std::uint64_t>(whole, here / DigestIndex::entry_size);
    return Page{std::span(buffer_).subspan(std::min(at, buffer_.size()),
                                           entries * DigestIndex::entry_size)};
  }

 private:
  static constexpr std::uint64_t most = 32;

  const DigestIndex& index_;
  std::vector<std::byte> buffer_;
  std::uint64_t first_ = 0;
  std::uint64_t count_ = 0;
};

Result<std::shared_ptr<const DigestIndex>> DigestIndex::open(std::unique_ptr<File> file,
                                                             const ImageId& image) {
  std::shared_ptr<DigestIndex> index(new DigestIndex(std::move(file), image));
  WEFT_CHECK(index->load());
  return index;
}

Result<void> DigestIndex::load() {
  std::array<std::byte, IndexHeader::size> head{};
  WEFT_TRY(const std::size_t got, file_->read_at(ByteOffset(0), head));
  WEFT_TRY(const IndexHeader header, IndexHeader::decode(std::span(head).first(got)));
  if (header.image != image_) return damaged("index: of another image");
  // Checked against the file before memory is taken for it.
  WEFT_TRY(const FileStat stat, file_->stat());
  const std::uint64_t pages = pages_for(header.entries);
  if (pages > stat.size.value() / page_size) return damaged("index: shorter than it says");
  std::vector<std::byte> raw(pages * sizeof(DigestKey));
  WEFT_TRY(const std::size_t fenced, file_->read_at(page_at(pages), raw));
  if (fenced != raw.size() || xxh3(raw) != header.fences_sum) {
    return damaged("index: fences fail their sum");
  }
  fences_.resize(pages);
  for (std::size_t i = 0; i < pages; ++i) {
    fences_[i] = layout::get<std::uint64_t>(raw, i * sizeof(DigestKey));
  }
  whole_ = header.whole;
  entries_ = header.entries;
  distinct_ = header.distinct;
  covered_ = header.covered;
  return {};
}

// Equal keys may begin in the page before the first one that starts with them.
std::uint64_t DigestIndex::first_page(DigestKey key) const {
  const auto at = std::ranges::lower_bound(fences_, key);
  const auto page = static_cast<std::uint64_t>(at - fences_.begin());
  return page == 0 ? 0 : page - 1;
}

Result<void> DigestIndex::match(std::span<const DigestKey> keys, unsigned drop_bits,
                                const Visit& visit) const {
  if (fences_.empty() || keys.empty()) return {};
  DigestIndexPages pages(*this);
  const DigestKey low_bits = (DigestKey{1} << drop_bits) - 1;
  // Where many keys fall into few pages they are all read, in long reads.
  const std::uint64_t span =
      first_page((keys.back() << drop_bits) | low_bits) - first_page(keys.front() << drop_bits) + 1;
  const std::uint64_t ahead = keys.size() > span / 4 ? span : 1;
  std::uint64_t at_page = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const DigestKey first = keys[i] << drop_bits;
    const DigestKey last = first | low_bits;
    if (const std::uint64_t page = first_page(first); page > at_page || i == 0) {
      at_page = page;
      at = 0;
    }
    for (std::uint64_t page = at_page; page < this->pages() && fences_[page] <= last; ++page) {
      WEFT_TRY(const auto entries, pages.load(page, ahead));
      const std::size_t from = entries.lower_bound(first, page == at_page ? at : 0);
      if (page == at_page) at = from;
      std::size_t e = from;
      for (; e < entries.entries() && entries.key(e) <= last; ++e)
        visit(i, entries.block(e));
      if (e < entries.entries()) break;
    }
  }
  return {};
}

Result<std::vector<DigestKey>> DigestIndex::keys_up_to(DigestKey last) const {
  const auto end = std::ranges::upper_bound(fences_, last);
  const auto count = static_cast<std::uint64_t>(end - fences_.begin());
  DigestIndexPages pages(*this);
  std::vector<DigestKey> keys;
  for (std::uint64_t page = 0; page < count; ++page) {
    WEFT_TRY(const auto entries, pages.load(page, count - page));
    for (std::size_t e = 0; e < entries.entries(); ++e) {
      const DigestKey key = entries.key(e);
      if (key > last) return keys;
      if (!keys.empty() && key == keys.back()) continue;
      if (!keys.empty() && key < keys.back()) return damaged("index: not sorted");
      keys.push_back(key);
    }
  }
  return keys;
}

Result<Signature> DigestIndex::signature(std::size_t max_keys) const {
  max_keys = std::max<std::size_t>(max_keys, 1);
  Signature out;
  out.image = image_;
  out.unique_blocks = BlockCount(distinct_);
  while (out.shift < max_signature_shift && (distinct_ >> out.shift) > max_keys)
    ++out.shift;
  // Keys are spread evenly: what was counted on is off by a little, rarely by a shift.
  for (;;) {
    WEFT_TRY(out.keys, keys_up_to(last_key(out.shift)));
    if (out.shift == 0 || out.keys.size() > max_keys) break;
    --out.shift;
  }
  if (!is_valid(out)) return damaged("index: keys that cannot be");
  return sampled(out, max_keys);
}

}  // namespace weft
