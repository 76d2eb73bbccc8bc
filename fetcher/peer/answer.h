// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/profile/profile_source.h"
#include "fetcher/wire/messages.h"
#include "indexer/core/error.h"
#include "indexer/store/store.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace weft::fetcher {

/// One frame of an answer, with what it carries for the statistics.
struct AnswerPart {
  wire::Message message;
  bool last = true;
  std::uint64_t blocks_sent = 0;
  std::uint64_t blocks_zero = 0;
  std::uint64_t blocks_absent = 0;
};

/// An answer to one request, made frame by frame when its turn to be sent comes: a large answer is
/// never in memory as a whole.
///
/// Made on the I/O thread, which does not touch the store. `next` runs on a worker, one call at a
/// time, until a part is `last` or an error has ended the answer.
class Answer {
 public:
  virtual ~Answer() = default;
  /// `level`: zstd level for blocks; 0 = plain.
  [[nodiscard]] virtual Result<AnswerPart> next(int level) = 0;
};

/// The store outlives the answers.
[[nodiscard]] std::unique_ptr<Answer> answer_image_list(Store& store,
                                                        wire::ImageListRequest request);
[[nodiscard]] std::unique_ptr<Answer> answer_find_image(Store& store,
                                                        wire::FindImageRequest request);
[[nodiscard]] std::unique_ptr<Answer> answer_tree_nodes(Store& store,
                                                        wire::TreeNodesRequest request);
[[nodiscard]] std::unique_ptr<Answer> answer_blocks(Store& store, wire::BlocksRequest request);
[[nodiscard]] std::unique_ptr<Answer> answer_blocks_by_digest(Store& store,
                                                              wire::BlocksByDigestRequest request);
/// What the store says of an image's signature; parts of its encoded bytes.
[[nodiscard]] std::unique_ptr<Answer> answer_signature(Store& store,
                                                       wire::SignatureRequest request);
[[nodiscard]] std::unique_ptr<Answer> answer_have(Store& store, wire::HaveRequest request);
/// What is known here of an image's boots; parts of its encoded bytes. `profiles` outlives it.
[[nodiscard]] std::unique_ptr<Answer> answer_profile(ProfileKeeper& profiles,
                                                     wire::ProfileRequest request);

}  // namespace weft::fetcher
