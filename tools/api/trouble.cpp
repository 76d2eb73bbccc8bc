// SPDX-License-Identifier: Apache-2.0
#include "tools/api/trouble.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace weft::tools {
namespace {

struct ErrcRow {
  Errc errc;
  std::string_view name;
  unsigned http;
  ExitCode exit;
  std::string_view hint;
};

using enum ExitCode;

// No hint where the detail of every such error already says what to do.
constexpr std::array errc_rows{
    ErrcRow{Errc::not_an_image, "not_an_image", 422, bad_input,
            "give a disk image that QEMU can read"},
    ErrcRow{Errc::empty_image, "empty_image", 422, bad_input,
            "check that the file was written completely"},
    ErrcRow{Errc::image_too_large, "image_too_large", 422, bad_input, "64 TiB is the limit"},
    ErrcRow{Errc::bad_image, "bad_image", 422, bad_input, ""},
    ErrcRow{Errc::outside_file, "outside_file", 422, bad_input, ""},
    ErrcRow{Errc::helper_failed, "helper_failed", 500, failure, ""},
    ErrcRow{Errc::name_taken, "name_taken", 409, exists, ""},
    ErrcRow{Errc::bad_name, "bad_name", 400, usage, ""},
    ErrcRow{Errc::unknown_image, "unknown_image", 404, not_found,
            "`weft images` lists what is here; --peer HOST:PORT adds a node to ask"},
    ErrcRow{Errc::image_in_use, "image_in_use", 409, busy, ""},
    ErrcRow{Errc::ambiguous_image, "ambiguous_image", 409, exists, ""},
    ErrcRow{Errc::digest_mismatch, "digest_mismatch", 502, verification,
            "the data was refused; another source is needed"},
    ErrcRow{Errc::not_resident, "not_resident", 404, not_found,
            "if it is content that is missing, materialize the image first"},
    ErrcRow{Errc::source_changed, "source_changed", 409, bad_input,
            "stop what writes to the file and import it again"},
    ErrcRow{Errc::newer_state, "newer_state", 500, state, ""},
    ErrcRow{Errc::damaged_state, "damaged_state", 500, state,
            "restore the directory or start with an empty --state directory"},
    ErrcRow{Errc::state_locked, "state_locked", 409, state, ""},
    ErrcRow{Errc::bad_target, "bad_target", 422, not_found,
            "give an empty directory or an existing regular file"},
    ErrcRow{Errc::already_mounted, "already_mounted", 409, exists, ""},
    ErrcRow{Errc::not_mounted, "not_mounted", 404, not_found, "`weft status` lists the mounts"},
    ErrcRow{Errc::target_busy, "target_busy", 409, busy, "stop what uses it, or use --force"},
    ErrcRow{Errc::peer_unreachable, "peer_unreachable", 502, unreachable,
            "check the address, the network and that weft runs there"},
    ErrcRow{Errc::peer_version, "peer_version", 502, unreachable,
            "upgrade the older of the two nodes"},
    ErrcRow{Errc::peer_misbehaved, "peer_misbehaved", 502, verification,
            "nothing wrong was stored; check that node"},
    ErrcRow{Errc::no_source, "no_source", 503, unreachable,
            "start a node that holds it, or add one with `weft peers add`"},
    ErrcRow{Errc::deadline_passed, "deadline_passed", 504, timed_out,
            "`weft status` shows what is waiting and why"},
    ErrcRow{Errc::cancelled, "cancelled", 499, cancelled, ""},
    ErrcRow{Errc::queue_full, "queue_full", 503, busy, "try again in a moment"},
    ErrcRow{Errc::bad_request, "bad_request", 400, usage,
            "tools/api/API.md describes the requests"},
    ErrcRow{Errc::bad_config, "bad_config", 400, bad_config, ""},
    ErrcRow{Errc::no_daemon, "no_daemon", 503, unreachable, "start one with `weft daemon`"},
    ErrcRow{Errc::not_permitted, "not_permitted", 403, not_permitted, ""},
    ErrcRow{Errc::unsupported, "unsupported", 501, failure, ""},
    ErrcRow{Errc::over_budget, "over_budget", 409, over_budget, ""},
};

struct ErrnoRow {
  int number;
  unsigned http;
  ExitCode exit;
  std::string_view hint;
};

constexpr std::array errno_rows{
    ErrnoRow{ENOENT, 404, not_found, "check the path"},
    ErrnoRow{ENOTDIR, 404, not_found, "check the path"},
    ErrnoRow{EEXIST, 409, exists, ""},
    ErrnoRow{EBUSY, 409, busy, ""},
    ErrnoRow{EAGAIN, 503, busy, "try again in a moment"},
    ErrnoRow{EHOSTUNREACH, 502, unreachable, "check the network"},
    ErrnoRow{ENETUNREACH, 502, unreachable, "check the network"},
    ErrnoRow{ECONNREFUSED, 502, unreachable, "check that weft runs there"},
    ErrnoRow{ECONNRESET, 502, unreachable, ""},
    ErrnoRow{EADDRINUSE, 409, busy, "choose another --listen address, or \"off\""},
    ErrnoRow{EADDRNOTAVAIL, 400, bad_config, "choose a --listen address of this host"},
    ErrnoRow{ETIMEDOUT, 504, timed_out, ""},
    ErrnoRow{EBADMSG, 502, verification, ""},
    ErrnoRow{ENOSPC, 507, no_space, "free space, or lower --free-space-floor"},
    ErrnoRow{EDQUOT, 507, no_space, "raise the quota or free space"},
    ErrnoRow{EFBIG, 507, no_space, "the file system cannot hold a file of this size"},
    ErrnoRow{EACCES, 403, not_permitted, "run it as a user who may, or as root"},
    ErrnoRow{EPERM, 403, not_permitted, "run it as root"},
    ErrnoRow{EROFS, 403, not_permitted, "choose a writable place"},
    ErrnoRow{EINTR, 499, cancelled, ""},
    ErrnoRow{ECANCELED, 499, cancelled, ""},
};

constexpr std::array meanings{
    ExitMeaning{ok, "success"},
    ExitMeaning{failure, "failure without a code of its own"},
    ExitMeaning{usage, "wrong usage: unknown verb or flag, missing or malformed argument"},
    ExitMeaning{not_found, "not found: image, file, mount target, peer or job"},
    ExitMeaning{exists, "already exists: name taken, already mounted, ambiguous name"},
    ExitMeaning{busy, "busy: in use, or too many requests; try again"},
    ExitMeaning{unreachable, "unreachable: no peer, no source or no daemon answers"},
    ExitMeaning{timed_out, "timed out: a deadline passed"},
    ExitMeaning{verification, "verification failed: wrong data was refused"},
    ExitMeaning{no_space, "no space: disk full, free-space floor or quota"},
    ExitMeaning{bad_input, "bad input file: not an image, empty, too large, changed meanwhile"},
    ExitMeaning{bad_config, "bad configuration: file, variable or setting"},
    ExitMeaning{state, "state directory locked, written by a newer weft, or damaged"},
    ExitMeaning{not_permitted, "not permitted: needs root, a readable file or /dev/fuse"},
    ExitMeaning{cancelled, "cancelled, for example by ctrl-C; nothing half-done is left"},
    ExitMeaning{over_budget, "over budget: what may be spent does not pay for what is missing"},
};

std::string errno_name(int number) {
  const char* name = ::strerrorname_np(number);
  return name != nullptr ? std::string(name) : fmt::format("errno_{}", number);
}

}  // namespace

