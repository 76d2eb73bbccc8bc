// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/answer.h"
#include "indexer/similarity/signature_codec.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

class SignatureParts final : public Answer {
 public:
  SignatureParts(Store& store, wire::SignatureRequest request)
      : store_(store), request_(std::move(request)) {}

  Result<AnswerPart> next(int) override {
    if (bytes_.empty()) {
      WEFT_TRY(const Signature signature, store_.signature(request_.image, request_.max_keys));
      bytes_ = encode_signature(signature);
    }
    const std::size_t size = std::min<std::size_t>(bytes_.size() - at_, wire::max_signature_part);
    const auto part = std::span(bytes_).subspan(at_, size);
    at_ += size;
    const bool last = at_ == bytes_.size();
    return AnswerPart{
        .message = wire::SignatureAnswer{.more = !last, .part = {part.begin(), part.end()}},
        .last = last};
  }

 private:
  Store& store_;
  const wire::SignatureRequest request_;
  std::vector<std::byte> bytes_;
  std::size_t at_ = 0;
};

class HeldBlocks final : public Answer {
 public:
  HeldBlocks(Store& store, wire::HaveRequest request)
      : store_(store), request_(std::move(request)) {}

  Result<AnswerPart> next(int) override {
    WEFT_TRY(std::vector<bool> held, store_.holds(request_.keys, request_.key_bytes));
    return AnswerPart{.message = wire::HaveAnswer{std::move(held)}};
  }

 private:
  Store& store_;
  const wire::HaveRequest request_;
};

}  // namespace

std::unique_ptr<Answer> answer_signature(Store& store, wire::SignatureRequest request) {
  return std::make_unique<SignatureParts>(store, std::move(request));
}

std::unique_ptr<Answer> answer_have(Store& store, wire::HaveRequest request) {
  return std::make_unique<HeldBlocks>(store, std::move(request));
}

}  // namespace weft::fetcher
