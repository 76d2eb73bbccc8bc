// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// Expected trouble is a value. `Error` = what kind (`std::error_code`: an `Errc` or an errno),
/// while doing what (`Operation`), to what and what to do about it (`detail`).
namespace weft {

/// Kinds of trouble that are weft's own. errno values travel as std::generic_category codes.
enum class Errc {
  not_an_image = 1,  ///< import: a directory, device or otherwise not a readable disk image
  empty_image,       ///< import: size 0
  image_too_large,   ///< above max_image_size
  bad_image,         ///< import: a disk image that cannot be read: damaged, encrypted, incomplete
  outside_file,      ///< import: the image names a file that it may not bring in
  helper_failed,     ///< a program that weft runs ended or stopped answering
  name_taken,        ///< another image has this name
  bad_name,          ///< not a valid image name
  unknown_image,     ///< no image of this name or id, here or at any peer asked
  image_in_use,      ///< mounted, or being materialized
  ambiguous_image,   ///< peers offer different images under one name
  digest_mismatch,   ///< bytes do not have the digest they must have
  not_resident,      ///< the block or tree node is not in the local store
  source_changed,    ///< a file changed while it was being imported
  newer_state,       ///< state directory written by a newer weft
  damaged_state,     ///< a file of the state directory fails its checks
  state_locked,      ///< another daemon uses the state directory
  bad_target,        ///< mount target missing, not empty, of the wrong type
  already_mounted,   ///< mount target carries a mount already
  not_mounted,       ///< umount: no weft mount there
  target_busy,       ///< umount: in use
  peer_unreachable,  ///< connect failed or the connection was lost
  peer_version,      ///< no protocol version in common
  peer_misbehaved,   ///< broke the protocol or sent data that fails its digest
  no_source,         ///< no peer that can be asked holds it
  deadline_passed,   ///< the wait's deadline came first
  cancelled,         ///< the caller gave up, or the node is shutting down
  queue_full,        ///< a bounded queue is full: try again later
  bad_request,       ///< control API or wire: malformed or out of range
  bad_config,        ///< configuration file or flag
  no_daemon,         ///< no daemon answers on the control socket
  not_permitted,     ///< needs root, or /dev/fuse
  unsupported,       ///< this kernel, file system or build cannot do it
  over_budget,       ///< it costs more than may be spent
};

[[nodiscard]] const std::error_category& weft_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Errc e) noexcept {
  return {static_cast<int>(e), weft_category()};
}

/// What was being done. Named in logs and messages.
enum class Operation {
  none,
  open,
  read,
  write,
  sync,
  rename,
  remove,
  punch,
  stat,
  lock,
  map,  // local files
  import,
  index,
  commit,
  verify,
  recover,  // store
  catalog,  // SQLite
  connect,
  accept,
  send,
  receive,
  decode,
  handshake,  // network
  fetch,
  locate,
  materialize,  // fetcher
  mount,
  umount,
  serve,  // fs
  configure,
  control,  // tools
};
[[nodiscard]] std::string_view to_string(Operation op) noexcept;

struct [[nodiscard]] Error {
  std::error_code code;
  Operation operation = Operation::none;
  std::string detail;  ///< to what it happened, and what to do; may be empty

  /// One line for people: "import disk.raw: not a disk image: it is a directory".
  [[nodiscard]] std::string message() const;
  [[nodiscard]] bool is(Errc e) const { return code == make_error_code(e); }
  [[nodiscard]] bool is(std::errc e) const { return code == e; }
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(Errc e, Operation op, std::string detail = {}) {
  return std::unexpected(Error{make_error_code(e), op, std::move(detail)});
}
/// From errno, which the caller has just seen.
[[nodiscard]] std::unexpected<Error> fail_errno(int error_number, Operation op,
                                                std::string detail = {});

/// Whether asking again, later or elsewhere, may succeed. The one place where that is decided.
[[nodiscard]] bool is_retriable(const Error& error) noexcept;

/// The errno a FUSE client sees. Total: whatever is not listed is EIO.
[[nodiscard]] int to_errno(const Error& error) noexcept;

}  // namespace weft

template <>
struct std::is_error_code_enum<weft::Errc> : std::true_type {};

/// Statement macros that pass an error on. `WEFT_TRY(auto x, f());` declares x from f()'s value;
/// `WEFT_CHECK(f());` is for Result<void>. WEFT_CO_… are the same inside coroutines.
#define WEFT_CONCAT_(a, b) a##b
#define WEFT_CONCAT(a, b) WEFT_CONCAT_(a, b)
#define WEFT_TRY_(tmp, ret, decl, ...)                   \
  auto tmp = (__VA_ARGS__);                              \
  if (!tmp) ret std::unexpected(std::move(tmp).error()); \
  decl = std::move(*tmp)
#define WEFT_CHECK_(tmp, ret, ...) \
  if (auto tmp = (__VA_ARGS__); !tmp) ret std::unexpected(std::move(tmp).error())
#define WEFT_TRY(decl, ...) WEFT_TRY_(WEFT_CONCAT(weft_try_, __LINE__), return, decl, __VA_ARGS__)
#define WEFT_CO_TRY(decl, ...) \
  WEFT_TRY_(WEFT_CONCAT(weft_try_, __LINE__), co_return, decl, __VA_ARGS__)
#define WEFT_CHECK(...) WEFT_CHECK_(WEFT_CONCAT(weft_check_, __LINE__), return, __VA_ARGS__)
#define WEFT_CO_CHECK(...) WEFT_CHECK_(WEFT_CONCAT(weft_check_, __LINE__), co_return, __VA_ARGS__)
