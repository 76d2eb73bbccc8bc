// SPDX-License-Identifier: Apache-2.0
#include "indexer/store/digest_index.h"

#include "indexer/store/bytes.h"

#include <algorithm>
#include <array>
#include <utility>

namespace weft {
namespace {

constexpr std::uint64_t magic = 0x3158'4449'5446'4557;  // "WEFTIDX1", little-endian
constexpr std::uint32_t version = 1;
constexpr std::size_t header_size = 128;

struct Entry {
  std::uint64_t key;
  std::uint64_t block;
};

// Big-endian, so that keys sort as digests do.
std::uint64_t key_of(const Digest& digest) {
  auto key = layout::get<std::uint64_t>(digest.view(), 0);
  return std::byteswap(key);
}

ByteOffset page_at(std::uint64_t page) {
  return ByteOffset(DigestIndex::page_size * (page + 1));  // the header has the first
}

std::uint64_t pages_for(std::uint64_t entries) {
  return (entries + DigestIndex::page_entries - 1) / DigestIndex::page_entries;
}

std::array<std::byte, header_size> encode_header(const ImageId& image, std::uint64_t entries,
                                                 std::span<const std::byte> fences) {
  std::array<std::byte, header_size> out{};
  layout::put<std::uint64_t>(out, 0, magic);
  layout::put<std::uint32_t>(out, 8, version);
  std::ranges::copy(image.view(), out.begin() + 16);
  layout::put(out, 48, entries);
  layout::put(out, 56, xxh3(fences));
  layout::seal(out);
  return out;
}

std::unexpected<Error> damaged(const char* what) {
  return fail(Errc::damaged_state, Operation::decode, what);
}

// Calls visit(digest, block) for every block that is not zero.
template <class Visit>
Result<void> each_digest(TreeFile& tree, Visit visit) {
  const auto everything = tree.shape().blocks_below(tree.shape().root());
  return tree.each_data(everything, [&](BlockIndex block, const Digest& digest) {
    visit(digest, block);
    return true;
  });
}

// Appends sorted entries to the file, in whole pages but for the last call.
class Writer {
 public:
  explicit Writer(File& file) : file_(file) {}

  Result<void> append(std::span<const Entry> entries) {
    for (const Entry& e : entries) {
      if (count_ > 0 && e.key == last_key_) continue;  // the same content at another block
      if (count_ % DigestIndex::page_entries == 0) fences_.push_back(e.key);
      const std::size_t at = buffer_.size();
      buffer_.resize(at + DigestIndex::entry_size);
      layout::put(std::span(buffer_), at, e.key);
      layout::put(std::span(buffer_), at + 8, e.block);
      last_key_ = e.key;
      ++count_;
      if (buffer_.size() == buffer_limit) WEFT_CHECK(write_out());
    }
    return {};
  }

  Result<void> finish(const ImageId& image) {
    WEFT_CHECK(write_out());
    std::vector<std::byte> raw(fences_.size() * sizeof(std::uint64_t));
    for (std::size_t i = 0; i < fences_.size(); ++i) {
      layout::put(std::span(raw), i * sizeof(std::uint64_t), fences_[i]);
    }
    WEFT_CHECK(file_.write_at(page_at(pages_for(count_)), raw));
    WEFT_CHECK(file_.write_at(ByteOffset(0), encode_header(image, count_, raw)));
    return file_.sync();
  }

 private:
  static constexpr std::size_t buffer_limit = 256 * DigestIndex::page_size;

  Result<void> write_out() {
    WEFT_CHECK(file_.write_at(page_at(0) + ByteCount(written_), buffer_));
    written_ += buffer_.size();
    buffer_.clear();
    return {};
  }

