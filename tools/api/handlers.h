// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tools/api/call.h"

/// One function per request of API.md. `call.path` has the length of the route.
namespace weft::tools {

class Node;

namespace api {

[[nodiscard]] Reply get_version(Node& node, const Call& call, const CallContext& context);
/// The answer's member `text` is the body (`is_text`).
[[nodiscard]] Reply get_metrics(Node& node, const Call& call, const CallContext& context);
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

[[nodiscard]] Reply list_profiles(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply get_profile(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply export_profile(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply import_profile(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply drop_profile(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply record_boot(Node& node, const Call& call, const CallContext& context);

[[nodiscard]] Reply list_disks(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply create_disk(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply get_disk(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply commit_disk(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply remove_disk(Node& node, const Call& call, const CallContext& context);

[[nodiscard]] Reply list_jobs(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply get_job(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply start_job(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply wait_job(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply change_job(Node& node, const Call& call, const CallContext& context);
[[nodiscard]] Reply cancel_job(Node& node, const Call& call, const CallContext& context);

/// Answers when the new binary stands by; the hand-over follows.
[[nodiscard]] Reply start_upgrade(Node& node, const Call& call, const CallContext& context);

}  // namespace api
}  // namespace weft::tools
