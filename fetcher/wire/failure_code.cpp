// SPDX-License-Identifier: Apache-2.0
#include "fetcher/wire/failure_code.h"

#include "fetcher/wire/text.h"

namespace weft::fetcher::wire {
namespace {

struct Row {
  std::uint16_t code;
  Errc errc;
};

constexpr Row rows[] = {
    {1, Errc::bad_request},      {2, Errc::unknown_image},   {3, Errc::ambiguous_image},
    {4, Errc::not_resident},     {5, Errc::queue_full},      {6, Errc::cancelled},
    {7, Errc::peer_version},     {8, Errc::peer_misbehaved}, {9, Errc::unsupported},
    {10, Errc::deadline_passed}, {11, Errc::not_permitted},  {internal_failure, Errc::no_source},
};

}  // namespace

std::uint16_t to_failure_code(const Error& error) noexcept {
  for (const Row& row : rows) {
    if (error.is(row.errc)) return row.code;
  }
  return internal_failure;
}

Errc from_failure_code(std::uint16_t code) noexcept {
  for (const Row& row : rows) {
    if (row.code == code) return row.errc;
  }
  return Errc::peer_misbehaved;
}

Failure make_failure(const Error& error) {
  const std::uint16_t code = to_failure_code(error);
  // Its details name files and devices of this node.
  if (code == internal_failure) return {.code = code, .message = "internal error"};
  return {.code = code, .message = cleaned(error.message(), max_failure_message)};
}

Error to_error(const Failure& failure, Operation operation, const std::string& peer) {
  return {.code = make_error_code(from_failure_code(failure.code)),
          .operation = operation,
          .detail = "peer " + peer + " says: " + failure.message};
}

}  // namespace weft::fetcher::wire
