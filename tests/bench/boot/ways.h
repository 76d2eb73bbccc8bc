// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/tools/running_relay.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

/// The ways in which a guest can get at an image that another host has.
namespace weft::bench {

/// One attempt at one boot. `set_up` is what may be done long before (daemons); `open` is what the
/// guest waits for; after it `drive` and `file` name the disk. The destructor takes all down. All
/// throw std::runtime_error.
class Way {
 public:
  virtual ~Way() = default;
  virtual void set_up() {}
  virtual void open() {}
  /// What QEMU's -drive opens.
  [[nodiscard]] virtual std::string drive() const { return file().string(); }
  /// What other programs open; empty: only QEMU can.
  [[nodiscard]] virtual std::filesystem::path file() const = 0;
  /// Bytes that came over the link.
  [[nodiscard]] virtual std::uint64_t received() { return 0; }
};

/// Where the image is, and how far.
struct FarImage {
  std::string name;
  std::filesystem::path file;  ///< on the other host
  testing::RelayOptions link;  ///< without addresses
  std::filesystem::path scratch;
};

/// The file itself.
[[nodiscard]] std::unique_ptr<Way> local_disk(const std::filesystem::path& file);
/// A whole copy first, holes left out: qemu-img convert, sixteen requests at once, from nbdkit.
[[nodiscard]] std::unique_ptr<Way> copied_disk(const FarImage& image);
/// weft on a node that has nothing, from the node at `source`; `flags` for `weft mount`.
[[nodiscard]] std::unique_ptr<Way> weft_disk(const FarImage& image, const std::string& source,
                                             std::vector<std::string> flags);
/// QEMU's own NBD client on nbdkit; `as_file`: in the storage daemon, which shows it as a file.
[[nodiscard]] std::unique_ptr<Way> nbd_disk(const FarImage& image, bool as_file);
/// qemu-storage-daemon: a FUSE export of an overlay that keeps what was read over NBD.
[[nodiscard]] std::unique_ptr<Way> exported_disk(const FarImage& image);

}  // namespace weft::bench
