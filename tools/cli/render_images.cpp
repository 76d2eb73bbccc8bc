// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/json_view.h"
#include "tools/cli/render.h"
#include "tools/cli/short_ids.h"
#include "tools/cli/table.h"
#include "tools/config/quantity.h"

#include <boost/json/value.hpp>

#include <fmt/format.h>

namespace weft::tools {
namespace {

namespace json = boost::json;

std::string origin_of(const json::object& image) {
  const auto source = text_of(image, "source");
  if (source.empty()) return "peers";
  return flag_of(image, "in_place") ? "in place: " + source : source;
}

}  // namespace

std::string render_images(const json::object& answer) {
  const auto& images = list_of(answer, "images");
  if (images.empty()) return "no images: `weft import FILE` makes one\n";
  std::vector<std::string> ids;
  for (const auto& image : images) {
    if (image.is_object()) ids.push_back(text_of(image.get_object(), "id"));
  }
  const auto length = unambiguous_length(ids);
  using enum Table::Align;
  Table table({{"NAME"}, {"ID"}, {"SIZE", right}, {"LOCAL", right}, {"ON DISK", right}, {"FROM"}});
  for (const auto& value : images) {
    if (!value.is_object()) continue;
    const auto& image = value.get_object();
    const auto name = text_of(image, "name");
    table.add({name.empty() ? "-" : name, text_of(image, "id").substr(0, length),
               format_size(bytes_at(image, "size")),
               fmt::format("{:.1f}%", number_of(image, "percent")),
               format_size(bytes_at(image, "physical")), origin_of(image)});
  }
  return table.text();
}

std::string render_image(const json::object& image) {
  const auto& blocks = object_of(image, "blocks");
  const auto size = [&](const char* kind) {
    return format_size(bytes_of(BlockCount(count_of(blocks, kind))));
  };
  std::string text;
  const auto line = [&](std::string_view title, const std::string& value) {
    text += fmt::format("{:<10}{}\n", title, value);
  };
  line("name", text_of(image, "name"));
  line("id", text_of(image, "id"));
  line("size",
       fmt::format("{} ({} bytes)", format_size(bytes_at(image, "size")), count_of(image, "size")));
  line("root", text_of(image, "root"));
  line("from", origin_of(image));
  line("local", fmt::format("{:.1f}%{}", number_of(image, "percent"),
                            flag_of(image, "complete") ? ", complete" : ""));
  line("blocks", fmt::format("{} resident, {} borrowed, {} zero, {} missing", size("resident"),
                             size("borrowed"), size("zero"), size("missing")));
  line("on disk", format_size(bytes_at(image, "physical")));
  return text;
}

std::string render_removal(const json::object& report) {
  auto text = fmt::format("freed {}", format_size(bytes_at(report, "freed")));
  const BlockCount kept(count_of(report, "blocks_kept_for_borrowers"));
  if (kept.value() > 0) {
    text += fmt::format("; {} stay because other images borrow them", format_size(bytes_of(kept)));
  }
  return text + "\n";
}

}  // namespace weft::tools
