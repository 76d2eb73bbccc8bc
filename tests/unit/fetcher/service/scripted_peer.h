// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/net/signal.h"
#include "fetcher/peer/peer_session.h"
#include "tests/support/indexer/sample_image.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weft::fetcher::testing {

/// A session without a connection: keeps what it is asked, and answers when the test says so.
class ScriptedPeer final : public PeerSession {
 public:
  struct Request {
    RequestId id{};
    std::vector<BlockRange> ranges;  ///< by digest: positions
    wire::Priority priority{};
    OnBatch handler;
    std::vector<Digest> digests = {};  ///< by digest
  };

  ScriptedPeer(Timers& timers, const test::SampleImage& image, std::uint8_t node)
      : timers_(timers), image_(image) {
    hello_.node.bytes[0] = node;
    hello_.name = "scripted";
  }

  // --- The script.
  bool has_image = true;
  bool complete = true;
  bool answers_nodes = true;                          ///< at once; else they wait for `nodes_go`
  std::size_t most_nodes_answered = ~std::size_t{0};  ///< requests; more wait for `nodes_go`
  bool lies_about_nodes = false;
  /// Says who it is with its first answer only.
  void greet_late() { late_node_ = std::exchange(hello_.node, NodeId{}); }
  /// Blocks of the image it holds in other images; if set, it answers have queries.
  void has_others(std::function<bool(BlockIndex)> holds) {
    hello_.features |= wire::feature_redundancy;
    others_ = std::move(holds);
  }
  /// What it has when it is asked for it: less than it says, if it lies.
  std::function<bool(BlockIndex)> really_has = [](BlockIndex) { return true; };
  LinkEstimate measured;               ///< what it says of its link
  LinkEstimate assumed;                ///< what it was told of it
  std::deque<Request> requests;        ///< blocks, not answered yet
  std::vector<std::size_t> have_keys;  ///< of each have query
  std::vector<TreeNode> nodes_asked;   ///< in order
  std::vector<std::string> calls;      ///< "nodes", "blocks", "raise", "cancel" in order
  OnResidency on_residency;

  [[nodiscard]] wire::BlockBatch batch(const std::vector<BlockRange>& ranges) const {
    wire::BlockBatch batch;
    for (const BlockRange& range : ranges) {
      for (BlockIndex b = range.first; b < range.end(); ++b)
        add(batch, b);
    }
    return batch;
  }
  /// Answers the oldest request: with the image's blocks, or as `change` makes of it.
  template <class Change>
  void answer(Change change) {
    Request request = std::move(requests.front());
    requests.pop_front();
    wire::BlockBatch made =
        request.digests.empty() ? batch(request.ranges) : batch_by_digest(request.digests);
    change(made);
    made.last = true;
    request.handler(std::move(made), true);
  }
  void answer() {
    answer([](wire::BlockBatch&) {});
  }
  using Pack = std::function<Result<std::vector<NodePack>>(const wire::TreePackRequest&)>;
  /// From now on it says that it packs tree nodes, and answers so.
  void pack_with(Pack pack) {
    hello_.features |= wire::feature_tree_pack;
    pack_ = std::move(pack);
  }
  /// From now on it says that it knows boots, and answers so.
  std::function<Result<BootProfile>(const wire::ProfileRequest&)> profile_of;
  void know_profiles(std::function<Result<BootProfile>(const wire::ProfileRequest&)> know) {
    hello_.features |= wire::feature_profiles;
    profile_of = std::move(know);
  }
  std::optional<Signature> known_signature;
  bool answers_signature = true;  ///< at once; else it waits for `signature_goes`
  void signature_goes() {
    answers_signature = true;
    nodes_signal_.notify_all();
  }
  void nodes_go() {
    answers_nodes = true;
    most_nodes_answered = ~std::size_t{0};
    nodes_signal_.notify_all();
  }
  void break_connection(Errc why) {
    const Error error{make_error_code(why), Operation::receive, "scripted"};
    closed_ = true;
    for (Request& request : std::exchange(requests, {})) {
      request.handler(std::unexpected(error), true);
    }
    nodes_signal_.notify_all();
    if (on_closed_) on_closed_(error);
  }

