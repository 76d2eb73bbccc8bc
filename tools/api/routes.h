// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/api/call.h"

namespace weft::tools {

class Node;

/// The control API as a function: what the HTTP server, the in-process path of the command line
/// and the tests call. Blocks on disk I/O and on peers, so not on the I/O thread nor on a worker.
/// Errc::bad_request: no such request. Thread-safe.
[[nodiscard]] Reply dispatch(Node& node, const Call& call, const CallContext& context);

/// Whether the request may take long and reports progress: the server gives it a thread of its own
/// and, with ?progress=true, streams.
[[nodiscard]] bool is_long(const Call& call);

/// The answer's member `text` is the HTTP body, of type text/plain, instead of the answer.
[[nodiscard]] bool is_text(const Call& call);

}  // namespace weft::tools
