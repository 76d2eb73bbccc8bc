// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/test_node.h"

#include "tests/support/indexer/raw_image.h"
#include "tools/api/routes.h"

namespace weft::test {

tools::NodeOptions TestNode::options() const {
  tools::NodeOptions options;
  options.config.state = state_.path();
  options.config.listen = fetcher::Address{"127.0.0.1", 0};
  options.config.free_space_floor = ByteCount(0);
  options.network = kind_ == Kind::networked;
  options.keeper = keeper_;
  return options;
}

void TestNode::start() {
  auto node = tools::Node::start(options());
  if (!node) throw std::runtime_error(node.error().message());
  node_ = std::move(*node);
}

tools::Reply TestNode::call(const std::string& method, const std::string& target,
                            boost::json::object body, tools::CallContext context) {
  auto call = tools::parse_target(method, "/" + target);
  if (!call) return std::unexpected(call.error());
  call->body = std::move(body);
  return tools::dispatch(*node_, *call, context);
}

boost::json::object TestNode::must(const std::string& method, const std::string& target,
                                   boost::json::object body) {
  auto reply = call(method, target, std::move(body));
  if (!reply) throw std::runtime_error(method + " " + target + ": " + reply.error().message());
  return *reply;
}

boost::json::object TestNode::import_random(const std::string& name, std::size_t mib,
                                            std::uint64_t seed) {
  const auto file = path(name + ".raw");
  write_file(file, random_blocks(BlockCount(mib * 256), seed));
  return must("POST", "v1/images", {{"file", file.string()}, {"name", name}});
}

}  // namespace weft::test
