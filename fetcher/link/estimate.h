// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"

/// Estimates that say how sure they are. Pure: time is a parameter.
namespace weft::fetcher {

/// A mean with its confidence.
struct Estimate {
  double mean = 0;
  double deviation = 0;  ///< standard deviation of one sample
  double samples = 0;    ///< that it is worth: fewer than were taken, and fewer as they get old

  [[nodiscard]] bool known() const { return samples > 0; }
  /// Half the width of the interval that holds the true mean 19 times of 20. Few samples say little
  /// of how much they vary: to their own deviation one of half the mean is added, as one sample.
  /// 0 if nothing is known.
  [[nodiscard]] double margin() const;
  /// The interval: never below a tenth of the mean, since a rate is not negative.
  [[nodiscard]] double low() const;
  [[nodiscard]] double high() const { return mean + margin(); }

  friend bool operator==(const Estimate&, const Estimate&) = default;
};

/// Weighted mean and variance of samples that fade: new ones displace old ones, by weight; what is
/// not renewed counts for less as time goes by, which leaves the mean and widens the margin.
///
/// A new sample of weight w makes all earlier ones count e^(−w/memory). `assume` begins with what
/// an earlier estimate says, at a fraction of the memory: the first real samples outweigh it.
/// (West, "Updating mean and variance estimates", 1979; Kish's effective sample size.)
class FadingMean {
 public:
  struct Options {
    double memory = 1;     ///< weight of which e^-1 is left when so much more has come
    Duration half_life{};  ///< of the confidence, without new samples
  };
  /// Consecutive samples resemble each other: more than so many say no more.
  static constexpr double most_samples = 25;

  explicit FadingMean(Options options) : options_(options) {}

  void add(double sample, double weight, TimePoint now);
  /// Only before the first `add`; ignored later.
  void assume(const Estimate& prior, TimePoint now);
  [[nodiscard]] Estimate at(TimePoint now) const;
  /// 0 before anything is known.
  [[nodiscard]] double mean() const { return mean_; }

 private:
  Options options_;
  double weight_ = 0;
  double weight_squares_ = 0;
  double mean_ = 0;
  double squares_ = 0;  // weighted squares of deviations
  bool measured_ = false;
  TimePoint last_{};
};

/// The same estimate after nothing new for `age`.
[[nodiscard]] Estimate faded(Estimate estimate, Duration age, Duration half_life);

}  // namespace weft::fetcher
