// SPDX-License-Identifier: Apache-2.0
#include "tools/api/compared_images.h"
#include "tools/api/handler_support.h"
#include "tools/api/handlers.h"
#include "tools/api/similarity_views.h"
#include "tools/daemon/node.h"

#include <functional>
#include <utility>

#include <fmt/format.h>

namespace weft::tools::api {
namespace {

// For eight million blocks of different content: 32 GiB of it, and far more of images that are
// alike. Beyond it results become estimates.
constexpr ByteCount index_memory{std::uint64_t{96} << 20};
// A signature in memory for a moment: 32 MiB. Larger images are compared by a sample.
constexpr std::size_t most_keys = std::size_t{4} << 20;
constexpr std::size_t most_clusters = 10'000;
constexpr std::size_t most_digests = 1000;

struct Request {
  std::vector<ComparedImage> images;
  std::size_t named = 0;  // the first so many were asked for by name
};

Result<std::size_t> number(const Call& call, std::string_view name, std::size_t otherwise,
                           std::size_t most) {
  WEFT_TRY(const auto given, query_number(call, name));
  if (given && *given > most) {
    return fail(Errc::bad_request, Operation::control,
                fmt::format("\"{}\" is a number up to {}, not {}", name, most, *given));
  }
  return given.value_or(otherwise);
}

bool has(const std::vector<ComparedImage>& images, const ImageId& id) {
  return std::ranges::find(images, id, &ComparedImage::id) != images.end();
}

std::vector<PeerImage> listed_by_peers(Node& node) {
  std::vector<PeerImage> images;
  if (node.network() == nullptr) return images;
  for (const auto& peer : node.network()->holdings()) {
    for (const auto& image : peer.images)
      images.push_back({.id = image.info.id, .name = image.name, .node = peer.name});
  }
  return images;
}

// Those that are named; if there are fewer than `enough`, all others after them.
Result<Request> requested(Node& node, const Call& call, std::size_t enough) {
  WEFT_TRY(const auto entries, node.store().list());
  WEFT_TRY(const auto signatures, node.store().signatures_known());
  const KnownImages known(entries, signatures, listed_by_peers(node));
  Request request;
  for (const std::string& name : split_names(query_text(call, "images"))) {
    WEFT_TRY(auto image, known.find(name));
    if (!has(request.images, image.id)) request.images.push_back(std::move(image));
  }
  request.named = request.images.size();
  if (request.named >= enough) return request;
  const bool peers = query_text(call, "peers") == "true";
  for (const ComparedImage& image : known.all()) {
    const bool wanted = image.node.empty() || peers;
    if (wanted && !has(request.images, image.id)) request.images.push_back(image);
  }
  return request;
}

/// Calls `take` with the signature of each image, and leaves those in `request` that it had one of.
Result<std::vector<LeftOut>> for_each_signature(
    Node& node, Request& request, const CallContext& context,
    const std::function<Result<void>(const Signature&)>& take) {
  std::vector<LeftOut> left_out;
  std::vector<ComparedImage> compared;
  for (std::size_t i = 0; i < request.images.size(); ++i) {
    if (context.stop.stop_requested()) return fail(Errc::cancelled, Operation::index);
    ComparedImage& image = request.images[i];
    const auto signature = node.store().signature(image.id, most_keys);
    if (signature) {
      WEFT_CHECK(take(*signature));
      compared.push_back(std::move(image));
    } else if (i < request.named || !signature.error().is(Errc::not_resident)) {
      return std::unexpected(signature.error());
    } else {
      left_out.push_back({std::move(image), "its hash tree is not here yet"});
    }
  }
  request.images = std::move(compared);
  return left_out;
}

}  // namespace

Reply get_similar(Node& node, const Call& call, const CallContext& context) {
  WEFT_TRY(auto request, requested(node, call, 2));
  Comparison comparison(index_memory);
  WEFT_TRY(const auto left_out,
           for_each_signature(node, request, context, [&](const Signature& signature) {
             return comparison.add(signature);
           }));
  const auto focus = request.named == 1 ? std::optional<std::size_t>(0) : std::nullopt;
  return similar_json(request.images, comparison, focus, left_out);
}

Reply get_clusters(Node& node, const Call& call, const CallContext& context) {
  WEFT_TRY(const std::size_t limit, number(call, "limit", 100, most_clusters));
  WEFT_TRY(const std::size_t digests, number(call, "digests", 0, most_digests));
  WEFT_TRY(auto request, requested(node, call, 1));
  ClusterIndex index(index_memory);
  WEFT_TRY(const auto left_out,
           for_each_signature(node, request, context,
                              [&](const Signature& signature) { return index.add(signature); }));
  const auto matrix =
      similarity_matrix(index, {.max_clusters = limit, .keys_per_cluster = digests});
  return clusters_json(request.images, matrix, left_out);
}

}  // namespace weft::tools::api
