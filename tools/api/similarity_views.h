// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/similarity/comparison.h"
#include "indexer/similarity/similarity_matrix.h"
#include "tools/api/compared_images.h"

#include <boost/json/object.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

/// What images share, as JSON (API.md, "similar" and "clusters"). Pure.
namespace weft::tools {

/// An image that nothing can be said of, and why.
struct LeftOut {
  ComparedImage image;
  std::string reason;
};

/// `images` are those of `comparison`, in its order. With `focus`, only pairs with that image.
[[nodiscard]] boost::json::object similar_json(const std::vector<ComparedImage>& images,
                                               const Comparison& comparison,
                                               std::optional<std::size_t> focus,
                                               const std::vector<LeftOut>& left_out);

/// `images` are those of `matrix`, in its order.
[[nodiscard]] boost::json::object clusters_json(const std::vector<ComparedImage>& images,
                                                const SimilarityMatrix& matrix,
                                                const std::vector<LeftOut>& left_out);

}  // namespace weft::tools
