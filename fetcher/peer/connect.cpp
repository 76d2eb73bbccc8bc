// SPDX-License-Identifier: Apache-2.0
#include "fetcher/peer/connect.h"

#include "fetcher/peer/session_core.h"
#include "fetcher/profile/profile_codec.h"
#include "indexer/similarity/signature_codec.h"

#include <algorithm>
#include <utility>

namespace weft::fetcher {
namespace {

/// A session as its owner sees it. What it does is in SessionCore, which its tasks keep alive.
class Session final : public PeerSession {
 public:
  explicit Session(std::shared_ptr<SessionCore> core) : core_(std::move(core)) {}
  ~Session() override { core_->abandon(); }

  [[nodiscard]] const wire::Hello& remote() const noexcept override { return core_->remote(); }
  [[nodiscard]] LinkEstimate link() const noexcept override { return core_->link(); }
  void assume(const LinkEstimate& prior) override { core_->assume(prior); }
  [[nodiscard]] SessionStats stats() const noexcept override { return core_->stats(); }

  Awaitable<Result<std::vector<wire::ImageSummary>>> images(TimePoint deadline) override {
    return list_images(core_, deadline);
  }

  Awaitable<Result<wire::ImageFound>> find_image(std::string name_or_id, BlockIndex first_read,
                                                 TimePoint deadline) override {
    wire::FindImageRequest request{.name_or_id = std::move(name_or_id), .first_read = first_read};
    return ask<wire::ImageFound>(core_, std::move(request), wire::Priority::control, deadline);
  }

  Awaitable<Result<wire::TreeNodes>> tree_nodes(ImageId image, std::vector<TreeNode> nodes,
                                                wire::Priority priority,
                                                TimePoint deadline) override {
    return ask_nodes(core_, {.image = image, .nodes = std::move(nodes)}, priority, deadline);
  }

  Awaitable<Result<std::vector<NodePack>>> tree_pack(wire::TreePackRequest request,
                                                     wire::Priority priority,
                                                     TimePoint deadline) override {
    return core_->call_packs(std::move(request), priority, deadline);
  }

  Awaitable<Result<Signature>> signature(ImageId image, std::uint32_t max_keys,
                                         wire::Priority priority, TimePoint deadline) override {
    return ask_signature(core_, {.image = image, .max_keys = max_keys}, priority, deadline);
  }

  Awaitable<Result<std::vector<bool>>> have(std::vector<std::uint64_t> keys, unsigned key_bytes,
                                            TimePoint deadline) override {
    wire::HaveRequest request{.key_bytes = static_cast<std::uint8_t>(std::min(key_bytes, 255u)),
                              .keys = std::move(keys)};
    return core_->call_have(std::move(request), deadline);
  }

  Awaitable<Result<BootProfile>> profile(wire::ProfileRequest request,
                                         TimePoint deadline) override {
    return ask_profile(core_, request, deadline);
  }

  Awaitable<Result<wire::SwarmAnswer>> swarm(wire::SwarmRequest request,
                                             TimePoint deadline) override {
    return ask<wire::SwarmAnswer>(core_, std::move(request), wire::Priority::readahead, deadline);
  }

  RequestId blocks(ImageId image, std::vector<BlockRange> ranges, wire::Priority priority,
                   OnBatch on_batch) override {
    std::vector<BlockRange> asked = ranges;
    wire::BlocksRequest request{.image = image, .ranges = std::move(ranges)};
    return core_->ask_blocks(std::move(request), std::move(asked), priority, std::move(on_batch));
  }

  RequestId blocks_by_digest(std::vector<Digest> digests, wire::Priority priority,
                             OnBatch on_batch) override {
    std::vector<BlockRange> asked = {{BlockIndex(0), BlockCount(digests.size())}};
    wire::BlocksByDigestRequest request{.digests = std::move(digests)};
    return core_->ask_blocks(std::move(request), std::move(asked), priority, std::move(on_batch));
  }

  void reprioritise(RequestId id, wire::Priority priority) override {
    core_->reprioritise(id, priority);
  }
  void cancel(RequestId id) override { core_->cancel(id); }
  void watch_residency(ImageId image, OnResidency on_residency) override {
    core_->watch(image, std::move(on_residency));
  }
  void unwatch_residency(ImageId image) override { core_->unwatch(image); }
  void on_closed(OnClosed handler) override { core_->on_closed(std::move(handler)); }
  void close() override {
    core_->close({make_error_code(Errc::cancelled), Operation::none, "closed on this side"});
  }