  // --- PeerSession.
  const wire::Hello& remote() const noexcept override { return hello_; }
  LinkEstimate link() const noexcept override { return measured; }
  void assume(const LinkEstimate& prior) override { assumed = prior; }
  Awaitable<Result<std::vector<wire::ImageSummary>>> images(TimePoint) override {
    co_return std::vector<wire::ImageSummary>{};
  }
  Awaitable<Result<wire::ImageFound>> find_image(std::string, BlockIndex, TimePoint) override {
    if (!late_node_.is_zero()) hello_.node = late_node_;
    if (!has_image) co_return fail(Errc::unknown_image, Operation::locate);
    wire::ImageFound found;
    found.image = {"disk", image_.info, image_.blocks(), complete};
    co_return found;
  }
  Awaitable<Result<wire::TreeNodes>> tree_nodes(ImageId image, std::vector<TreeNode> nodes,
                                                wire::Priority, TimePoint deadline) override {
    calls.emplace_back("nodes");
    nodes_asked.insert(nodes_asked.end(), nodes.begin(), nodes.end());
    const std::size_t request = ++node_requests_;
    while ((!answers_nodes || request > most_nodes_answered) && !closed_) {
      const bool woken = co_await nodes_signal_.wait_until(timers_, deadline);
      if (!woken) co_return fail(Errc::deadline_passed, Operation::fetch);
    }
    if (closed_) co_return fail(Errc::peer_unreachable, Operation::fetch);
    if (!late_node_.is_zero()) hello_.node = late_node_;
    if (image != image_.info.id) co_return fail(Errc::unknown_image, Operation::fetch);
    wire::TreeNodes answer;
    for (const TreeNode& node : nodes) {
      const auto known = image_.nodes.find(node);
      answer.nodes.push_back({node, known == image_.nodes.end() ? NodeBytes{} : known->second});
      if (lies_about_nodes) answer.nodes.back().bytes[5] ^= std::byte{1};
    }
    co_return answer;
  }
  Awaitable<Result<Signature>> signature(ImageId image, std::uint32_t, wire::Priority,
                                         TimePoint deadline) override {
    calls.emplace_back("signature");
    while (!answers_signature && !closed_) {
      const bool woken = co_await nodes_signal_.wait_until(timers_, deadline);
      if (!woken) co_return fail(Errc::deadline_passed, Operation::fetch);
    }
    if (!known_signature || known_signature->image != image) {
      co_return fail(Errc::unknown_image, Operation::fetch);
    }
    co_return *known_signature;
  }
  Awaitable<Result<BootProfile>> profile(wire::ProfileRequest request, TimePoint) override {
    calls.emplace_back(request.relatives ? "profile of a relative" : "profile");
    co_return profile_of(request);
  }
  Awaitable<Result<std::vector<NodePack>>> tree_pack(wire::TreePackRequest request, wire::Priority,
                                                     TimePoint) override {
    calls.emplace_back("pack of " + std::to_string(request.bases.size()) + " bases");
    co_return pack_(request);
  }
  RequestId blocks(ImageId, std::vector<BlockRange> ranges, wire::Priority priority,
                   OnBatch on_batch) override {
    calls.emplace_back("blocks");
    const RequestId id{++last_id_};
    requests.push_back({id, std::move(ranges), priority, std::move(on_batch)});
    return id;
  }
  RequestId blocks_by_digest(std::vector<Digest> digests, wire::Priority priority,
                             OnBatch on_batch) override {
    calls.emplace_back("digests");
    const RequestId id{++last_id_};
    const BlockRange all{BlockIndex(0), BlockCount(digests.size())};
    requests.push_back({id, {all}, priority, std::move(on_batch), std::move(digests)});
    return id;
  }
  Awaitable<Result<std::vector<bool>>> have(std::vector<std::uint64_t> keys, unsigned key_bytes,
                                            TimePoint) override {
    have_keys.push_back(keys.size());
    std::vector<bool> answer;
    for (const std::uint64_t key : keys) {
      answer.push_back(std::ranges::any_of(image_.digests, [&](const Digest& digest) {
        const auto block = static_cast<std::uint64_t>(&digest - image_.digests.data());
        std::uint64_t prefix = 0;
        for (unsigned i = 0; i < key_bytes; ++i)
          prefix = prefix << 8U | digest.bytes.at(i);
        return prefix == key && others_(BlockIndex(block));
      }));
    }
    co_return answer;
  }
  void reprioritise(RequestId id, wire::Priority priority) override {
    calls.emplace_back("raise");
    for (Request& request : requests) {
      if (request.id == id) request.priority = priority;
    }
  }
  void cancel(RequestId id) override {
    calls.emplace_back("cancel");
    for (auto it = requests.begin(); it != requests.end(); ++it) {
      if (it->id != id) continue;
      Request request = std::move(*it);
      requests.erase(it);
      request.handler(fail(Errc::cancelled, Operation::fetch), true);
      return;
    }
  }
  void watch_residency(ImageId, OnResidency handler) override { on_residency = std::move(handler); }
  void unwatch_residency(ImageId) override { on_residency = nullptr; }
  void on_closed(OnClosed handler) override { on_closed_ = std::move(handler); }
  void close() override {
    closed_ = true;
    nodes_signal_.notify_all();
  }
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  [[nodiscard]] wire::BlockBatch batch_by_digest(const std::vector<Digest>& digests) const {
    wire::BlockBatch batch;
    for (std::size_t i = 0; i < digests.size(); ++i) {
      const auto found = std::ranges::find(image_.digests, digests[i]);
      const auto block = static_cast<std::uint64_t>(found - image_.digests.begin());
      const BlockRange position{BlockIndex(i), BlockCount(1)};
      if (found == image_.digests.end() || !really_has(BlockIndex(block))) {
        batch.absent.push_back(position);
        continue;
      }
      batch.ranges.push_back(position);
      const auto bytes = image_.block(block);
      batch.packed.insert(batch.packed.end(), bytes.begin(), bytes.end());
    }
    return batch;
  }
  void add(wire::BlockBatch& batch, BlockIndex b) const {
    if (image_.digests[b.value()].is_zero()) return batch.zero.push_back({b, BlockCount(1)});
    batch.ranges.push_back({b, BlockCount(1)});
    const auto bytes = image_.block(b.value());
    batch.packed.insert(batch.packed.end(), bytes.begin(), bytes.end());
  }

  Timers& timers_;
  const test::SampleImage& image_;
  Pack pack_;
  wire::Hello hello_;
  NodeId late_node_;
  std::function<bool(BlockIndex)> others_;
  OnClosed on_closed_;
  Signal nodes_signal_;
  bool closed_ = false;
  std::uint32_t last_id_ = 0;
  std::size_t node_requests_ = 0;
};

}  // namespace weft::fetcher::testing
