// SPDX-License-Identifier: Apache-2.0
#include "tools/daemon/logging.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <memory>

namespace weft::tools {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::debug:
      return spdlog::level::debug;
  }
  return spdlog::level::info;
}

}  // namespace

Result<void> configure_logging(const Config& config) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (config.log_file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    try {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.log_file.string());
    } catch (const spdlog::spdlog_ex&) {
      return fail_errno(errno != 0 ? errno : EIO, Operation::configure,
                        "log_file: " + config.log_file.string());
    }
  }
  auto logger = std::make_shared<spdlog::logger>("weft", std::move(sink));
  logger->set_level(spdlog_level(config.log_level));
  logger->flush_on(spdlog::level::info);
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  spdlog::set_default_logger(std::move(logger));
  return {};
}

}  // namespace weft::tools
