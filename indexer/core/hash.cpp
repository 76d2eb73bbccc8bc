// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/hash.h"

#include "indexer/core/assert.h"
#include "indexer/core/sha256_pair.h"
#include "indexer/core/units.h"
#include "indexer/core/xxh3_avx2.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <cstring>
#include <memory>
#include <optional>

namespace weft {
namespace {

// One context per thread: making one costs more than hashing a block with it.
class Sha256Context {
 public:
  Sha256Context() : md_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), ctx_(EVP_MD_CTX_new()) {
    WEFT_ASSERT(md_ != nullptr && ctx_ != nullptr, "OpenSSL offers no SHA-256");
  }
  Sha256Context(const Sha256Context&) = delete;
  Sha256Context& operator=(const Sha256Context&) = delete;
  ~Sha256Context() {
    EVP_MD_CTX_free(ctx_);
    EVP_MD_free(md_);
  }

  Digest run(std::initializer_list<std::span<const std::byte>> parts) {
    Digest out;
    bool ok = EVP_DigestInit_ex2(ctx_, md_, nullptr) == 1;
    for (const auto part : parts) {
      ok = ok && EVP_DigestUpdate(ctx_, part.data(), part.size()) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(ctx_, out.bytes.data(), nullptr) == 1;
    WEFT_ASSERT(ok, "SHA-256 failed");
    return out;
  }

 private:
  EVP_MD* md_;
  EVP_MD_CTX* ctx_;
};

}  // namespace

Digest sha256(std::initializer_list<std::span<const std::byte>> parts) {
  thread_local Sha256Context context;
  return context.run(parts);
}

Digest digest_of_block(std::span<const std::byte> block) {
  if (is_all_zero(block)) return Digest{};
  return sha256(block);
}

void digests_of_blocks(std::span<const std::byte> blocks, std::span<Digest> out) {
  WEFT_ASSERT(blocks.size() == out.size() * block_size, "one digest for each block");
  const auto block = [&](std::size_t i) { return blocks.subspan(i * block_size, block_size); };
  std::optional<std::size_t> waiting;  // a block that is not zero and has no partner yet
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (is_all_zero(block(i))) {
      out[i] = Digest{};
    } else if (!waiting) {
      waiting = i;
    } else {
      sha256_pair(block(*waiting), block(i), out[*waiting], out[i]);
      waiting.reset();
    }
  }
  if (waiting) out[*waiting] = sha256(block(*waiting));
}

std::uint64_t xxh3(std::span<const std::byte> bytes) {
#if defined(__x86_64__)
  static const bool avx2 = __builtin_cpu_supports("avx2");
  if (avx2) return weft_xxh3_avx2(bytes.data(), bytes.size());
#endif
  return XXH3_64bits(bytes.data(), bytes.size());
}

bool is_all_zero(std::span<const std::byte> bytes) {
  if (bytes.empty()) return true;
  // Comparing the range with itself shifted by one byte: memcmp is vectorised and stops early.
  return bytes[0] == std::byte{0} &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

}  // namespace weft
