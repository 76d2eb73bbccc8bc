// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/index_writer.h"

#include "indexer/core/hash.h"
#include "indexer/store/bytes.h"
#include "indexer/store/digest_index.h"
#include "indexer/store/index_codec.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace weft {
namespace {

struct Entry {
  DigestKey key;
  std::uint64_t block;
  friend auto operator<=>(const Entry&, const Entry&) = default;
};

constexpr ByteOffset first_page(DigestIndex::page_size);

// Calls visit(digest, block) for every block that is known and not zero. False: some are not known.
template <class Visit>
Result<bool> each_digest(TreeFile& tree, Visit visit) {
  bool whole = true;
  const auto pass = [&](BlockIndex block, const Digest& digest) {
    visit(digest, block);
    return true;
  };
  BlockRange rest = tree.shape().blocks_below(tree.shape().root());
  while (!rest.empty()) {
    WEFT_TRY(const auto absent, tree.next_absent(rest));
    if (!absent) {
      WEFT_CHECK(tree.each_data(rest, pass));
      break;
    }
    whole = false;
    const BlockRange unknown = tree.shape().blocks_below(*absent);
    const BlockIndex known_end = std::max(rest.first, unknown.first);
    WEFT_CHECK(tree.each_data(BlockRange::between(rest.first, known_end), pass));
    rest = BlockRange::between(unknown.end(), rest.end());
  }
  return whole;
}

// Appends sorted entries to the file, in whole pages but for the last call.
class Writer {
 public:
  explicit Writer(File& file) : file_(file) {}

  Result<void> append(std::span<const Entry> entries) {
    for (const Entry& e : entries) {
      const bool again = header_.entries > 0 && e.key == last_key_;
      same_ = again ? same_ + 1 : 1;
      if (!again) ++header_.distinct;
      if (same_ > DigestIndex::entries_a_key) continue;
      if (header_.entries % DigestIndex::page_entries == 0) fences_.push_back(e.key);
      const std::size_t at = buffer_.size();
      buffer_.resize(at + DigestIndex::entry_size);
      layout::put(std::span(buffer_), at, e.key);
      layout::put(std::span(buffer_), at + 8, e.block);
      last_key_ = e.key;
      ++header_.entries;
      if (buffer_.size() == buffer_limit) WEFT_CHECK(write_out());
    }
    return {};
  }

  Result<void> finish(const ImageId& image, BlockCount covered, bool whole) {
    WEFT_CHECK(write_out());
    std::vector<std::byte> raw(fences_.size() * sizeof(DigestKey));
    for (std::size_t i = 0; i < fences_.size(); ++i) {
      layout::put(std::span(raw), i * sizeof(DigestKey), fences_[i]);
    }
    WEFT_CHECK(
        file_.write_at(first_page + ByteCount(fences_.size() * DigestIndex::page_size), raw));
    header_.image = image;
    header_.whole = whole;
    // Leaves may have come since they were counted.
    header_.covered = std::max(covered, BlockCount(header_.entries));
    header_.fences_sum = xxh3(raw);
    WEFT_CHECK(file_.write_at(ByteOffset(0), header_.encode()));
    return whole ? file_.sync() : Result<void>{};
  }

 private:
  static constexpr std::size_t buffer_limit = 256 * DigestIndex::page_size;

  Result<void> write_out() {
    WEFT_CHECK(file_.write_at(first_page + ByteCount(written_), buffer_));
    written_ += buffer_.size();
    buffer_.clear();
    return {};
  }

  File& file_;
  IndexHeader header_;
  std::vector<std::byte> buffer_;
  std::vector<DigestKey> fences_;
  std::uint64_t written_ = 0;
  std::uint64_t same_ = 0;
  DigestKey last_key_ = 0;
};

// Sorted, and of each key no more than are entered.
void sort_and_thin(std::vector<Entry>& entries) {
  std::ranges::sort(entries);
  std::uint64_t same = 0;
  DigestKey last = 0;
  const auto is_surplus = [&](const Entry& e) {
    same = same > 0 && e.key == last ? same + 1 : 1;
    last = e.key;
    return same > DigestIndex::entries_a_key;
  };
  std::erase_if(entries, is_surplus);
}

struct Known {
  BlockCount blocks;
  bool whole;
};

// Sorts in passes over ranges of keys, each small enough for `memory`: digests are uniform, but
// for those of equal blocks, which are thinned out whenever they fill it.
Result<Known> write_sorted(TreeFile& tree, ByteCount memory, Writer& writer) {
  std::uint64_t count = 0;
  WEFT_TRY(bool whole, each_digest(tree, [&](const Digest&, BlockIndex) { ++count; }));
  const std::uint64_t in_memory = std::max<std::uint64_t>(1, memory.value() / sizeof(Entry));
  const std::uint64_t passes = count / in_memory + 1;
  std::vector<Entry> entries;
  std::size_t thin_at = in_memory * 5 / 4 + DigestIndex::entries_a_key;
  for (std::uint64_t pass = 0; pass < passes; ++pass) {
    entries.clear();
    const std::uint64_t width = ~std::uint64_t{0} / passes;
    const DigestKey low = pass * width;
    const DigestKey high = pass + 1 == passes ? ~std::uint64_t{0} : low + width - 1;
    WEFT_TRY(const bool all, each_digest(tree, [&](const Digest& digest, BlockIndex block) {
               const DigestKey key = digest_key(digest);
               if (key < low || high < key) return;
               entries.push_back({key, block.value()});
               if (entries.size() < thin_at) return;
               sort_and_thin(entries);
               thin_at = std::max(thin_at, entries.size() + entries.size() / 4);
             }));
    whole = whole && all;
    std::ranges::sort(entries);
    WEFT_CHECK(writer.append(entries));
  }
  return Known{BlockCount(count), whole};
}

}  // namespace

Result<bool> write_digest_index(FileSystem& fs, const ImagePaths& paths, const ImageId& image,
                                TreeFile& tree, IndexWriterOptions options) {
  const auto beside = paths.directory / "index.new";
  WEFT_CHECK(fs.remove(beside));
  WEFT_TRY(auto file, fs.open(beside, OpenMode::create));
  Writer writer(*file);
  WEFT_TRY(const Known known, write_sorted(tree, options.memory, writer));
  WEFT_CHECK(writer.finish(image, known.blocks, known.whole));
  WEFT_CHECK(fs.rename(beside, paths.index));
  if (known.whole) WEFT_CHECK(fs.sync_directory(paths.directory));
  return known.whole;
}

}  // namespace weft
