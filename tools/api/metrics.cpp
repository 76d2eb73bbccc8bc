// SPDX-License-Identifier: Apache-2.0
#include "tools/api/metrics.h"

#include "tools/api/metrics_text.h"

#include <set>

#include <fmt/format.h>

namespace weft::tools {
namespace {

void node_metrics(MetricsText& out, const MetricsInput& in) {
  out.family("weft_build_info", "gauge", "The version that runs; always 1.");
  out.sample({{"version", in.version}}, std::uint64_t{1});
  out.family("weft_uptime_seconds", "gauge", "Since the serving process took over.");
  out.sample({}, to_seconds(in.uptime));
}

void read_durations(MetricsText& out, const fs::MountStatus& mount, fs::ReadOrigin origin) {
  const fs::OriginStatistics& of = mount.reads.of(origin);
  const auto name = fs::to_string(origin);
  for (std::size_t i = 0; i < fs::latency_bounds; ++i) {
    const auto bound = fmt::format("{}", to_seconds(fs::latency_bound(i)));
    out.sample({{"mount", mount.target}, {"image", mount.name}, {"origin", name}, {"le", bound}},
               of.below[i], "_bucket");
  }
  out.sample({{"mount", mount.target}, {"image", mount.name}, {"origin", name}, {"le", "+Inf"}},
             of.latency.count, "_bucket");
  out.sample({{"mount", mount.target}, {"image", mount.name}, {"origin", name}},
             to_seconds(of.latency.total), "_sum");
  out.sample({{"mount", mount.target}, {"image", mount.name}, {"origin", name}}, of.latency.count,
             "_count");
}

/// A family with one sample for each mount.
template <class Value>
void per_mount(MetricsText& out, const MetricsInput& in, std::string_view name,
               std::string_view type, std::string_view help, Value value) {
  out.family(name, type, help);
  for (const auto& mount : in.mounts)
    out.sample({{"mount", mount.target}, {"image", mount.name}}, value(mount));
}

/// A family with one sample for each mounted disk.
template <class Value>
void per_disk(MetricsText& out, const MetricsInput& in, std::string_view name,
              std::string_view help, Value value) {
  out.family(name, "counter", help);
  for (const auto& mount : in.mounts) {
    if (mount.disk)
      out.sample({{"mount", mount.target}, {"disk", mount.name}}, value(mount.changes));
  }
}

void change_metrics(MetricsText& out, const MetricsInput& in) {
  using Changes = fs::ChangeStatistics;
  per_disk(out, in, "weft_disk_writes_total", "Writes that were answered.",
           [](const Changes& c) { return c.writes.count; });
  per_disk(out, in, "weft_disk_written_bytes_total", "Bytes of these.",
           [](const Changes& c) { return c.written.value(); });
  per_disk(out, in, "weft_disk_write_seconds_total", "Time that these took.",
           [](const Changes& c) { return to_seconds(c.writes.total); });
  per_disk(out, in, "weft_disk_zeroed_bytes_total", "Bytes discarded or set to zeros.",
           [](const Changes& c) { return c.zeroed.value(); });
  per_disk(out, in, "weft_disk_flushes_total", "Flushes that were answered.",
           [](const Changes& c) { return c.flushes.count; });
  per_disk(out, in, "weft_disk_flush_seconds_total", "Time that these took.",
           [](const Changes& c) { return to_seconds(c.flushes.total); });
  per_disk(out, in, "weft_disk_changes_waited_total",
           "Changes that waited for a missing block below a part of it.",
           [](const Changes& c) { return c.waited; });
  per_disk(out, in, "weft_disk_changes_failed_total",
           "Writes, discards and flushes answered with an error.",
           [](const Changes& c) { return c.failed; });
}

void mount_metrics(MetricsText& out, const MetricsInput& in) {
  out.family("weft_read_duration_seconds", "histogram",
             "From a guest's read to its answer, by the slowest origin of its blocks.");
  for (const auto& mount : in.mounts) {
    for (const fs::ReadOrigin origin : fs::all_read_origins)
      read_durations(out, mount, origin);
  }
  out.family("weft_read_bytes_total", "counter", "Bytes answered, by the slowest origin.");
  for (const auto& mount : in.mounts) {
    for (const fs::ReadOrigin origin : fs::all_read_origins) {
      out.sample(
          {{"mount", mount.target}, {"image", mount.name}, {"origin", fs::to_string(origin)}},
          mount.reads.of(origin).bytes.value());
    }
  }
  per_mount(out, in, "weft_read_stall_seconds_total", "counter",
            "Time that reads waited for missing blocks.",
            [](const fs::MountStatus& m) { return to_seconds(m.reads.stall); });
  per_mount(out, in, "weft_read_failures_total", "counter", "Reads answered with an error.",
            [](const fs::MountStatus& m) { return m.reads.failed; });
  per_mount(out, in, "weft_reads_interrupted_total", "counter",
            "Reads given up because the reader was interrupted or killed.",
            [](const fs::MountStatus& m) { return m.reads.interrupted; });
  per_mount(out, in, "weft_reads_waiting", "gauge", "Reads that wait now.",
            [](const fs::MountStatus& m) { return std::uint64_t{m.waiting.size()}; });
  per_mount(out, in, "weft_read_oldest_wait_seconds", "gauge",
            "Age of the read that has waited longest; 0: none waits.",
            [](const fs::MountStatus& m) {
              return m.waiting.empty() ? 0.0 : to_seconds(m.waiting.front().age);
            });
  change_metrics(out, in);
  per_mount(out, in, "weft_lost_blocks_total", "counter",
            "Blocks that failed their check at rest, since the image was opened.",
            [](const fs::MountStatus& m) { return m.lost_blocks.value(); });
}

void image_metrics(MetricsText& out, const MetricsInput& in) {
  std::set<ImageId> seen;
  std::vector<std::pair<std::string, const ImageEntry*>> images;
  for (const auto& image : in.images) {
    if (seen.insert(image.info.id).second) images.emplace_back(to_hex(image.info.id), &image);
  }
  out.family("weft_image_blocks", "gauge", "Blocks of 4096 bytes, by where they are.");
  for (const auto& [id, image] : images) {
    const auto& u = image->usage;
    for (const auto& [state, count] : {std::pair{"zero", u.zero},
                                       {"resident", u.resident},
                                       {"borrowed", u.borrowed},
                                       {"missing", u.missing}}) {
      out.sample({{"id", id}, {"image", image->name}, {"state", state}}, count.value());
    }
  }
  out.family("weft_image_complete", "gauge", "1: it can be read without the network.");
  for (const auto& [id, image] : images) {
    out.sample({{"id", id}, {"image", image->name}}, std::uint64_t{image->usage.complete});
  }
  out.family("weft_image_physical_bytes", "gauge", "What it takes on this node's disk.");
  for (const auto& [id, image] : images)
    out.sample({{"id", id}, {"image", image->name}}, image->usage.physical.value());
}

void fetch_metrics(MetricsText& out, const MetricsInput& in) {
  const auto& f = in.fetch;
  out.family("weft_fetched_bytes_total", "counter", "Content that became readable, by its source.");
  out.sample({{"source", "image"}}, f.sources.in_image.value());
  out.sample({{"source", "by_digest"}}, f.sources.by_digest.value());
  out.sample({{"source", "twins"}}, f.sources.twins.value());
  out.sample({{"source", "joined"}}, f.sources.joined.value());
  out.family("weft_fetched_wire_bytes_total", "counter", "The same as packed on links.");
  out.sample({}, f.received_wire.value());
  out.family("weft_discarded_bytes_total", "counter",
             "Content that failed its digest, came twice, or could not be stored.");
  out.sample({}, f.discarded.value());
  out.family("weft_peers_banned_total", "counter", "Peers that sent wrong data of an image.");
  out.sample({}, f.peers_banned);
  out.family("weft_sent_bytes_total", "counter", "Sent to peers that fetch from this node.");
  out.sample({}, in.served.bytes_sent);
}

void peer_metrics(MetricsText& out, const MetricsInput& in) {
  out.family("weft_peer_connected", "gauge", "1: connected now.");
  for (const auto& peer : in.peers) {
    out.sample({{"peer", peer.address}},
               std::uint64_t{peer.state == fetcher::PeerState::connected});
  }
  out.family("weft_peer_received_bytes_total", "counter", "Content that came from it.");
  for (const auto& peer : in.peers)
    out.sample({{"peer", peer.address}}, peer.received.value());
  out.family("weft_peer_received_wire_bytes_total", "counter", "The same on the wire.");
  for (const auto& peer : in.peers)
    out.sample({{"peer", peer.address}}, peer.received_wire.value());
  out.family("weft_link_rate_bytes_per_second", "gauge", "Measured mean of a link; on the wire.");
  for (const auto& peer : in.peers) {
    const auto& link = peer.link;
    if (link.rate_in.known())
      out.sample({{"peer", peer.address}, {"direction", "in"}}, link.rate_in.mean);
    if (link.rate_out.known())
      out.sample({{"peer", peer.address}, {"direction", "out"}}, link.rate_out.mean);
  }
  out.family("weft_link_round_trip_seconds", "gauge", "The path's own delay.");
  for (const auto& peer : in.peers) {
    if (peer.link.round_trip)
      out.sample({{"peer", peer.address}}, to_seconds(*peer.link.round_trip));
  }
}

template <class Value>
void per_job(MetricsText& out, const MetricsInput& in, std::string_view name, std::string_view help,
             Value value) {
  out.family(name, "gauge", help);
  for (const auto& job : in.jobs) {
    const auto id = to_hex(job.image);
    out.sample({{"id", id}, {"image", job.name}}, value(job));
  }
}

void job_metrics(MetricsText& out, const MetricsInput& in) {
  per_job(out, in, "weft_job_done_bytes", "Bytes of the image that are readable here.",
          [](const JobView& job) { return bytes_of(job.progress.done).value(); });
  per_job(out, in, "weft_job_total_bytes", "Bytes of the image.",
          [](const JobView& job) { return bytes_of(job.progress.total).value(); });
  per_job(out, in, "weft_job_rate_bytes_per_second", "Content fetched, over the last seconds.",
          [](const JobView& job) { return job.progress.bytes_per_second; });
  per_job(out, in, "weft_job_limit_bytes_per_second", "Its cap; 0: none.",
          [](const JobView& job) { return job.bytes_per_second; });
  per_job(out, in, "weft_job_spent", "Money, at the prices of its sources.",
          [](const JobView& job) { return job.progress.spent; });
  out.family("weft_job_state", "gauge", "1 for the state that a job is in.");
  for (const auto& job : in.jobs) {
    const auto id = to_hex(job.image);
    out.sample({{"id", id}, {"image", job.name}, {"state", fetcher::to_string(job.progress.state)}},
               std::uint64_t{1});
  }
}

}  // namespace

std::string metrics_text(const MetricsInput& input) {
  MetricsText out;
  node_metrics(out, input);
  mount_metrics(out, input);
  image_metrics(out, input);
  fetch_metrics(out, input);
  peer_metrics(out, input);
  job_metrics(out, input);
  return out.text();
}

}  // namespace weft::tools
