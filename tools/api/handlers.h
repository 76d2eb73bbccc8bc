// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/api/call.h"

/// One function per request of API.md. `call.path` has the length of the route.
namespace weft::tools {

class Node;

namespace api {

[[nodiscard]] Reply get_version(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply get_status(Node& node, const Call& call, const CallContext& context);

[[nodiscard]] Reply list_images(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply get_image(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply import_image(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply update_image(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply remove_image(Node& node, const Call& call, const CallContext& context);

[[nodiscard]] Reply detach_image(Node& node, const Call& call, const CallContext& context);

[[nodiscard]] Reply get_similar(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply get_clusters(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply plan_image(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply where_image(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply diff_images(Node& node, const Call& call, const CallContext& context);

[[nodiscard]] Reply list_peers(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply add_peer(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply remove_peer(Node& node, const Call& call, const CallContext& context);

[[nodiscard]] Reply list_mounts(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply create_mount(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply remove_mount(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply switch_mount(Node& node, const Call& call, const CallContext& context);

[[nodiscard]] Reply list_jobs(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply get_job(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply start_job(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply wait_job(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply cancel_job(Node& node, const Call& call, const CallContext& context);

}  // namespace api
}  // namespace weft::tools
