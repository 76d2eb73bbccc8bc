// SPDX-License-Identifier: Apache-2.0
#include "fetcher/link/estimate.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <random>

namespace weft::fetcher {
namespace {

using namespace std::chrono_literals;
constexpr TimePoint start{100s};
constexpr FadingMean::Options one_second{.memory = 1, .half_life = 1h};

TEST(FadingMean, says_nothing_before_the_first_sample) {
  const FadingMean mean(one_second);
  EXPECT_FALSE(mean.at(start).known());
  EXPECT_EQ(mean.at(start).margin(), 0);
}

TEST(FadingMean, more_samples_make_it_surer) {
  FadingMean mean(one_second);
  double last = 1e9;
  for (int i = 0; i < 5; ++i) {
    mean.add(10e6, 0.1, start);
    const Estimate now = mean.at(start);
    EXPECT_NEAR(now.mean, 10e6, 1);
    EXPECT_LT(now.margin(), last);
    last = now.margin();
  }
  EXPECT_LT(last, 0.2 * 10e6);
}

TEST(FadingMean, interval_holds_the_mean_of_noisy_samples_about_19_times_of_20) {
  int held = 0;
  constexpr int rounds = 1000;
  for (int round = 0; round < rounds; ++round) {
    std::mt19937 random(static_cast<unsigned>(round));
    std::normal_distribution<double> rate(10e6, 2e6);
    FadingMean mean(one_second);
    for (int i = 0; i < 60; ++i)
      mean.add(std::max(1e5, rate(random)), 0.1, start);
    const Estimate now = mean.at(start);
    held += now.low() <= 10e6 && 10e6 <= now.high() ? 1 : 0;
  }
  EXPECT_GT(held, rounds * 93 / 100);
  EXPECT_LT(held, rounds) << "an interval that is never missed says nothing";
}

TEST(FadingMean, follows_a_change_within_the_memory) {
  FadingMean mean(one_second);
  for (int i = 0; i < 50; ++i)
    mean.add(10e6, 0.1, start);
  for (int i = 0; i < 50; ++i)
    mean.add(1e6, 0.1, start);
  EXPECT_NEAR(mean.at(start).mean, 1e6, 0.1e6);
}

TEST(FadingMean, what_is_not_renewed_keeps_its_mean_and_loses_its_confidence) {
  FadingMean mean(one_second);
  for (int i = 0; i < 50; ++i)
    mean.add(10e6, 0.1, start);
  const Estimate fresh = mean.at(start);
  const Estimate old = mean.at(start + 3h);
  EXPECT_EQ(old.mean, fresh.mean);
  EXPECT_NEAR(old.samples, fresh.samples / 8, 1e-9);
  EXPECT_GT(old.margin(), 2 * fresh.margin());
  EXPECT_EQ(faded(fresh, 3h, 1h), old);
}

TEST(FadingMean, prior_is_the_estimate_until_real_samples_outweigh_it) {
  FadingMean mean(one_second);
  const Estimate prior{.mean = 10e6, .deviation = 1e6, .samples = 8};
  mean.assume(prior, start);
  const Estimate assumed = mean.at(start);
  EXPECT_EQ(assumed.mean, prior.mean);
  EXPECT_NEAR(assumed.deviation, prior.deviation, 1);
  EXPECT_NEAR(assumed.samples, prior.samples, 1e-9);
  mean.add(1e6, 0.25, start);
  EXPECT_LT(mean.at(start).mean, 5.5e6);
  for (int i = 0; i < 8; ++i)
    mean.add(1e6, 0.25, start);
  EXPECT_NEAR(mean.at(start).mean, 1e6, 0.2e6);
  mean.assume(prior, start);
  EXPECT_LT(mean.at(start).mean, 2e6) << "too late for a prior";
}

TEST(FadingMean, what_makes_no_sense_is_no_sample) {
  FadingMean mean(one_second);
  mean.add(std::nan(""), 1, start);
  mean.add(INFINITY, 1, start);
  mean.add(5, 0, start);
  mean.add(5, -1, start);
  EXPECT_FALSE(mean.at(start).known());
}

TEST(Estimate, low_end_stays_positive) {
  const Estimate unsure{.mean = 10, .deviation = 50, .samples = 0.01};
  EXPECT_EQ(unsure.low(), 1);
  EXPECT_GT(unsure.high(), 20);
}

}  // namespace
}  // namespace weft::fetcher
