// SPDX-License-Identifier: Apache-2.0
#include "fetcher/link/estimate.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace weft::fetcher {
namespace {

constexpr double normal_95 = 1.96;
constexpr double unsure = 0.5;       // deviation that is assumed, in parts of the mean
constexpr double prior_share = 0.2;  // of the memory, that a prior takes

double fading(Duration age, Duration half_life) {
  if (age <= Duration(0) || half_life <= Duration(0)) return 1;
  return std::exp2(-std::chrono::duration<double>(age) / half_life);
}

}  // namespace

double Estimate::margin() const {
  if (!known()) return 0;
  const double assumed = unsure * mean;
  const double variance = (samples * deviation * deviation + assumed * assumed) / (samples + 1);
  return normal_95 * std::sqrt(variance / samples);
}

double Estimate::low() const {
  return std::max(mean - margin(), mean / 10);
}

Estimate faded(Estimate estimate, Duration age, Duration half_life) {
  estimate.samples *= fading(age, half_life);
  return estimate;
}

void FadingMean::add(double sample, double weight, TimePoint now) {
  if (!(weight > 0) || !std::isfinite(sample)) return;
  const double keep = std::exp(-weight / options_.memory) * fading(now - last_, options_.half_life);
  weight_ = weight_ * keep + weight;
  weight_squares_ = weight_squares_ * keep * keep + weight * weight;
  const double off = sample - mean_;
  mean_ += off * weight / weight_;
  squares_ = squares_ * keep + weight * off * (sample - mean_);
  last_ = now;
  measured_ = true;
}

void FadingMean::assume(const Estimate& prior, TimePoint now) {
  if (measured_ || !prior.known()) return;
  weight_ = prior_share * options_.memory;
  weight_squares_ = weight_ * weight_ / prior.samples;
  mean_ = prior.mean;
  squares_ = prior.deviation * prior.deviation * weight_;
  last_ = now;
}

Estimate FadingMean::at(TimePoint now) const {
  if (weight_ <= 0) return {};
  const double samples = std::min(weight_ * weight_ / weight_squares_, most_samples);
  return {.mean = mean_,
          .deviation = std::sqrt(std::max(0.0, squares_ / weight_)),
          .samples = samples * fading(now - last_, options_.half_life)};
}

}  // namespace weft::fetcher
