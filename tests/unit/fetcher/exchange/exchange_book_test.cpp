// SPDX-License-Identifier: Apache-2.0
#include "fetcher/exchange/exchange_book.h"

#include <gtest/gtest.h>

namespace weft::fetcher {
namespace {

using Failure = ExchangeBook::Failure;

constexpr PeerId first{1};
constexpr PeerId second{2};
constexpr ImageId a{{0xa}};
constexpr ImageId b{{0xb}};

std::vector<wire::ImageSummary> list(std::vector<ImageId> ids, std::uint64_t available = 1) {
  std::vector<wire::ImageSummary> images;
  for (const ImageId& id : ids) {
    images.push_back({.name = to_hex(id),
                      .info = {.id = id, .size = ByteCount(1u << 20), .root = {}},
                      .available = BlockCount(available),
                      .complete = false});
  }
  return images;
}

TEST(ExchangeBook, what_is_here_is_not_asked_for) {
  ExchangeBook book;
  book.known(std::vector{a});
  book.listed(first, list({a, b}));
  EXPECT_EQ(book.next(first), b);
  EXPECT_EQ(book.next(first), std::nullopt);
}

TEST(ExchangeBook, an_image_is_asked_for_once_and_of_one_peer_at_a_time) {
  ExchangeBook book;
  book.listed(first, list({a}));
  book.listed(second, list({a}));
  EXPECT_EQ(book.next(first), a);
  EXPECT_EQ(book.next(second), std::nullopt);
  book.learnt(a);
  book.listed(first, list({a}));
  book.listed(second, list({a}));
  EXPECT_EQ(book.next(first), std::nullopt);
  EXPECT_EQ(book.next(second), std::nullopt);
}

TEST(ExchangeBook, a_peer_that_had_none_is_asked_again_when_it_holds_more) {
  ExchangeBook book;
  book.listed(first, list({a}, 5));
  EXPECT_EQ(book.next(first), a);
  book.failed(first, a, Failure::absent);
  book.listed(first, list({a}, 5));
  EXPECT_EQ(book.next(first), std::nullopt);
  book.listed(second, list({a}));
  EXPECT_EQ(book.next(second), a) << "another may have it";
  book.failed(second, a, Failure::passing);
  book.listed(first, list({a}, 6));
  EXPECT_EQ(book.next(first), a);
}

TEST(ExchangeBook, a_peer_that_lied_of_an_image_is_not_asked_for_it_again) {
  ExchangeBook book;
  book.listed(first, list({a, b}));
  EXPECT_EQ(book.next(first), a);
  book.failed(first, a, Failure::wrong);
  EXPECT_FALSE(book.worth_asking(first, a));
  book.listed(first, list({a, b}, 9));
  EXPECT_EQ(book.next(first), b);
  book.listed(second, list({a}));
  EXPECT_EQ(book.next(second), a);
}

TEST(ExchangeBook, a_passing_failure_is_tried_again_with_the_next_list) {
  ExchangeBook book;
  book.listed(first, list({a}));
  EXPECT_EQ(book.next(first), a);
  book.failed(first, a, Failure::passing);
  EXPECT_EQ(book.next(first), std::nullopt);
  book.listed(first, list({a}));
  EXPECT_EQ(book.next(first), a);
}

TEST(ExchangeBook, a_peer_that_went_is_forgotten_and_its_question_freed) {
  ExchangeBook book;
  book.listed(first, list({a}));
  EXPECT_EQ(book.next(first), a);
  book.gone(first);
  EXPECT_EQ(book.next(first), std::nullopt);
  book.failed(first, a, Failure::wrong);
  book.listed(second, list({a}));
  EXPECT_EQ(book.next(second), a);
  EXPECT_FALSE(book.lists(first, a));
}

}  // namespace
}  // namespace weft::fetcher