std::span<const ExitMeaning> exit_meanings() {
  return meanings;
}

Trouble classify(const Error& error) {
  const int value = error.code.value();
  if (error.code.category() == weft_category()) {
    const auto* row = std::ranges::find(errc_rows, static_cast<Errc>(value), &ErrcRow::errc);
    if (row != errc_rows.end()) return {std::string(row->name), row->http, row->exit, row->hint};
    return {"failure", 500, failure, ""};
  }
  if (error.code.category() != std::generic_category() &&
      error.code.category() != std::system_category()) {
    return {"failure", 500, failure, ""};
  }
  const auto* row = std::ranges::find(errno_rows, value, &ErrnoRow::number);
  if (row != errno_rows.end()) return {errno_name(value), row->http, row->exit, row->hint};
  return {errno_name(value), 500, failure, ""};
}

ExitCode exit_code(const Error& error) {
  return classify(error).exit;
}

std::optional<Errc> errc_of_name(std::string_view name) {
  const auto* row = std::ranges::find(errc_rows, name, &ErrcRow::name);
  return row == errc_rows.end() ? std::nullopt : std::optional(row->errc);
}

std::string one_line(const Error& error) {
  std::string line = error.message();
  const auto hint = classify(error).hint;
  if (!hint.empty()) line += fmt::format(": {}", hint);
  std::ranges::replace_if(line, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return line;
}

}  // namespace weft::tools
