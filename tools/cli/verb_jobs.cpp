// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/render.h"
#include "tools/cli/verbs.h"
#include "tools/config/quantity.h"

#include <boost/json/array.hpp>

#include <memory>
#include <string>
#include <utility>

namespace weft::tools {
namespace {

namespace json = boost::json;

std::string render_job(const json::object& job) {
  return render_jobs({{"jobs", json::array{job}}});
}

CLI::App& add_job_command(CLI::App& jobs, const std::string& name, const std::string& description,
                          const std::string& example, const std::shared_ptr<std::string>& image) {
  auto& command = add_command(jobs, name, description, "weft jobs " + example);
  command.add_option("IMAGE", *image, "name or id of the image it materializes")->required();
  return command;
}

/// The verbs that change a running job: the body is what is asked of it.
RunInSession changing(std::shared_ptr<std::string> image, json::object body) {
  return [image = std::move(image), body = std::move(body)](Session& session) -> Result<void> {
    WEFT_TRY(const auto job,
             session.call(make_call("PATCH", {"jobs", *image}, body), NodeNeed::daemon));
    session.print(job, render_job(job));
    return {};
  };
}

Verb show_job_verb(CLI::App& jobs, const std::shared_ptr<std::string>& image) {
  auto& command =
      add_job_command(jobs, "show", "one materialize job, running or ended", "show deb12", image);
  RunInSession run = [image](Session& session) -> Result<void> {
    WEFT_TRY(const auto job, session.call(make_call("GET", {"jobs", *image}), NodeNeed::daemon));
    session.print(job, render_job(job));
    return {};
  };
  return {&command, std::move(run)};
}

Verb limit_job_verb(CLI::App& jobs, const std::shared_ptr<std::string>& image) {
  auto& command = add_job_command(jobs, "limit", "cap what it fetches, from now on",
                                  "limit deb12 20Mbit", image);
  const auto rate = std::make_shared<std::string>();
  command.add_option("RATE", *rate, "content per second, like 10MiB or 80Mbit; 0: no cap")
      ->required();
  RunInSession run = [image, rate](Session& session) -> Result<void> {
    double bytes_per_second = 0;
    if (*rate != "0") {
      WEFT_TRY(bytes_per_second, parse_rate(*rate));
    }
    return changing(image, {{"bytes_per_second", bytes_per_second}})(session);
  };
  return {&command, std::move(run)};
}

Verb cancel_job_verb(CLI::App& jobs, const std::shared_ptr<std::string>& image) {
  auto& command =
      add_job_command(jobs, "cancel", "end it; what has arrived stays", "cancel deb12", image);
  RunInSession run = [image](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer,
             session.call(make_call("DELETE", {"jobs", *image}), NodeNeed::daemon));
    session.print(answer, "");
    return {};
  };
  return {&command, std::move(run)};
}

}  // namespace

std::vector<Verb> jobs_verbs(CLI::App& app) {
  auto& jobs = add_command(app, "jobs", "list, pause, resume, limit or cancel materialize jobs",
                           "weft jobs limit deb12 20Mbit");
  jobs.require_subcommand(0, 1);
  const auto image = std::make_shared<std::string>();
  auto& pause = add_job_command(jobs, "pause",
                                "fetch nothing for it until it is resumed, over restarts too; "
                                "reads of mounts go on",
                                "pause deb12", image);
  auto& resume = add_job_command(jobs, "resume", "let a paused job go on", "resume deb12", image);
  RunInSession list = [](Session& session) -> Result<void> {
    WEFT_TRY(const auto answer, session.call(make_call("GET", {"jobs"}), NodeNeed::daemon));
    session.print(answer, render_jobs(answer));
    return {};
  };
  return {show_job_verb(jobs, image),
          {&pause, changing(image, {{"paused", true}})},
          {&resume, changing(image, {{"paused", false}})},
          limit_job_verb(jobs, image),
          cancel_job_verb(jobs, image),
          {&jobs, std::move(list)}};
}

}  // namespace weft::tools
