// SPDX-License-Identifier: Apache-2.0
#include "tools/api/holdings.h"

#include "tools/api/placement_view.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace weft::tools {
namespace {

constexpr std::uint64_t blocks = 1000;

ImageInfo info(std::uint8_t number) {
  const ByteCount size(blocks * block_size);
  const Digest root{{number}};
  return {.id = make_image_id(size, root), .size = size, .root = root};
}

Signature signature(const ImageId& image, std::uint64_t from, std::uint64_t count) {
  Signature made{.image = image, .unique_blocks = BlockCount(count), .keys = {}};
  for (std::uint64_t i = from; i < from + count; ++i)
    made.keys.push_back(i << 40);
  return made;
}

ImageEntry local(const std::string& name, std::uint8_t number, std::uint64_t missing = 0) {
  ImageEntry entry{.name = name, .info = info(number), .usage = {}, .source = {}};
  entry.usage.total = BlockCount(blocks);
  entry.usage.zero = BlockCount(200);
  entry.usage.missing = BlockCount(missing);
  return entry;
}

PeerSeen peer_with(const std::string& name, std::uint8_t number, std::uint64_t available) {
  PeerSeen peer{.address = "a:1", .link = {.price_per_gib = 2, .site = {}}};
  peer.status.emplace().state = fetcher::PeerState::connected;
  peer.holdings.emplace().listed = TimePoint(Duration(1));
  peer.holdings->images.push_back({.name = name,
                                   .info = info(number),
                                   .available = BlockCount(available),
                                   .complete = available == blocks});
  return peer;
}

const WantedImage wanted{"web", info(1)};
const Signature target = signature(info(1).id, 0, 800);

HoldingsOf holdings(std::map<ImageId, Signature> known = {}) {
  return HoldingsOf(wanted, target, [known](const ImageId& id) -> std::optional<Signature> {
    const auto found = known.find(id);
    return found == known.end() ? std::nullopt : std::optional(found->second);
  });
}

constexpr ByteCount of(std::uint64_t count) {
  return ByteCount(count * block_size);
}

TEST(Holdings, content_is_what_is_distinct_in_the_image) {
  EXPECT_EQ(holdings().content(), of(800));
  EXPECT_EQ(HoldingsOf(wanted, std::nullopt, {}).content(), of(1000))
      << "the size, if no more is known";
}

TEST(Holdings, an_image_that_is_here_is_counted_exactly) {
  const auto whole = holdings().here("n", std::vector{local("web", 1)});
  EXPECT_EQ(whole.share->bytes, of(800));
  EXPECT_TRUE(whole.share->exact);
  const auto half = holdings().here("n", std::vector{local("web", 1, 400)});
  EXPECT_EQ(half.share->bytes, of(400));
  EXPECT_TRUE(half.share->exact);
}

TEST(Holdings, what_other_images_share_is_estimated_from_their_signatures) {
  const ImageId base = info(2).id;
  auto known = holdings({{base, signature(base, 200, 800)}});
  const auto here = known.here("n", std::vector{local("base", 2)});
  EXPECT_EQ(here.share->bytes, of(600));
  EXPECT_TRUE(here.share->exact) << "both signatures are full";
  const auto there = known.at(peer_with("base", 2, 500));
  EXPECT_EQ(there.share->bytes, of(300)) << "half of it is there";
  EXPECT_FALSE(there.share->exact);
  EXPECT_FALSE(holdings().at(peer_with("base", 2, blocks)).share) << "without a signature";
}

TEST(Holdings, a_peer_with_the_image_itself_is_counted_by_its_list) {
  EXPECT_EQ(holdings().at(peer_with("web", 1, blocks)).share->bytes, of(800));
  EXPECT_EQ(holdings().at(peer_with("web", 1, 500)).share->bytes, of(400));
  const auto last = holdings().at(peer_with("web", 1, blocks - 1)).share->bytes;
  EXPECT_LT(last, of(800)) << "never rounded up to the whole";
}

TEST(Holdings, a_node_without_images_holds_nothing_and_one_never_heard_of_is_not_known) {
  EXPECT_EQ(holdings().here("n", {}).share->bytes, ByteCount(0));
  EXPECT_FALSE(holdings().at(PeerSeen{.address = "a:1"}).share);
}

TEST(Holdings, images_are_found_here_first_and_then_at_peers) {
  const std::vector<ImageEntry> here = {local("web", 2)};
  const std::vector<PeerSeen> peers = {peer_with("web", 1, 1), peer_with("db", 3, 1)};
  EXPECT_EQ(find_wanted("web", here, peers)->info, info(2));
  EXPECT_EQ(find_wanted("db", here, peers)->info, info(3));
  EXPECT_EQ(find_wanted(to_hex(info(3).id).substr(0, 8), here, peers)->info, info(3));
  const auto none = find_wanted("nope", here, peers);
  EXPECT_TRUE(!none && none.error().is(Errc::unknown_image));
  const std::vector<PeerSeen> two = {peer_with("db", 3, 1), peer_with("db", 4, 1)};
  const auto many = find_wanted("db", here, two);
  EXPECT_TRUE(!many && many.error().is(Errc::ambiguous_image));
}

TEST(Holdings, the_answer_has_null_for_what_is_not_known) {
  std::vector<fetcher::NodeView> nodes = {holdings().here("n", {}),
                                          holdings().at(peer_with("base", 2, blocks))};
  const auto view = to_json(wanted, of(800), fetcher::placements(of(800), nodes));
  EXPECT_EQ(view.at("content").to_number<std::uint64_t>(), 800u * 4096);
  const auto& unknown = view.at("nodes").at(1).as_object();
  EXPECT_EQ(unknown.at("address"), "a:1");
  for (const char* member : {"holds", "needs", "time", "price"})
    EXPECT_TRUE(unknown.at(member).is_null()) << member;
  EXPECT_TRUE(view.at("nodes").at(0).at("address").is_null());
  EXPECT_EQ(view.at("nodes").at(0).at("needs").to_number<std::uint64_t>(), 800u * 4096);
}

}  // namespace
}  // namespace weft::tools
