// SPDX-License-Identifier: Apache-2.0
#include "indexer/core/error.h"

#include <cerrno>

namespace weft {
namespace {

const char* describe(Errc e) {
  switch (e) {
    case Errc::not_an_image:
      return "not a disk image";
    case Errc::empty_image:
      return "the image is empty";
    case Errc::image_too_large:
      return "the image is too large";
    case Errc::bad_image:
      return "the disk image cannot be read";
    case Errc::outside_file:
      return "the disk image names a file that it may not bring in";
    case Errc::helper_failed:
      return "a helper program failed";
    case Errc::name_taken:
      return "the name is taken";
    case Errc::bad_name:
      return "not a valid image name";
    case Errc::unknown_image:
      return "unknown image";
    case Errc::image_in_use:
      return "the image is in use";
    case Errc::ambiguous_image:
      return "peers offer different images under this name";
    case Errc::digest_mismatch:
      return "the data does not match its digest";
    case Errc::not_resident:
      return "not in the local store";
    case Errc::source_changed:
      return "the file changed while it was read";
    case Errc::newer_state:
      return "the state directory was written by a newer weft";
    case Errc::damaged_state:
      return "a state file is damaged";
    case Errc::state_locked:
      return "another weft daemon uses this state directory";
    case Errc::bad_target:
      return "not a usable mount target";
    case Errc::already_mounted:
      return "already mounted";
    case Errc::not_mounted:
      return "not mounted";
    case Errc::target_busy:
      return "the mount is in use";
    case Errc::peer_unreachable:
      return "the peer cannot be reached";
    case Errc::peer_version:
      return "the peer speaks another protocol version";
    case Errc::peer_misbehaved:
      return "the peer sent wrong data";
    case Errc::no_source:
      return "no reachable peer holds it";
    case Errc::deadline_passed:
      return "the deadline passed";
    case Errc::cancelled:
      return "cancelled";
    case Errc::queue_full:
      return "too many requests are waiting";
    case Errc::over_budget:
      return "it costs more than may be spent";
    case Errc::bad_request:
      return "malformed request";
    case Errc::bad_config:
      return "bad configuration";
    case Errc::no_daemon:
      return "no daemon answers";
    case Errc::not_permitted:
      return "not permitted";
    case Errc::unsupported:
      return "not supported here";
  }
  return "unknown error";
}

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "weft"; }
  [[nodiscard]] std::string message(int value) const override {
    return describe(static_cast<Errc>(value));
  }
};

int errno_of(Errc e) {
  switch (e) {
    case Errc::unknown_image:
      return ENOENT;
    case Errc::cancelled:
      return EINTR;
    case Errc::queue_full:
      return EAGAIN;
    case Errc::not_permitted:
      return EPERM;
    case Errc::unsupported:
      return EOPNOTSUPP;
    case Errc::target_busy:
    case Errc::image_in_use:
    case Errc::already_mounted:
      return EBUSY;
    default:
      return EIO;
  }
}

}  // namespace

const std::error_category& weft_category() noexcept {
  static const Category category;
  return category;
}

std::string_view to_string(Operation op) noexcept {
  switch (op) {
    case Operation::none:
      return "";
    case Operation::open:
      return "open";
    case Operation::read:
      return "read";
    case Operation::write:
      return "write";
    case Operation::sync:
      return "sync";
    case Operation::rename:
      return "rename";
    case Operation::remove:
      return "remove";
    case Operation::punch:
      return "punch hole";
    case Operation::stat:
      return "stat";
    case Operation::lock:
      return "lock";
    case Operation::map:
      return "map";
    case Operation::import:
      return "import";
    case Operation::index:
      return "index";
    case Operation::commit:
      return "commit";
    case Operation::verify:
      return "verify";
    case Operation::recover:
      return "recover";
    case Operation::catalog:
      return "catalog";
    case Operation::connect:
      return "connect";
    case Operation::accept:
      return "accept";
    case Operation::send:
      return "send";
    case Operation::receive:
      return "receive";
    case Operation::decode:
      return "decode";
    case Operation::handshake:
      return "handshake";
    case Operation::fetch:
      return "fetch";
    case Operation::locate:
      return "locate";
    case Operation::materialize:
      return "materialize";
    case Operation::mount:
      return "mount";
    case Operation::umount:
      return "umount";
    case Operation::serve:
      return "serve";
    case Operation::configure:
      return "configure";
    case Operation::control:
      return "control";
  }
  return "";
}

std::string Error::message() const {
  std::string text(to_string(operation));
  if (!text.empty()) text += ": ";
  text += code.message();
  if (!detail.empty()) text += ": " + detail;
  return text;
}

std::unexpected<Error> fail_errno(int error_number, Operation op, std::string detail) {
  return std::unexpected(
      Error{std::error_code(error_number, std::generic_category()), op, std::move(detail)});
}

bool is_retriable(const Error& error) noexcept {
  if (error.code.category() == weft_category()) {
    switch (static_cast<Errc>(error.code.value())) {
      case Errc::digest_mismatch:
      case Errc::not_resident:
      case Errc::peer_unreachable:
      case Errc::peer_misbehaved:
      case Errc::no_source:
      case Errc::deadline_passed:
      case Errc::queue_full:
        return true;
      default:
        return false;
    }
  }
  return error.code == std::errc::resource_unavailable_try_again ||
         error.code == std::errc::interrupted;
}

int to_errno(const Error& error) noexcept {
  if (error.code.category() == weft_category()) {
    return errno_of(static_cast<Errc>(error.code.value()));
  }
  const bool from_kernel = error.code.category() == std::generic_category() ||
                           error.code.category() == std::system_category();
  return from_kernel && error.code.value() > 0 ? error.code.value() : EIO;
}

}  // namespace weft
