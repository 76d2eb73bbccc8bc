// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/mutex.h"
#include "indexer/store/store.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::test {

/// What an import has put, by block.
struct PutBlocks {
  ImportTarget target;
  std::map<std::uint64_t, Digest> digests;
  std::map<std::uint64_t, std::vector<std::byte>> content;
  std::uint64_t puts = 0;
};

/// A store in memory that only takes imports: for tests of what an importer hands over.
class FakeStore final : public Store {
 public:
  std::map<std::string, PutBlocks> images;  ///< published
  int open_writers = 0;                     ///< begun, neither published nor dropped
  bool can_reflink = false;
  std::optional<Error> put_error;  ///< what every put fails with

  Result<std::unique_ptr<ImageWriter>> begin_import(ImportTarget target) override;
  Result<ImageEntry> find(std::string_view name_or_id) override;

  const NodeId& node_id() const noexcept override { return node_; }
  const std::filesystem::path& directory() const noexcept override { return directory_; }
  Result<std::vector<ImageEntry>> list() override { return std::vector<ImageEntry>{}; }
  Result<std::shared_ptr<LocalImage>> image(const ImageId&) override { return no(); }
  Result<std::shared_ptr<LocalImage>> adopt(std::string_view, const ImageInfo&) override {
    return no();
  }
  Result<RemovalReport> remove(std::string_view) override { return no(); }
  Result<void> read_by_digest(const Digest&, std::span<std::byte>) override { return no(); }
  Result<void> flush() override { return {}; }
  Result<std::optional<std::string>> setting(std::string_view, std::string_view) override {
    return no();
  }
  Result<void> set_setting(std::string_view, std::string_view,
                           std::optional<std::string_view>) override {
    return no();
  }
  Result<std::vector<std::pair<std::string, std::string>>> settings(std::string_view) override {
    return no();
  }

 private:
  static std::unexpected<Error> no() { return fail(Errc::unsupported, Operation::none); }

  NodeId node_;
  std::filesystem::path directory_;
};

}  // namespace weft::test
