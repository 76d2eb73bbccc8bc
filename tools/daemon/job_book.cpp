// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/job_book.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace weft::tools {
namespace {

constexpr std::string_view kind = "job";
constexpr std::size_t ended_jobs_kept = 32;
/// For a job that was cancelled to end: it finishes what a worker does for it.
constexpr Duration patience = std::chrono::seconds(5);
constexpr Duration look_again = std::chrono::milliseconds(20);

}  // namespace

JobBook::JobBook(Store& store, fetcher::Fetcher& fetcher) : store_(store), fetcher_(fetcher) {}

JobView JobBook::view(const ImageId& image, const Job& job) {
  return {image, job.record.name, job.handle->progress(), job.record.bytes_per_second};
}

Result<void> JobBook::resume() {
  WEFT_TRY(const auto records, store_.settings(kind));
  const Lock lock(mutex_);
  for (const auto& [key, text] : records) {
    const auto id = parse_hex<ImageId>(key);
    auto image = id ? store_.image(*id) : fail(Errc::damaged_state, Operation::materialize, key);
    auto record = decode_job_record(text);
    if (!image || !record) {
      spdlog::warn("job forgotten image={} reason=\"{}\"", key,
                   (image ? record.error() : image.error()).message());
      WEFT_CHECK(store_.set_setting(kind, key, std::nullopt));
      continue;
    }
    spdlog::info("job resumed image={} name={} spent={}", key, record->name, record->spent);
    begin(std::move(*image), std::move(*record));
  }
  return {};
}

Result<JobView> JobBook::start(const std::string& name, std::shared_ptr<LocalImage> image,
                               const JobWishes& wishes) {
  const ImageId id = image->info().id;
  const Lock lock(mutex_);
  WEFT_CHECK(await_cancelled(id));
  if (closed_) return fail(Errc::cancelled, Operation::materialize, "the node is shutting down");
  if (Job* known = running(id); known != nullptr) {
    JobWishes joined = wishes;
    joined.paused = wishes.paused.value_or(false);
    WEFT_CHECK(apply(id, *known, joined));
    return view(id, *known);
  }
  JobRecord record{name,
                   wishes.bytes_per_second.value_or(0),
                   wishes.goal.value_or(fetcher::plan::Goal::fastest()),
                   0,
                   wishes.paused.value_or(false),
                   wishes.in_image_order};
  WEFT_CHECK(store_.set_setting(kind, to_hex(id), encode(record)));
  return view(id, begin(std::move(image), std::move(record)));
}

JobBook::Job* JobBook::running(const ImageId& image) {
  const auto known = jobs_.find(image);
  if (known == jobs_.end() || known->second.cancelling) return nullptr;
  return is_final(known->second.handle->progress().state) ? nullptr : &known->second;
}

/// The fetcher has one job per image: a new one would join that, and end with it.
Result<void> JobBook::await_cancelled(const ImageId& image) {
  const TimePoint deadline = steady_clock().now() + patience;
  while (!closed_) {
    const auto known = jobs_.find(image);
    if (known == jobs_.end() || !known->second.cancelling) return {};
    if (is_final(known->second.handle->progress().state)) return {};
    const TimePoint now = steady_clock().now();
    if (now >= deadline) {
      return fail(Errc::queue_full, Operation::materialize,
                  known->second.record.name + ": its last job is still being cancelled");
    }
    moment_.wait_until(mutex_, now + look_again);
  }
  return {};
}

const JobBook::Job& JobBook::begin(std::shared_ptr<LocalImage> image, JobRecord record) {
  const ImageId id = image->info().id;
  const fetcher::MaterializeOptions options{
      .bytes_per_second = record.bytes_per_second,
      .paused = record.paused,
      .in_image_order = record.in_image_order,
      .goal = record.goal,
      .spent_before = record.spent,
      .write_down = [this, id](double money) { return write_down(id, money); }};
  // What a job writes down waits for the lock, and so finds the job.
  auto handle = fetcher_.materialize(std::move(image), options, {});
  Job job{.record = std::move(record), .handle = std::move(handle), .sequence = ++sequence_};
  return jobs_.insert_or_assign(id, std::move(job)).first->second;
}

