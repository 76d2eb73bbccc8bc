// SPDX-License-Identifier: Apache-2.0
#include "tools/api/handler_support.h"

#include "tools/daemon/node.h"

#include <boost/json/value.hpp>

#include <charconv>
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

std::string query_text(const Call& call, std::string_view parameter) {
  const auto found = call.query.find(parameter);
  return found == call.query.end() ? std::string() : found->second;
}

Result<std::optional<std::uint64_t>> query_number(const Call& call, std::string_view parameter) {
  const std::string text = query_text(call, parameter);
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem == std::errc{} && end == text.data() + text.size()) return value;
  return fail(Errc::bad_request, Operation::control,
              fmt::format("\"{}\" is a number, not \"{}\"", parameter, text));
}

}  // namespace weft::tools
