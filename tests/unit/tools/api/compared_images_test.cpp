// SPDX-License-Identifier: Apache-2.0
#include "tools/api/compared_images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace weft::tools {
namespace {

using testing::ElementsAre;

ImageId id(std::uint8_t first) {
  return ImageId{{first, 0xab, 0xcd, 0xef}};
}

ImageEntry entry(const char* name, std::uint8_t first) {
  ImageEntry entry;
  entry.name = name;
  entry.info.id = id(first);
  return entry;
}

// web and db are here, db under two names; peers have web, too, and two of their own.
KnownImages known_images() {
  const std::vector local{entry("web", 1), entry("db", 2), entry("data", 2)};
  const std::vector signatures{id(1), id(3), id(4), id(5), id(6)};
  const std::vector<PeerImage> peers{
      {id(1), "web", "a"}, {id(3), "mail", "a"}, {id(4), "mail", "b"}, {id(5), "db", "b"}};
  return {local, signatures, peers};
}

std::vector<std::string> labels(const KnownImages& known) {
  std::vector<std::string> labels;
  for (const auto& image : known.all())
    labels.push_back(image.label());
  return labels;
}

TEST(KnownImages, local_ones_come_first_and_each_content_once) {
  EXPECT_THAT(labels(known_images()),
              ElementsAre("db", "web", "db@b", "mail@a", "mail@b", "06abcdef0000@?"));
}

TEST(KnownImages, are_found_by_label_name_and_digits) {
  const auto known = known_images();
  EXPECT_EQ(known.find("web")->id, id(1));
  EXPECT_EQ(known.find("db")->id, id(2)) << "the one that is here";
  EXPECT_EQ(known.find("web")->label(), "web");
  EXPECT_EQ(known.find("data")->label(), "data") << "another name of the same content";
  EXPECT_EQ(known.find("db@b")->id, id(5));
  EXPECT_EQ(known.find("mail@b")->id, id(4));
  EXPECT_EQ(known.find("06abcdef")->id, id(6));
  EXPECT_EQ(known.find(to_hex(id(3)))->id, id(3));
}

TEST(KnownImages, what_is_not_there_or_not_one_is_refused) {
  const auto known = known_images();
  for (const char* reference : {"nope", "06abcde", "web@b", ""}) {
    const auto found = known.find(reference);
    ASSERT_FALSE(found) << reference;
    EXPECT_TRUE(found.error().is(Errc::unknown_image)) << reference;
  }
  const auto two = known.find("mail");
  ASSERT_FALSE(two);
  EXPECT_TRUE(two.error().is(Errc::ambiguous_image));
  EXPECT_TRUE(two.error().detail.contains("mail@a"));
}

TEST(SplitNames, at_commas_without_empty_ones) {
  EXPECT_THAT(split_names("web,,db,"), ElementsAre("web", "db"));
  EXPECT_TRUE(split_names("").empty());
}

}  // namespace
}  // namespace weft::tools
