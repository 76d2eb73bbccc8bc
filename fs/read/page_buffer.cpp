// SPDX-License-Identifier: Apache-2.0
#include "fs/read/page_buffer.h"

#include <cstdlib>
#include <memory>
#include <new>

namespace weft::fs {
namespace {

constexpr std::size_t page_size = 4096;
constexpr std::size_t first_size = std::size_t{128} << 10;

struct Free {
  void operator()(std::byte* bytes) const noexcept { std::free(bytes); }
};

}  // namespace

std::span<std::byte> page_buffer(std::size_t size) {
  thread_local std::unique_ptr<std::byte, Free> buffer;
  thread_local std::size_t capacity = 0;
  if (size > capacity) {
    std::size_t wanted = first_size;
    while (wanted < size)
      wanted *= 2;
    capacity = 0;
    buffer.reset(static_cast<std::byte*>(std::aligned_alloc(page_size, wanted)));
    if (!buffer) throw std::bad_alloc();
    capacity = wanted;
  }
  return {buffer.get(), size};
}

}  // namespace weft::fs