  File& file_;
  std::vector<std::byte> buffer_;
  std::vector<std::uint64_t> fences_;
  std::uint64_t written_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t last_key_ = 0;
};

// Sorts in passes over ranges of keys, each small enough for `memory`: digests are uniform.
Result<void> write_sorted(TreeFile& tree, ByteCount memory, Writer& writer) {
  std::uint64_t count = 0;
  WEFT_CHECK(each_digest(tree, [&](const Digest&, BlockIndex) { ++count; }));
  const std::uint64_t in_memory = std::max<std::uint64_t>(1, memory.value() / sizeof(Entry));
  const std::uint64_t passes = count / in_memory + 1;
  std::vector<Entry> entries;
  for (std::uint64_t pass = 0; pass < passes; ++pass) {
    entries.clear();
    const std::uint64_t width = ~std::uint64_t{0} / passes;
    const std::uint64_t low = pass * width;
    const std::uint64_t high = pass + 1 == passes ? ~std::uint64_t{0} : low + width - 1;
    WEFT_CHECK(each_digest(tree, [&](const Digest& digest, BlockIndex block) {
      const std::uint64_t key = key_of(digest);
      if (low <= key && key <= high) entries.push_back({key, block.value()});
    }));
    std::ranges::sort(entries, {}, [](const Entry& e) { return std::pair(e.key, e.block); });
    WEFT_CHECK(writer.append(entries));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<DigestIndex>> DigestIndex::open(std::unique_ptr<File> file,
                                                       const ImageId& image) {
  std::array<std::byte, header_size> head{};
  WEFT_TRY(const std::size_t got, file->read_at(ByteOffset(0), head));
  if (got != head.size() || layout::get<std::uint64_t>(head, 0) != magic) {
    return damaged("index: no header");
  }
  if (layout::get<std::uint32_t>(head, 8) > version) {
    return fail(Errc::newer_state, Operation::decode, "index of a newer weft");
  }
  if (!layout::is_sealed(head) || ImageId::from(std::span(head).subspan<16, 32>()) != image) {
    return damaged("index: header fails its sum, or is of another image");
  }
  const auto entries = layout::get<std::uint64_t>(head, 48);
  WEFT_TRY(const FileStat stat, file->stat());
  // Checked against the file before memory is taken for it.
  if (entries > max_image_size.value() / block_size) return damaged("index: impossible length");
  const std::uint64_t pages = pages_for(entries);
  if (pages > stat.size.value() / page_size) return damaged("index: shorter than it says");
  std::vector<std::byte> raw(pages * sizeof(std::uint64_t));
  WEFT_TRY(const std::size_t fenced, file->read_at(page_at(pages), raw));
  if (fenced != raw.size() || xxh3(raw) != layout::get<std::uint64_t>(head, 56)) {
    return damaged("index: fences fail their sum");
  }
  std::vector<std::uint64_t> fences(pages);
  for (std::size_t i = 0; i < pages; ++i) {
    fences[i] = layout::get<std::uint64_t>(raw, i * sizeof(std::uint64_t));
  }
  return std::unique_ptr<DigestIndex>(new DigestIndex(std::move(file), entries, std::move(fences)));
}

Result<std::optional<BlockIndex>> DigestIndex::find(const Digest& digest) const {
  const std::uint64_t key = key_of(digest);
  const auto after = std::ranges::upper_bound(fences_, key);
  if (after == fences_.begin()) return std::nullopt;
  const auto page = static_cast<std::uint64_t>(after - fences_.begin()) - 1;
  std::array<std::byte, page_size> raw;
  WEFT_TRY(const std::size_t got, file_->read_at(page_at(page), raw));
  std::size_t low = 0;
  std::size_t high =
      std::min<std::uint64_t>({page_entries, entries_ - page * page_entries, got / entry_size});
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    const auto found = layout::get<std::uint64_t>(raw, middle * entry_size);
    if (found == key) {
      return BlockIndex(layout::get<std::uint64_t>(raw, middle * entry_size + 8));
    }
    (found < key ? low : high) = found < key ? middle + 1 : middle;
  }
  return std::nullopt;
}

Result<void> write_digest_index(FileSystem& fs, const ImagePaths& paths, const ImageId& image,
                                TreeFile& tree, ByteCount memory) {
  const auto beside = paths.directory / "index.new";
  WEFT_CHECK(fs.remove(beside));
  WEFT_TRY(auto file, fs.open(beside, OpenMode::create));
  Writer writer(*file);
  WEFT_CHECK(write_sorted(tree, memory, writer));
  WEFT_CHECK(writer.finish(image));
  WEFT_CHECK(fs.rename(beside, paths.index));
  return fs.sync_directory(paths.directory);
}

}  // namespace weft
