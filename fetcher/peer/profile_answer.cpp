// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/answer.h"
#include "fetcher/profile/profile_codec.h"
#include "fetcher/profile/profile_merge.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

class ProfileParts final : public Answer {
 public:
  ProfileParts(ProfileKeeper& profiles, wire::ProfileRequest request)
      : profiles_(profiles), request_(request) {}

  Result<AnswerPart> next(int) override {
    if (bytes_.empty()) {
      auto profile =
          request_.relatives ? profiles_.find(request_.image) : profiles_.find_own(request_.image);
      if (!profile) {
        return fail(Errc::not_resident, Operation::read,
                    "boot profile of " + to_hex(request_.image));
      }
      keep_most_needed(*profile, request_.max_entries);
      bytes_ = encode_profile(*profile);
    }
    const std::size_t size = std::min<std::size_t>(bytes_.size() - at_, wire::max_profile_part);
    const auto part = std::span(bytes_).subspan(at_, size);
    at_ += size;
    const bool last = at_ == bytes_.size();
    return AnswerPart{
        .message = wire::ProfileAnswer{.more = !last, .part = {part.begin(), part.end()}},
        .last = last};
  }

 private:
  ProfileKeeper& profiles_;
  const wire::ProfileRequest request_;
  std::vector<std::byte> bytes_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<Answer> answer_profile(ProfileKeeper& profiles, wire::ProfileRequest request) {
  return std::make_unique<ProfileParts>(profiles, request);
}

}  // namespace weft::fetcher
