// SPDX-License-Identifier: Apache-2.0
#include "fetcher/plan/links.h"

#include <algorithm>
#include <cmath>

namespace weft::fetcher::plan {
namespace {

constexpr double most_rate = 1e15;
constexpr double most_delay = 1e9;
constexpr double most_price = 1e12;
constexpr double bytes_a_gib = 1024.0 * 1024 * 1024;

double positive_or(double value, double otherwise) {
  return value > 0 ? value : otherwise;  // false for what is not a number
}

Link clean_link(const Source& source) {
  Link link;
  link.delay = positive_or(source.delay, 0);
  link.rate = source.rate >= 1 && link.delay <= most_delay ? std::min(source.rate, most_rate) : 0;
  link.price = std::min(positive_or(source.price, 0), most_price) / bytes_a_gib;
  link.site = source.site.value_or(no_site);
  return link;
}

// What is active changes at delays, one source each, and at the few different ends.
class Sweep {
 public:
  Sweep(const Links& links, std::span<const double> until)
      : links_(links), until_(until), by_site_(links.uplinks.size()) {
    for (const SourceIndex p : each_source(until.size())) {
      if (!links.usable(p) || until[p] <= links.sources[p].delay) continue;
      starts_.push_back(p);
      if (until[p] < never) ends_.push_back(until[p]);
    }
    std::ranges::sort(starts_, {}, [&](SourceIndex p) { return links.sources[p].delay; });
    std::ranges::sort(ends_);
    ends_.erase(std::ranges::unique(ends_).begin(), ends_.end());
  }

  [[nodiscard]] double now() const { return now_; }
  [[nodiscard]] double carried() const { return carried_; }
  [[nodiscard]] double rate() const { return rate_; }
  [[nodiscard]] const std::vector<double>& by_site() const { return by_site_; }
  [[nodiscard]] double next_change() const {
    const double start = next_ < starts_.size() ? links_.sources[starts_[next_]].delay : never;
    return std::min(start, next_end_ < ends_.size() ? ends_[next_end_] : never);
  }

  void advance_to(double time) {
    if (time <= now_) return;
    carried_ += rate_ * (time - now_);
    now_ = time;
  }
  // Everything that changes now. Sums are made anew where sources end: differences would leave
  // rounding errors of the size of the fastest source.
  void change() {
    bool ended = false;
    while (next_end_ < ends_.size() && ends_[next_end_] <= now_)
      ++next_end_, ended = true;
    const std::size_t before = next_;
    while (next_ < starts_.size() && links_.sources[starts_[next_]].delay <= now_)
      ++next_;
    if (ended) std::ranges::fill(by_site_, 0), alone_ = 0;
    for (std::size_t i = ended ? 0 : before; i < next_; ++i) {
      const SourceIndex p = starts_[i];
      if (until_[p] <= now_) continue;
      const Link& link = links_.sources[p];
      (link.site == no_site ? alone_ : by_site_[link.site]) += link.rate;
    }
    rate_ = alone_;
    for (std::size_t s = 0; s < by_site_.size(); ++s)
      rate_ += std::min(by_site_[s], links_.uplinks[s]);
    rate_ = std::min(rate_, links_.ingress);
  }

 private:
  const Links& links_;
  std::span<const double> until_;
  std::vector<SourceIndex> starts_;
  std::vector<double> ends_;
  std::size_t next_ = 0;
  std::size_t next_end_ = 0;
  std::vector<double> by_site_;
  double alone_ = 0;
  double now_ = 0;
  double rate_ = 0;
  double carried_ = 0;
};

}  // namespace

Links clean_links(const Problem& problem) {
  Links links;
  std::vector<double> by_site(problem.sites.size());
  double all = 0;
  for (const Source& source : problem.sources) {
    const Link& link = links.sources.emplace_back(clean_link(source));
    (link.site == no_site ? all : by_site[link.site]) += link.rate;
  }
  for (std::size_t s = 0; s < by_site.size(); ++s) {
    const double uplink = positive_or(problem.sites[s].uplink, never);
    links.uplinks.push_back(uplink < by_site[s] ? std::max(uplink, 1.0) : never);
    all += std::min(by_site[s], links.uplinks[s]);
  }
  const double ingress = positive_or(problem.ingress.value_or(0), never);
  links.ingress = ingress < all ? std::max(ingress, 1.0) : never;
  for (const SourceIndex p : each_source(links.sources.size()))
    links.sources[p].shared = links.ingress < never || links.capped(p);
  return links;
}

double time_to_carry(const Links& links, std::span<const double> until, double bytes) {
  Sweep sweep(links, until);
  for (;;) {
    sweep.change();
    const double missing = bytes - sweep.carried();
    if (missing <= 0) return sweep.now();
    const double next = sweep.next_change();
    const double arrival = sweep.rate() > 0 ? sweep.now() + missing / sweep.rate() : never;
    if (arrival <= next) return arrival;
    sweep.advance_to(next);
  }
}

double carried_by(const Links& links, std::span<const double> until, double time) {
  Sweep sweep(links, until);
  for (;;) {
    sweep.change();
    const double next = sweep.next_change();
    if (next >= time) break;
    sweep.advance_to(next);
  }
  sweep.advance_to(time);
  return sweep.carried();
}

Bottleneck bottleneck(const Links& links, std::span<const double> until, double time) {
  Sweep sweep(links, until);
  for (sweep.change(); sweep.next_change() < time; sweep.change())
    sweep.advance_to(sweep.next_change());
  Bottleneck found;
  if (links.ingress < never && sweep.rate() >= links.ingress) {
    found.ingress = true;
    return found;
  }
  const auto full = [&](SiteIndex s) {
    return s != no_site && sweep.by_site()[s] > links.uplinks[s];
  };
  for (SiteIndex s = 0; s < links.uplinks.size(); ++s)
    if (full(s)) found.sites.push_back(s);
  for (const SourceIndex p : each_source(until.size())) {
    const Link& link = links.sources[p];
    const bool sends = link.rate > 0 && link.delay < time && until[p] >= time;
    if (sends && !full(link.site)) found.sources.push_back(p);
  }
  return found;
}

}  // namespace weft::fetcher::plan
