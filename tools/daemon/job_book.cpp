// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/job_book.h"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace weft::tools {
namespace {

namespace json = boost::json;

constexpr std::string_view kind = "job";
constexpr std::size_t ended_jobs_kept = 32;

struct Record {
  std::string name;
  fetcher::MaterializeOptions options;
};

std::string encode(const Record& record) {
  return json::serialize(
      json::object{{"name", record.name}, {"bytes_per_second", record.options.bytes_per_second}});
}

Record decode(std::string_view text) {
  Record record;
  boost::system::error_code problem;
  const auto value = json::parse(json::string_view(text.data(), text.size()), problem);
  const auto* object = problem ? nullptr : value.if_object();
  if (object == nullptr) return record;
  if (const auto* name = object->if_contains("name"); name != nullptr && name->is_string()) {
    record.name = name->get_string();
  }
  if (const auto* rate = object->if_contains("bytes_per_second");
      rate != nullptr && rate->is_double()) {
    record.options.bytes_per_second = rate->get_double();
  }
  return record;
}

}  // namespace

JobBook::JobBook(Store& store, fetcher::Fetcher& fetcher) : store_(store), fetcher_(fetcher) {}

JobView JobBook::view(const ImageId& image, const Job& job) {
  return {image, job.name, job.handle->progress()};
}

Result<void> JobBook::resume() {
  WEFT_TRY(const auto records, store_.settings(kind));
  for (const auto& [key, text] : records) {
    const auto id = parse_hex<ImageId>(key);
    auto image = id ? store_.image(*id) : fail(Errc::damaged_state, Operation::materialize, key);
    const auto record = decode(text);
    if (!image) {
      spdlog::warn("job forgotten image={} name={} reason=\"{}\"", key, record.name,
                   image.error().message());
      WEFT_CHECK(store_.set_setting(kind, key, std::nullopt));
      continue;
    }
    WEFT_CHECK(start(record.name, std::move(*image), record.options));
    spdlog::info("job resumed image={} name={}", key, record.name);
  }
  return {};
}

Result<JobView> JobBook::start(const std::string& name, std::shared_ptr<LocalImage> image,
                               fetcher::MaterializeOptions options) {
  const ImageId id = image->info().id;
  const Lock lock(mutex_);
  if (closed_) return fail(Errc::cancelled, Operation::materialize, "the node is shutting down");
  if (const auto known = jobs_.find(id);
      known != jobs_.end() && !is_final(known->second.handle->progress().state)) {
    return view(id, known->second);
  }
  WEFT_CHECK(store_.set_setting(kind, to_hex(id), encode({name, options})));
  auto handle = fetcher_.materialize(std::move(image), options, {});
  const auto [entry, added] =
      jobs_.insert_or_assign(id, Job{name, std::move(handle), true, ++sequence_});
  return view(id, entry->second);
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

bool JobBook::cancel(const ImageId& image) {
  const Lock lock(mutex_);
  const auto known = jobs_.find(image);
  if (known == jobs_.end() || is_final(known->second.handle->progress().state)) return false;
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
    spdlog::info("job ended image={} name={} state={}", to_hex(image), job.name,
                 fetcher::to_string(job.handle->progress().state));
  }
  std::ranges::sort(ended);
  for (std::size_t i = 0; i + ended_jobs_kept < ended.size(); ++i)
    jobs_.erase(ended[i].second);
}

void JobBook::close() {
  const Lock lock(mutex_);
  closed_ = true;
}

}  // namespace weft::tools
