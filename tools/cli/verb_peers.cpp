// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/render.h"
#include "tools/cli/verbs.h"

#include <memory>

namespace weft::tools {
namespace {

Verb add_verb(CLI::App& peers, const std::shared_ptr<std::string>& address) {
  auto& command = add_command(peers, "add", "fetch from this node, now and after restarts",
                              "weft peers add 127.0.0.1:7441");
  command.add_option("HOST:PORT", *address)->required();
  const auto price = std::make_shared<std::string>();
  command.add_option("--price", *price, "price per GiB of what comes from there, such as 0.02")
      ->type_name("PRICE");
  const auto site = std::make_shared<std::string>();
  command.add_option("--site", *site, "its site: the nodes of a site share its uplink")
      ->type_name("SITE");
  RunInSession run = [address, price, site](Session& session) -> Result<void> {
    boost::json::object body{{"address", *address}};
    if (!price->empty()) {
      WEFT_TRY(body["price_per_gib"], parse_price(*price));
    }
    if (!site->empty()) {
      WEFT_TRY(body["site"], parse_site(*site));
    }
    WEFT_TRY(const auto answer, session.call(make_call("POST", {"peers"}, std::move(body))));
    session.print(answer, "");
    return {};
  };
  return {&command, std::move(run)};
}

Verb remove_verb(CLI::App& peers, const std::shared_ptr<std::string>& address) {
  auto& command =
      add_command(peers, "rm", "no longer fetch from this node", "weft peers rm 127.0.0.1:7441");
  command.add_option("HOST:PORT", *address)->required();
  RunInSession run = [address](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer, session.call(make_call("DELETE", {"peers", *address})));
    session.print(answer, "");
    return {};
  };
  return {&command, std::move(run)};
}

}  // namespace

std::vector<Verb> peers_verbs(CLI::App& app) {
  auto& peers = add_command(app, "peers", "list, add or remove the nodes to fetch from",
                            "weft peers add 127.0.0.1:7441");
  peers.require_subcommand(0, 1);
  const auto address = std::make_shared<std::string>();
  RunInSession list = [](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer, session.call(make_call("GET", {"peers"})));
    session.print(answer, render_peers(answer));
    return {};
  };
  return {add_verb(peers, address), remove_verb(peers, address), {&peers, std::move(list)}};
}

}  // namespace weft::tools
