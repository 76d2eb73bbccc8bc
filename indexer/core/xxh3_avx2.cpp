// SPDX-License-Identifier: Apache-2.0
// Compiled for AVX2 and called only where the CPU has it. Includes nothing that other files share:
// an inline function compiled here could end up being used everywhere.
#include "indexer/core/xxh3_avx2.h"

#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_AVX2
#include <xxhash.h>

unsigned long long weft_xxh3_avx2(const void* bytes, unsigned long size) {
  return XXH3_64bits(bytes, size);
}
