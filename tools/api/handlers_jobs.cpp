// SPDX-License-Identifier: Apache-2.0
#include "tools/api/goal.h"
#include "tools/api/handler_support.h"
#include "tools/api/handlers.h"
#include "tools/api/views.h"
#include "tools/config/quantity.h"
#include "tools/daemon/image_lookup.h"
#include "tools/daemon/node.h"
#include "tools/daemon/pause.h"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <fmt/format.h>

namespace weft::tools::api {
namespace {

namespace json = boost::json;

constexpr auto poll_period = std::chrono::milliseconds(250);

std::unexpected<Error> no_job(const std::string& image) {
  return fail_errno(ENOENT, Operation::materialize, fmt::format("{} has no job", image));
}

Result<JobView> find_job(Node& node, const std::string& reference) {
  if (node.jobs() == nullptr) return no_job(reference);
  WEFT_TRY(const auto entry, node.store().find(reference));
  auto job = node.jobs()->find(entry.info.id);
  if (!job) return no_job(reference);
  return std::move(*job);
}

Result<void> read_wishes(const Call& call, JobWishes& wishes) {
  WEFT_TRY(wishes.goal, goal_in_body(call.body));
  if (call.body.contains("bytes_per_second")) {
    WEFT_TRY(wishes.bytes_per_second, optional_number(call, "bytes_per_second", 0));
  }
  if (call.body.contains("paused")) {
    WEFT_TRY(wishes.paused, optional_flag(call, "paused", false));
  }
  return {};
}

/// Nobody knows whether that ends, and whoever waits can end it.
Error out_of_money(const JobView& job) {
  const auto& p = job.progress;
  return {Errc::over_budget, Operation::materialize,
          fmt::format("{}: {:.4g} of {:.4g} is spent and {} are missing; what came stays, the job "
                      "waits for a cheaper source, and goes on at once with a larger --budget",
                      job.name, p.spent, p.budget.value_or(0),
                      format_size(bytes_of(p.total - p.done)))};
}

/// Until the job has ended or has no money left, or the caller goes away: the job itself goes on.
Reply follow(Node& node, const ImageId& image, const CallContext& context) {
  for (;;) {
    const auto job = node.jobs()->find(image);
    if (!job) return no_job(to_hex(image));
    if (job->progress.error) return std::unexpected(*job->progress.error);
    if (job->progress.state == fetcher::JobState::cancelled) {
      return fail(Errc::cancelled, Operation::materialize, job->name);
    }
    if (is_final(job->progress.state)) return to_json(*job);
    if (job->progress.out_of_money) return std::unexpected(out_of_money(*job));
    if (context.stop.stop_requested()) {
      return fail(Errc::cancelled, Operation::materialize, "the job goes on in the background");
    }
    if (context.progress) context.progress({{"progress", to_json(*job)}});
    static_cast<void>(pause_for(poll_period, context.stop));
  }
}

}  // namespace

Reply list_jobs(Node& node, const Call&, const CallContext&) {
  json::array jobs;
  if (node.jobs() != nullptr) {
    for (const auto& job : node.jobs()->list())
      jobs.push_back(to_json(job));
  }
  return json::object{{"jobs", std::move(jobs)}};
}

Reply get_job(Node& node, const Call& call, const CallContext&) {
  WEFT_TRY(const auto job, find_job(node, call.path[2]));
  return to_json(job);
}

Reply start_job(Node& node, const Call& call, const CallContext& context) {
  WEFT_CHECK(only_members(call, {"image", "peers", "bytes_per_second", "paused", "wait", "optimize",
                                 "budget", "epsilon"}));
  WEFT_TRY(const auto reference, required_text(call, "image"));
  WEFT_TRY(const bool wait, optional_flag(call, "wait", false));
  JobWishes wishes;
  WEFT_CHECK(read_wishes(call, wishes));
  if (node.jobs() == nullptr) {
    return fail(Errc::unsupported, Operation::materialize, "this node has no network");
  }
  WEFT_CHECK(add_peers_of(node, call));
  WEFT_TRY(auto found, find_or_adopt_below(node, reference));
  const auto image = found.image->info().id;
  WEFT_TRY(const auto job, node.jobs()->start(found.name, std::move(found.image), wishes));
  spdlog::info("job started image={} name={}", to_hex(image), found.name);
  if (wait) return follow(node, image, context);
  return to_json(job);
}

Reply change_job(Node& node, const Call& call, const CallContext&) {
  WEFT_CHECK(only_members(call, {"bytes_per_second", "paused", "optimize", "budget", "epsilon"}));
  JobWishes wishes;
  WEFT_CHECK(read_wishes(call, wishes));
  WEFT_TRY(const auto job, find_job(node, call.path[2]));
  WEFT_TRY(const auto changed, node.jobs()->change(job.image, wishes));
  if (!changed) return no_job(call.path[2]);
  spdlog::info("job changed image={} name={}", to_hex(job.image), job.name);
  return to_json(*changed);
}

Reply wait_job(Node& node, const Call& call, const CallContext& context) {
  WEFT_TRY(const auto job, find_job(node, call.path[2]));
  return follow(node, job.image, context);
}

Reply cancel_job(Node& node, const Call& call, const CallContext&) {
  WEFT_TRY(const auto job, find_job(node, call.path[2]));
  WEFT_TRY(const bool cancelled, node.jobs()->cancel(job.image));
  if (!cancelled) return no_job(call.path[2]);
  spdlog::info("job cancelled image={}", to_hex(job.image));
  return json::object{{"cancelled", to_hex(job.image)}};
}

}  // namespace weft::tools::api
