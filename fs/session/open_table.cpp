// SPDX-License-Identifier: Apache-2.0
#include "fs/session/open_table.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weft::fs {
namespace {

constexpr std::uint64_t magic = 0x0001'6e65'706f'7777;  // "wwopen", version 1

enum Header : std::size_t { h_magic, h_backing, h_device, h_inode, h_uncounted };

constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr std::uint64_t mode_mask = 3;
constexpr unsigned slot_bits = 12;
static_assert(OpenTable::slot_count == std::size_t{1} << slot_bits);

std::uint64_t entry_of(std::uint64_t request, IoMode mode) {
  return request << 2 | static_cast<std::uint64_t>(mode);
}

/// The upper bits of a request's number are lost: 2^51 requests pass before two look alike.
std::uint64_t handle_of(std::uint64_t request, std::size_t slot) {
  return request << (slot_bits + 1) | std::uint64_t{1} << slot_bits | slot;
}

}  // namespace

Result<UniqueFd> OpenTable::make_memory() {
  UniqueFd memory(::memfd_create("weft-opens", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return fail_errno(errno, Operation::mount, "memory for the opens of a mount");
  if (::ftruncate(memory.get(), byte_size) != 0 || ::fcntl(memory.get(), F_ADD_SEALS, seals) != 0 ||
      ::pwrite(memory.get(), &magic, sizeof magic, 0) != sizeof magic) {
    return fail_errno(errno, Operation::mount, "memory for the opens of a mount");
  }
  return memory;
}

Result<OpenTable> OpenTable::map(const UniqueFd& memory) {
  struct stat info{};
  // Memory that could shrink would kill the process at a touch.
  if (!memory || ::fstat(memory.get(), &info) != 0 || info.st_size != byte_size ||
      (::fcntl(memory.get(), F_GET_SEALS) & F_SEAL_SHRINK) == 0) {
    return fail(Errc::unsupported, Operation::serve, "no memory for the opens of this mount");
  }
  void* const at = ::mmap(nullptr, byte_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (at == MAP_FAILED) return fail_errno(errno, Operation::serve, "the opens of a mount");
  OpenTable table(static_cast<Word*>(at));
  if (table.words_[h_magic] == magic) return table;
  return fail(Errc::unsupported, Operation::serve, "the opens of this mount: another version");
}

OpenTable::~OpenTable() {
  if (words_ != nullptr) ::munmap(words_, byte_size);
}

std::optional<std::uint64_t> OpenTable::add(std::uint64_t request, IoMode mode) {
  for (std::size_t i = 0; i < slot_count; ++i) {
    if (slot(i) != 0) continue;
    slot(i) = entry_of(request, mode);
    return handle_of(request, i);
  }
  return std::nullopt;
}

void OpenTable::remove(std::uint64_t handle) {
  const std::size_t index = handle & (slot_count - 1);
  const std::uint64_t request = slot(index) >> 2;
  if (slot(index) != 0 && handle_of(request, index) == handle) slot(index) = 0;
}

void OpenTable::remove_request(std::uint64_t request) {
  for (std::size_t i = 0; i < slot_count; ++i) {
    if (slot(i) != 0 && slot(i) >> 2 == request) slot(i) = 0;
  }
}

OpenCounts OpenTable::counts() const {
  OpenCounts counts;
  for (std::size_t i = 0; i < slot_count; ++i) {
    switch (IoMode(slot(i).load(std::memory_order_relaxed) & mode_mask)) {
      case IoMode::cached:
        ++counts.cached;
        break;
      case IoMode::direct:
        ++counts.direct;
        break;
      case IoMode::passthrough:
        ++counts.passthrough;
        break;
    }
  }
  return counts;
}

void OpenTable::set_uncounted() {
  words_[h_uncounted] = 1;
}

bool OpenTable::uncounted() const {
  return words_[h_uncounted] != 0;
}

Backing OpenTable::backing() const {
  return {static_cast<std::int32_t>(words_[h_backing].load()), words_[h_device], words_[h_inode]};
}

// The id last: without it the rest says nothing.
void OpenTable::set_backing(const Backing& backing) {
  words_[h_backing] = 0;
  words_[h_device] = backing.device;
  words_[h_inode] = backing.inode;
  words_[h_backing] = static_cast<std::uint64_t>(backing.id);
}

}  // namespace weft::fs