Result<std::optional<JobView>> JobBook::change(const ImageId& image, const JobWishes& wishes) {
  const Lock lock(mutex_);
  if (closed_) return fail(Errc::cancelled, Operation::materialize, "the node is shutting down");
  Job* const known = running(image);
  if (known == nullptr) return std::optional<JobView>();
  WEFT_CHECK(apply(image, *known, wishes));
  return std::optional(view(image, *known));
}

Result<void> JobBook::apply(const ImageId& image, Job& job, const JobWishes& wishes) {
  JobRecord changed = job.record;
  changed.goal = wishes.goal.value_or(changed.goal);
  changed.bytes_per_second = wishes.bytes_per_second.value_or(changed.bytes_per_second);
  changed.paused = wishes.paused.value_or(changed.paused);
  WEFT_CHECK(store_.set_setting(kind, to_hex(image), encode(changed)));
  if (wishes.goal) job.handle->set_goal(changed.goal);
  if (wishes.bytes_per_second) job.handle->set_rate(changed.bytes_per_second);
  if (changed.paused != job.record.paused) {
    changed.paused ? job.handle->pause() : job.handle->resume();
  }
  job.record = std::move(changed);
  return {};
}

Result<void> JobBook::write_down(const ImageId& image, double money) {
  const Lock lock(mutex_);
  const auto job = jobs_.find(image);
  if (job == jobs_.end()) return {};
  if (job->second.cancelling) return fail(Errc::cancelled, Operation::materialize);
  JobRecord changed = job->second.record;
  changed.spent = money;
  WEFT_CHECK(store_.set_setting(kind, to_hex(image), encode(changed)));
  job->second.record = std::move(changed);
  return {};
}

std::optional<JobView> JobBook::find(const ImageId& image) const {
  const Lock lock(mutex_);
  const auto known = jobs_.find(image);
  return known == jobs_.end() ? std::nullopt : std::optional(view(image, known->second));
}

std::vector<JobView> JobBook::list() const {
  const Lock lock(mutex_);
  std::vector<JobView> all;
  for (const auto& [image, job] : jobs_)
    all.push_back(view(image, job));
  return all;
}

Result<bool> JobBook::cancel(const ImageId& image) {
  const Lock lock(mutex_);
  const auto known = jobs_.find(image);
  if (known == jobs_.end() || is_final(known->second.handle->progress().state)) return false;
  // First: who was told that it is cancelled must not see it again after a restart.
  WEFT_CHECK(store_.set_setting(kind, to_hex(image), std::nullopt));
  known->second.cancelling = true;
  known->second.handle->cancel();
  return true;
}

bool JobBook::any_running() const {
  const Lock lock(mutex_);
  return std::ranges::any_of(
      jobs_, [](const auto& entry) { return !is_final(entry.second.handle->progress().state); });
}

void JobBook::reap() {
  const Lock lock(mutex_);
  if (closed_) return;
  std::vector<std::pair<std::uint64_t, ImageId>> ended;
  for (auto& [image, job] : jobs_) {
    if (!is_final(job.handle->progress().state)) continue;
    ended.emplace_back(job.sequence, image);
    if (!job.recorded) continue;
    const auto forgotten = store_.set_setting(kind, to_hex(image), std::nullopt);
    if (!forgotten) {
      spdlog::warn("job record kept image={} reason=\"{}\"", to_hex(image),
                   forgotten.error().message());
      continue;  // tried again next time
    }
    job.recorded = false;
    spdlog::info("job ended image={} name={} state={}", to_hex(image), job.record.name,
                 fetcher::to_string(job.handle->progress().state));
  }
  std::ranges::sort(ended);
  for (std::size_t i = 0; i + ended_jobs_kept < ended.size(); ++i)
    jobs_.erase(ended[i].second);
}

void JobBook::settle() {
  const Lock lock(mutex_);
  for (auto& [image, job] : jobs_) {
    const auto progress = job.handle->progress();
    if (!job.recorded || job.cancelling || !is_final(progress.state)) continue;
    job.record.spent = progress.spent + progress.in_flight;
    const auto written = store_.set_setting(kind, to_hex(image), encode(job.record));
    if (written) continue;
    spdlog::warn("what a job spent is not written down image={} reason=\"{}\"", to_hex(image),
                 written.error().message());
  }
}

void JobBook::close() {
  const Lock lock(mutex_);
  closed_ = true;
}

}  // namespace weft::tools
