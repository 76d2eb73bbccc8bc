// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/answer.h"
#include "indexer/core/hash.h"

#include <algorithm>
#include <string>
#include <utility>

namespace weft::fetcher {
namespace {

wire::ImageSummary summarise(const ImageEntry& entry) {
  return {.name = entry.name,
          .info = entry.info,
          .available = entry.usage.total - entry.usage.missing,
          .complete = entry.usage.complete};
}

class ImageListing final : public Answer {
 public:
  ImageListing(Store& store, wire::ImageListRequest request)
      : store_(store), request_(std::move(request)) {}

  Result<AnswerPart> next(int) override {
    WEFT_TRY(std::vector<ImageEntry> entries, store_.list());
    std::erase_if(entries, [this](const ImageEntry& entry) {
      return entry.name.empty() || entry.name <= request_.after;
    });
    std::ranges::sort(entries, {}, &ImageEntry::name);
    wire::ImageList list;
    list.more = entries.size() > wire::max_images_in_frame;
    if (list.more) entries.resize(wire::max_images_in_frame);
    for (const ImageEntry& entry : entries)
      list.images.push_back(summarise(entry));
    return AnswerPart{.message = std::move(list)};
  }

 private:
  Store& store_;
  const wire::ImageListRequest request_;
};

class FoundImage final : public Answer {
 public:
  FoundImage(Store& store, wire::FindImageRequest request)
      : store_(store), request_(std::move(request)) {}

  Result<AnswerPart> next(int) override {
    WEFT_TRY(const ImageEntry entry, store_.find(request_.name_or_id));
    WEFT_TRY(const auto image, store_.image(entry.info.id));
    wire::ImageFound found{.image = summarise(entry), .path = {}};
    const BlockIndex last(image->shape().blocks().value() - 1);
    for (const TreeNode node : image->shape().path_to(std::min(request_.first_read, last))) {
      const auto bytes = image->node(node);
      // What is below a node that is not here cannot be verified, what is below a zero node is
      // zero.
      if (!bytes || is_all_zero(*bytes)) break;
      found.path.nodes.push_back({node, *bytes});
    }
    return AnswerPart{.message = std::move(found)};
  }

 private:
  Store& store_;
  const wire::FindImageRequest request_;
};

class Nodes final : public Answer {
 public:
  Nodes(Store& store, wire::TreeNodesRequest request)
      : store_(store), request_(std::move(request)) {}

  Result<AnswerPart> next(int) override {
    if (image_ == nullptr) {
      WEFT_TRY(image_, store_.image(request_.image));
    }
    wire::TreeNodes answer;
    while (at_ < request_.nodes.size() && answer.nodes.size() < wire::max_nodes_in_frame) {
      const TreeNode node = request_.nodes[at_++];
      if (!image_->shape().contains(node)) {
        return fail(Errc::bad_request, Operation::read,
                    "the tree of this image has no node " + std::to_string(node.index) +
                        " on level " + std::to_string(node.level));
      }
      if (const auto bytes = image_->node(node)) answer.nodes.push_back({node, *bytes});
    }
    answer.more = at_ < request_.nodes.size();
    const bool last = !answer.more;
    return AnswerPart{.message = std::move(answer), .last = last};
  }

 private:
  Store& store_;
  const wire::TreeNodesRequest request_;
  std::shared_ptr<LocalImage> image_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<Answer> answer_image_list(Store& store, wire::ImageListRequest request) {
  return std::make_unique<ImageListing>(store, std::move(request));
}

std::unique_ptr<Answer> answer_find_image(Store& store, wire::FindImageRequest request) {
  return std::make_unique<FoundImage>(store, std::move(request));
}

std::unique_ptr<Answer> answer_tree_nodes(Store& store, wire::TreeNodesRequest request) {
  return std::make_unique<Nodes>(store, std::move(request));
}

}  // namespace weft::fetcher
