// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/fs/fio.h"

#include "tests/support/fs/subprocess.h"

#include <boost/json.hpp>

#include <chrono>
#include <cstdio>
#include <vector>

namespace weft::bench {

std::optional<double> run_fio(const FioJob& job) {
  std::vector<std::string> command = {"fio",
                                      "--name=job",
                                      "--output-format=json",
                                      "--thread",
                                      "--readonly",
                                      "--norandommap",
                                      "--random_generator=tausworthe64",
                                      "--filename=" + job.file,
                                      "--bs=" + std::to_string(job.block_kib) + "k",
                                      job.random ? "--rw=randread" : "--rw=read",
                                      job.direct ? "--direct=1" : "--direct=0",
                                      job.drop_cache ? "--invalidate=1" : "--invalidate=0",
                                      "--iodepth=" + std::to_string(job.depth),
                                      job.depth > 1 ? "--ioengine=io_uring" : "--ioengine=psync"};
  if (job.limit_mib > 0) {
    command.push_back("--io_size=" + std::to_string(job.limit_mib) + "m");
  } else {
    command.push_back("--time_based");
    command.push_back("--runtime=" + std::to_string(static_cast<int>(job.seconds * 1000)) + "ms");
  }
  const auto done = testing::run(command, std::chrono::seconds(60));
  if (!done.status.ok()) {
    std::fprintf(stderr, "fio failed: %s\n", done.err.c_str());
    return std::nullopt;
  }
  boost::system::error_code error;
  const auto start = done.out.find('{');
  const auto json =
      boost::json::parse(done.out.substr(start == std::string::npos ? 0 : start), error);
  if (error) return std::nullopt;
  const auto* read = json.find_pointer("/jobs/0/read", error);
  if (read == nullptr) return std::nullopt;
  const double bytes = read->at("io_bytes").to_number<double>();
  const double milliseconds = read->at("runtime").to_number<double>();
  if (bytes <= 0 || milliseconds <= 0) return std::nullopt;
  return bytes / milliseconds * 1000;
}

}  // namespace weft::bench
