// SPDX-License-Identifier: Apache-2.0
#include "tools/api/handler_support.h"

#include "tools/daemon/node.h"

#include <boost/json/value.hpp>

#include <cmath>

#include <fmt/format.h>

namespace weft::tools {

Result<void> add_peers_of(Node& node, const Call& call) {
  WEFT_TRY(const auto peers, optional_texts(call, "peers"));
  for (const auto& peer : peers)
    WEFT_CHECK(node.peers().add(peer, PeerOrigin::recorded));
  return {};
}

Result<double> optional_number(const Call& call, std::string_view member, double otherwise) {
  const auto* value = call.body.if_contains(member);
  if (value == nullptr) return otherwise;
  double number = -1;
  if (value->is_number()) number = value->to_number<double>();
  if (!std::isfinite(number) || number < 0) {
    return fail(Errc::bad_request, Operation::control,
                fmt::format("\"{}\" must be a number that is not negative", member));
  }
  return number;
}

}  // namespace weft::tools
