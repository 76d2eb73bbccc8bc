// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/clock.h"
#include "indexer/core/error.h"
#include "indexer/core/units.h"

#include <string>
#include <string_view>

/// Sizes and durations as people write and read them. Pure; errors are Errc::bad_config whose
/// detail quotes the text and shows a right one.
namespace weft::tools {

/// "4096", "512KiB", "2GiB", "1.5TiB", "10MB" (decimal), case ignored, a blank before the unit
/// allowed. Not negative, below 2⁶³.
[[nodiscard]] Result<ByteCount> parse_size(std::string_view text);

/// Bytes per second: bits with decimal prefixes ("100Mbit", "1Gbit", "64kbit"), or bytes as above
/// ("10MiB", "12.5MB"), with or without "/s".
[[nodiscard]] Result<double> parse_rate(std::string_view text);

/// "250ms", "30s", "10min", "2h", "1d". The unit is required (a bare number is refused, because
/// nobody can tell which unit was meant), except for "0".
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

/// "0 B", "4.0 KiB", "1.5 GiB": three significant digits, binary units.
[[nodiscard]] std::string format_size(ByteCount bytes);
/// "11.9 MiB/s".
[[nodiscard]] std::string format_rate(double bytes_per_second);
/// "250ms", "45s", "3min 20s", "2h 5min", "4d 3h": the two leading units.
[[nodiscard]] std::string format_duration(Duration duration);
/// One that parse_duration reads back exactly: "600s", "250ms".
[[nodiscard]] std::string exact_duration(Duration duration);

}  // namespace weft::tools
