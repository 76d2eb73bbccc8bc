// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fetcher/exchange/exchange.h"
#include "fetcher/service/statistics.h"
#include "fs/mount/mount_manager.h"
#include "indexer/import/importer.h"
#include "indexer/import/progress.h"
#include "indexer/import/updater.h"
#include "indexer/store/store.h"
#include "tools/daemon/job_book.h"
#include "tools/daemon/peer_book.h"

#include <boost/json/object.hpp>

#include <map>
#include <optional>
#include <string>

/// What the control API shows, as JSON. Pure functions of snapshots; the member names are stable
/// and described in API.md. Sizes are bytes, times seconds, rates bytes per second.
namespace weft::tools {

[[nodiscard]] boost::json::object to_json(const ImageEntry& image);
[[nodiscard]] boost::json::object to_json(const RemovalReport& report);
[[nodiscard]] boost::json::object to_json(const ImportUpdate& update);
[[nodiscard]] boost::json::object to_json(const JobView& job);
[[nodiscard]] boost::json::object progress_json(const Progress& progress);
/// Null if the rate is not known.
[[nodiscard]] boost::json::value to_json(const fetcher::Estimate& rate);
[[nodiscard]] boost::json::object to_json(const fetcher::LinkView& link);
/// `status` is absent in a node without a network.
[[nodiscard]] boost::json::object to_json(const KnownPeer& peer, const fetcher::PeerStatus* status);
/// Bytes spent on learning what a peer has, of so many images.
[[nodiscard]] boost::json::object to_json(const fetcher::ExchangeStatistics& spent,
                                          std::size_t images);
/// `fetch`: what the fetcher knows of the mount's image; may be null.
[[nodiscard]] boost::json::object to_json(const fs::MountStatus& mount,
                                          const fetcher::ImageFetchStatus* fetch);
/// Null while nothing is recorded.
[[nodiscard]] boost::json::value to_json(const fs::RecordingStatus& recording);
[[nodiscard]] boost::json::object to_json(const fetcher::FetchStatistics& fetch);
[[nodiscard]] boost::json::object to_json(const fetcher::FetchSources& sources);

/// Percent of the image's blocks that can be read without the network, rounded down: 100 means
/// complete.
[[nodiscard]] double resident_percent(const ImageUsage& usage);

}  // namespace weft::tools
