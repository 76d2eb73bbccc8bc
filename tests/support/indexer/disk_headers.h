// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Headers of disk images, made by hand: what no tool writes, but a stranger might.
namespace weft::test {

class HeaderWriter {
 public:
  explicit HeaderWriter(std::size_t size) : bytes_(size) {}

  template <class T>
  HeaderWriter& big(std::size_t at, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bytes_.at(at + i) = static_cast<std::byte>(value >> (8 * (sizeof(T) - 1 - i)));
    return *this;
  }
  template <class T>
  HeaderWriter& little(std::size_t at, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bytes_.at(at + i) = static_cast<std::byte>(value >> (8 * i));
    return *this;
  }
  HeaderWriter& text(std::size_t at, std::string_view text) {
    if (at + text.size() > bytes_.size()) bytes_.resize(at + text.size());
    std::memcpy(bytes_.data() + at, text.data(), text.size());
    return *this;
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

struct Qcow2Header {
  std::uint32_t version = 3;
  std::string backing = {};
  std::string backing_format = {};
  std::string data_file = {};
  std::uint64_t incompatible = 0;
  std::uint32_t crypt_method = 0;
};

/// The first cluster (64 KiB) of a qcow2 image that is complete as far as weft looks.
[[nodiscard]] inline std::vector<std::byte> qcow2_header(const Qcow2Header& header) {
  HeaderWriter out(65536);
  out.text(0, "QFI\xfb").big(4, header.version).big(20, std::uint32_t{16});
  out.big(24, std::uint64_t{1} << 20).big(32, header.crypt_method);
  std::size_t at = 72;
  if (header.version == 3) {
    out.big(72, header.incompatible).big(96, std::uint32_t{4}).big(100, std::uint32_t{104});
    at = 104;
  }
  const auto extension = [&](std::uint32_t type, const std::string& content) {
    if (content.empty()) return;
    out.big(at, type).big(at + 4, static_cast<std::uint32_t>(content.size())).text(at + 8, content);
    at += 8 + (content.size() + 7) / 8 * 8;
  };
  extension(0xe2792aca, header.backing_format);
  extension(0x44415441, header.data_file);
  at += 8;  // the end of extensions
  if (!header.backing.empty()) {
    out.big(8, std::uint64_t{at}).big(16, static_cast<std::uint32_t>(header.backing.size()));
    out.text(at, header.backing);
  }
  return out.bytes();
}

}  // namespace weft::test
