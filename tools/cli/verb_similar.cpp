// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/render_similar.h"
#include "tools/cli/verbs.h"

#include <boost/json/array.hpp>

#include <cerrno>
#include <fstream>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weft::tools {
namespace {

constexpr std::size_t most_drawn = 200;
constexpr int columns_of_a_file = 120;

struct Options {
  std::vector<std::string> images;
  bool peers = false;
  std::string svg;
  std::string limit;
};

int columns_of(Session& session) {
  return session.terminal().out_is_tty ? session.terminal().columns : columns_of_a_file;
}

Call question(const char* what, const Options& options) {
  Call call = make_call("GET", {what});
  if (!options.images.empty()) {
    call.query["images"] = fmt::format("{}", fmt::join(options.images, ","));
  }
  if (options.peers) call.query["peers"] = "true";
  if (!options.limit.empty()) call.query["limit"] = options.limit;
  return call;
}

Result<void> write_picture(const std::string& path, const boost::json::object& answer) {
  const auto* images = answer.if_contains("images");
  if (images != nullptr && images->is_array() && images->get_array().size() > most_drawn) {
    return fail(Errc::bad_request, Operation::control,
                fmt::format("a picture has at most {} images: name some", most_drawn));
  }
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << heat_map_svg(answer);
  file.close();
  if (!file) return fail_errno(errno != 0 ? errno : EIO, Operation::write, path);
  return {};
}

Result<void> similar(Session& session, const Options& options) {
  WEFT_TRY(const auto answer, session.call(question("similar", options)));
  if (!options.svg.empty()) WEFT_CHECK(write_picture(options.svg, answer));
  session.print(answer, options.svg.empty() ? render_similar(answer, columns_of(session))
                                            : fmt::format("drawn: {}\n", options.svg));
  return {};
}

Result<void> clusters(Session& session, const Options& options) {
  WEFT_TRY(const auto answer, session.call(question("clusters", options)));
  session.print(answer, render_clusters(answer, columns_of(session)));
  return {};
}

void add_images(CLI::App& command, Options& options, const std::string& none_means) {
  command.add_option("IMAGE", options.images, "name, NAME@NODE or id; none: " + none_means);
  command.add_flag("--peers", options.peers,
                   "also images of peers, as far as their signatures are known");
}

}  // namespace

Verb similar_verb(CLI::App& app) {
  auto& command = add_command(app, "similar", "what images share with each other",
                              "weft similar --svg images.svg");
  auto options = std::make_shared<Options>();
  add_images(command, *options, "all on this node; one: what others share with it");
  command.add_option("--svg", options->svg, "draw a heat map into this FILE")->type_name("FILE");
  return {&command,
          RunInSession([options](Session& session) { return similar(session, *options); })};
}

Verb clusters_verb(CLI::App& app) {
  auto& command = add_command(app, "clusters", "data by the images it occurs in, heaviest first",
                              "weft clusters deb12 deb12-web --limit 10");
  auto options = std::make_shared<Options>();
  options->limit = "20";
  add_images(command, *options, "all on this node");
  command.add_option("--limit", options->limit, "show so many at most (20)")->type_name("N");
  return {&command,
          RunInSession([options](Session& session) { return clusters(session, *options); })};
}

}  // namespace weft::tools
