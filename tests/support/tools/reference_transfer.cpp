// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/reference_transfer.h"

#include "indexer/core/unique_fd.h"

#include <openssl/evp.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_set>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weft::testing {
namespace {

constexpr std::size_t block_bytes = 4096;
constexpr std::size_t read_bytes = std::size_t{1} << 20;

[[noreturn]] void trouble(const std::filesystem::path& file, const char* what) {
  throw std::runtime_error(file.string() + ": " + what);
}

UniqueFd open_file(const std::filesystem::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) trouble(file, "cannot be opened");
  return fd;
}

std::uint64_t size_of(const UniqueFd& fd) {
  struct stat status{};
  return ::fstat(fd.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

/// Fills `out` from `offset`; what lies behind the end of the file is zero.
void read_at(const std::filesystem::path& file, const UniqueFd& fd, std::uint64_t offset,
             std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0) trouble(file, "cannot be read");
    if (got == 0) break;
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
  std::ranges::fill(out, std::byte{0});
}

/// Calls `use(offset, bytes)` for every piece that can hold data, at multiples of `block_bytes`.
void each_piece(const std::filesystem::path& file,
                const std::function<void(std::uint64_t, std::span<const std::byte>)>& use) {
  const UniqueFd fd = open_file(file);
  const std::uint64_t size = size_of(fd);
  std::vector<std::byte> buffer(read_bytes);
  for (std::uint64_t at = 0; at < size;) {
    const off_t data = ::lseek(fd.get(), static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return;
    if (data < 0) trouble(file, "its holes cannot be found");
    at = static_cast<std::uint64_t>(data) / block_bytes * block_bytes;
    const auto hole = static_cast<std::uint64_t>(::lseek(fd.get(), data, SEEK_HOLE));
    while (at < hole) {
      const std::uint64_t wanted = std::min<std::uint64_t>(read_bytes, hole - at);
      const std::uint64_t whole = (wanted + block_bytes - 1) / block_bytes * block_bytes;
      const auto piece = std::span(buffer).first(whole);
      read_at(file, fd, at, piece);
      use(at, piece);
      at += whole;
    }
  }
}

bool is_zero(std::span<const std::byte> block) {
  return std::ranges::all_of(block, [](std::byte b) { return b == std::byte{0}; });
}

Digest sha256(std::span<const std::byte> block) {
  Digest digest;
  if (EVP_Digest(block.data(), block.size(), digest.bytes.data(), nullptr, EVP_sha256(), nullptr) !=
      1)
    throw std::runtime_error("OpenSSL has no SHA-256");
  return digest;
}

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
using Context = std::unique_ptr<ZSTD_CCtx, FreeContext>;

/// Counts the frames of the batches it is given blocks for.
class Packer {
 public:
  void add(std::span<const std::byte> block) {
    batch_.insert(batch_.end(), block.begin(), block.end());
    if (batch_.size() == ReferenceTransfer::blocks_per_frame * block_bytes) flush();
  }
  std::uint64_t finish() {
    if (!batch_.empty()) flush();
    return packed_;
  }

 private:
  void flush() {
    out_.resize(ZSTD_compressBound(batch_.size()));
    const std::size_t size =
        ZSTD_compressCCtx(context_.get(), out_.data(), out_.size(), batch_.data(), batch_.size(),
                          ReferenceTransfer::level);
    if (ZSTD_isError(size) != 0) throw std::runtime_error(ZSTD_getErrorName(size));
    packed_ += size;
    batch_.clear();
  }

  Context context_{ZSTD_createCCtx()};
  std::vector<std::byte> batch_;
  std::vector<std::byte> out_;
  std::uint64_t packed_ = 0;
};

}  // namespace

ImageContent content_of(const std::filesystem::path& file) {
  ImageContent content{.file = file, .blocks = {}, .offset = {}, .unique = {}};
  each_piece(file, [&](std::uint64_t at, std::span<const std::byte> piece) {
    for (std::size_t i = 0; i < piece.size(); i += block_bytes) {
      const auto block = piece.subspan(i, block_bytes);
      if (is_zero(block)) continue;
      content.blocks.push_back(sha256(block));
      content.offset.push_back(at + i);
    }
  });
  content.unique = content.blocks;
  std::ranges::sort(content.unique);
  const auto repeated = std::ranges::unique(content.unique);
  content.unique.erase(repeated.begin(), repeated.end());
  return content;
}

std::size_t shared_blocks(const ImageContent& a, const ImageContent& b) {
  std::vector<Digest> both;
  std::ranges::set_intersection(a.unique, b.unique, std::back_inserter(both));
  return both.size();
}

ReferenceTransfer reference_transfer(const ImageContent& target,
                                     std::span<const ImageContent* const> local) {
  const UniqueFd fd = open_file(target.file);
  std::unordered_set<Digest> counted;
  Packer packer;
  ReferenceTransfer reference;
  std::array<std::byte, block_bytes> block{};
  for (std::size_t i = 0; i < target.blocks.size(); ++i) {
    const Digest& digest = target.blocks[i];
    const auto has = [&](const ImageContent* image) {
      return std::ranges::binary_search(image->unique, digest);
    };
    if (std::ranges::any_of(local, has) || !counted.insert(digest).second) continue;
    ++reference.blocks;
    read_at(target.file, fd, target.offset[i], block);
    packer.add(block);
  }
  reference.packed = packer.finish();
  return reference;
}

std::uint64_t whole_copy(const std::filesystem::path& file) {
  const UniqueFd fd = open_file(file);
  const std::uint64_t size = size_of(fd);
  const Context context(ZSTD_createCCtx());
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, ReferenceTransfer::level);
  std::vector<std::byte> in(read_bytes);
  std::vector<std::byte> out(ZSTD_CStreamOutSize());
  std::uint64_t packed = 0;
  for (std::uint64_t at = 0; at < size; at += read_bytes) {
    const std::uint64_t wanted = std::min<std::uint64_t>(read_bytes, size - at);
    read_at(file, fd, at, std::span(in).first(wanted));
    ZSTD_inBuffer input{in.data(), wanted, 0};
    const bool last = at + wanted == size;
    for (std::size_t left = 1; left != 0;) {
      ZSTD_outBuffer output{out.data(), out.size(), 0};
      left =
          ZSTD_compressStream2(context.get(), &output, &input, last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left) != 0) throw std::runtime_error(ZSTD_getErrorName(left));
      packed += output.pos;
      if (!last && input.pos == input.size) break;
    }
  }
  return packed;
}

}  // namespace weft::testing
