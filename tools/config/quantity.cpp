// SPDX-License-Identifier: Apache-2.0
#include "tools/config/quantity.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace weft::tools {
namespace {

struct Unit {
  std::string_view name;  // lower case
  double factor;
};

constexpr std::array size_units{
    Unit{"", 1},       Unit{"b", 1},        Unit{"k", 0x1p10}, Unit{"kib", 0x1p10},
    Unit{"m", 0x1p20}, Unit{"mib", 0x1p20}, Unit{"g", 0x1p30}, Unit{"gib", 0x1p30},
    Unit{"t", 0x1p40}, Unit{"tib", 0x1p40}, Unit{"kb", 1e3},   Unit{"mb", 1e6},
    Unit{"gb", 1e9},   Unit{"tb", 1e12},
};

constexpr std::array bit_units{
    Unit{"bit", 1.0 / 8},  Unit{"kbit", 1e3 / 8},  Unit{"mbit", 1e6 / 8},
    Unit{"gbit", 1e9 / 8}, Unit{"tbit", 1e12 / 8},
};

constexpr std::array duration_units{
    Unit{"ms", 1e6}, Unit{"s", 1e9},    Unit{"sec", 1e9},   Unit{"min", 60e9},
    Unit{"m", 60e9}, Unit{"h", 3600e9}, Unit{"d", 86400e9},
};

struct Quantity {
  double number;
  std::string unit;  // lower case
};

std::optional<Quantity> split(std::string_view text) {
  double number = 0;
  const auto [end, problem] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (problem != std::errc{} || !std::isfinite(number) || number < 0) return std::nullopt;
  std::string unit(end, text.data() + text.size());
  if (unit.starts_with(' ')) unit.erase(0, 1);
  std::ranges::transform(unit, unit.begin(), [](unsigned char c) { return std::tolower(c); });
  return Quantity{number, std::move(unit)};
}

template <std::size_t N>
std::optional<double> scaled(std::string_view text, const std::array<Unit, N>& units) {
  const auto quantity = split(text);
  if (!quantity) return std::nullopt;
  const auto* unit = std::ranges::find(units, quantity->unit, &Unit::name);
  if (unit == units.end()) return std::nullopt;
  const double value = quantity->number * unit->factor;
  if (value >= 0x1p63) return std::nullopt;
  return value;
}

}  // namespace

Result<ByteCount> parse_size(std::string_view text) {
  const auto bytes = scaled(text, size_units);
  if (!bytes) {
    return fail(Errc::bad_config, Operation::configure,
                fmt::format("\"{}\" is not a size: write it like 512MiB or 2GiB", text));
  }
  return ByteCount(static_cast<std::uint64_t>(std::llround(*bytes)));
}

Result<double> parse_rate(std::string_view text) {
  const std::string_view amount = text.ends_with("/s") ? text.substr(0, text.size() - 2) : text;
  const auto bits = scaled(amount, bit_units);
  const auto rate = bits ? bits : scaled(amount, size_units);
  if (rate) return *rate;
  return fail(Errc::bad_config, Operation::configure,
              fmt::format("\"{}\" is not a rate: write it like 100Mbit, 1Gbit or 10MiB", text));
}

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration::zero();
  const auto nanoseconds = scaled(text, duration_units);
  if (!nanoseconds) {
    return fail(
        Errc::bad_config, Operation::configure,
        fmt::format("\"{}\" is not a duration: write it with a unit, like 30s or 10min", text));
  }
  return Duration(std::llround(*nanoseconds));
}

std::string format_size(ByteCount bytes) {
  constexpr std::array names{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes.value() < 1024) return fmt::format("{} B", bytes.value());
  auto value = static_cast<double>(bytes.value());
  std::size_t unit = 0;
  // 1023.95 KiB would print as "1024.0 KiB": go on to the next unit a little early.
  while (value >= 1023.95 && unit + 1 < names.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, names[unit]);
}

std::string format_rate(double bytes_per_second) {
  const double bounded = std::clamp(bytes_per_second, 0.0, 0x1p62);
  return format_size(ByteCount(static_cast<std::uint64_t>(bounded))) + "/s";
}

std::string format_duration(Duration duration) {
  using namespace std::chrono;
  if (duration < Duration::zero()) duration = Duration::zero();
  if (duration < seconds(1))
    return fmt::format("{}ms", duration_cast<milliseconds>(duration).count());
  const auto total = round<seconds>(duration).count();
  const auto pair = [](auto big, const char* big_unit, auto small, const char* small_unit) {
    return small == 0 ? fmt::format("{}{}", big, big_unit)
                      : fmt::format("{}{} {}{}", big, big_unit, small, small_unit);
  };
  if (total < 60) return fmt::format("{}s", total);
  if (total < 3600) return pair(total / 60, "min", total % 60, "s");
  if (total < 86400) return pair(total / 3600, "h", total % 3600 / 60, "min");
  return pair(total / 86400, "d", total % 86400 / 3600, "h");
}

std::string exact_duration(Duration duration) {
  using namespace std::chrono;
  if (duration == floor<seconds>(duration)) {
    return fmt::format("{}s", duration_cast<seconds>(duration).count());
  }
  return fmt::format("{}ms", duration_cast<milliseconds>(duration).count());
}

}  // namespace weft::tools