 private:
  using Core = std::shared_ptr<SessionCore>;

  template <class Answer>
  static Awaitable<Result<Answer>> ask(Core core, wire::Message request, wire::Priority priority,
                                       TimePoint deadline) {
    WEFT_CO_TRY(wire::Message answer, co_await core->call(std::move(request), priority, deadline));
    co_return std::get<Answer>(std::move(answer));
  }

  static Awaitable<Result<std::vector<wire::ImageSummary>>> list_images(Core core,
                                                                        TimePoint deadline) {
    std::vector<wire::ImageSummary> images;
    for (;;) {
      wire::ImageListRequest request{.after = images.empty() ? "" : images.back().name};
      WEFT_CO_TRY(wire::ImageList part,
                  co_await ask<wire::ImageList>(core, std::move(request), wire::Priority::prefetch,
                                                deadline));
      const bool forward =
          images.empty() || part.images.empty() || part.images.front().name > images.back().name;
      if (!forward || (part.more && part.images.empty()) || images.size() > max_images) {
        const Error reason{make_error_code(Errc::peer_misbehaved), Operation::receive,
                           "its list of images does not end"};
        core->close(reason);
        co_return std::unexpected(reason);
      }
      std::ranges::move(part.images, std::back_inserter(images));
      if (!part.more) co_return images;
    }
  }

  static Awaitable<Result<wire::TreeNodes>> ask_nodes(Core core, wire::TreeNodesRequest request,
                                                      wire::Priority priority, TimePoint deadline) {
    std::vector<TreeNode> open = request.nodes;
    WEFT_CO_TRY(wire::TreeNodes answer,
                co_await ask<wire::TreeNodes>(core, std::move(request), priority, deadline));
    for (const auto& entry : answer.nodes) {
      if (std::erase(open, entry.node) > 0) continue;
      const Error reason{make_error_code(Errc::peer_misbehaved), Operation::receive,
                         "it sent a tree node that was not asked for, or twice"};
      core->close(reason);
      co_return std::unexpected(reason);
    }
    co_return answer;
  }

  // One that is not well-formed is no reason to part: blocks are checked whatever it says.
  static Awaitable<Result<Signature>> ask_signature(Core core, wire::SignatureRequest request,
                                                    wire::Priority priority, TimePoint deadline) {
    WEFT_CO_TRY(const std::vector<std::byte> bytes,
                co_await core->call_signature(request, priority, deadline));
    auto signature = decode_signature(bytes);
    if (!signature && signature.error().is(Errc::newer_state)) {
      co_return std::unexpected(std::move(signature).error());
    }
    if (signature && signature->image == request.image &&
        signature->keys.size() <= request.max_keys) {
      co_return signature;
    }
    const std::string what = signature ? "it is of another image, or of more keys than asked for"
                                       : signature.error().message();
    co_return fail(Errc::peer_misbehaved, Operation::receive,
                   "the signature that peer " + core->remote().name + " sent is wrong: " + what);
  }

  static Awaitable<Result<BootProfile>> ask_profile(Core core, wire::ProfileRequest request,
                                                    TimePoint deadline) {
    WEFT_CO_TRY(const std::vector<std::byte> bytes, co_await core->call_profile(request, deadline));
    auto profile = decode_profile(bytes);
    if (!profile && profile.error().is(Errc::newer_state)) co_return profile;
    const bool wanted = profile && profile->entries.size() <= request.max_entries &&
                        (request.relatives || profile->image == request.image);
    if (wanted) co_return profile;
    const std::string what =
        profile ? "it is of another image, or longer than asked for" : profile.error().message();
    co_return fail(Errc::peer_misbehaved, Operation::receive,
                   "the boot profile that peer " + core->remote().name + " sent is wrong: " + what);
  }

  static constexpr std::size_t max_images = 100'000;
  const Core core_;
};

}  // namespace

Awaitable<Result<std::unique_ptr<PeerSession>>> connect_peer(PeerContext context, Address address,
                                                             PeerOptions options,
                                                             TimePoint deadline) {
  const bool await_hello = options.await_hello;
  WEFT_CO_TRY(auto stream, co_await context.network.dial(std::move(address), deadline));
  auto core = std::make_shared<SessionCore>(context, std::move(options), std::move(stream));
  core->start();
  std::unique_ptr<PeerSession> session = std::make_unique<Session>(core);
  if (await_hello) WEFT_CO_CHECK(co_await core->greeted(deadline));
  co_return session;
}

}  // namespace weft::fetcher
