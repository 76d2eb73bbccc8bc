// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "indexer/core/unique_fd.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace weft::testing {

/// What a StarNet is made of. Rates are bits a second, each way, Ethernet frames included: TCP gets
/// `StarNet::payload_share` of them. 0: as fast as the machine is.
struct StarShape {
  struct Spoke {
    std::uint64_t rate = 0;
    std::string site{};  ///< whose uplink it shares; empty: it has its own way to the hub
  };
  std::vector<Spoke> spokes;
  std::map<std::string, std::uint64_t> uplinks{};  ///< rate of each site that spokes name
};

/// A star of network namespaces: a hub, and spokes joined to it by cables with a rate.
///
///     hub ──cable── spoke 0            each cable and uplink is shaped both ways, at its two ends
///      │ ───cable── spoke 1
///      └──uplink── router of a site ──cable── spoke 2, ──cable── spoke 3
///
/// Spokes reach each other through the hub. Several stars may be up at once: names carry the
/// process's id, devices exist only inside. The kernel's netem is not needed: delay comes from a
/// weft-relay that runs in a spoke.
///
/// The destructor ends what still runs inside and deletes everything; if this process dies without
/// it, by whatever signal, a helper process does. Errors are std::runtime_error with what the tool
/// said. One thread.
class StarNet {
 public:
  /// Root, with `ip`, `tc` and `nsenter`.
  [[nodiscard]] static bool possible();

  explicit StarNet(StarShape shape);
  ~StarNet();
  StarNet(const StarNet&) = delete;
  StarNet& operator=(const StarNet&) = delete;

  [[nodiscard]] std::size_t spokes() const { return shape_.spokes.size(); }
  [[nodiscard]] std::string hub_address() const;
  [[nodiscard]] std::string address(std::size_t spoke) const;
  /// To be put before a command: runs it there, with the mounts of this process.
  [[nodiscard]] std::vector<std::string> in_hub() const;
  [[nodiscard]] std::vector<std::string> in_spoke(std::size_t spoke) const;
  /// Sockets that the calling thread, and threads it starts, make from now on are there.
  void enter_hub() const;
  void enter_spoke(std::size_t spoke) const;

  // Changes take effect at once; what waits in the queue of a shaped device stays.
  void set_rate(std::size_t spoke, std::uint64_t rate);
  void set_uplink(const std::string& site, std::uint64_t rate);
  /// The cable carries nothing any more, and nobody is told: connections are half-open.
  void cut(std::size_t spoke);
  void mend(std::size_t spoke);

  struct Traffic {
    std::uint64_t to_hub = 0;  ///< bytes, frame headers included
    std::uint64_t from_hub = 0;
  };
  [[nodiscard]] Traffic traffic(std::size_t spoke) const;

  /// Of what a device counts, that is TCP's payload in full segments: Ethernet 14, IP 20 and TCP
  /// with timestamps 32 bytes of headers for each 1448.
  static constexpr double payload_share = 1448.0 / 1514.0;

 private:
  struct End {  ///< of a cable
    std::string space;
    std::string device;
  };
  [[nodiscard]] std::string hub() const { return prefix_ + "hub"; }
  [[nodiscard]] std::string spoke_space(std::size_t spoke) const;
  [[nodiscard]] std::string router(const std::string& site) const;
  [[nodiscard]] std::vector<std::string> spaces() const;
  [[nodiscard]] End near_end(std::size_t spoke) const;
  [[nodiscard]] std::string removal() const;
  void watch();
  void make_spaces() const;
  void add_site(const std::string& site) const;
  void add_spoke(std::size_t spoke) const;
  static void shape(const End& end, std::uint64_t rate);

  StarShape shape_;
  std::string prefix_;
  UniqueFd alive_;  ///< closes with this process: then the helper removes what is left
};

}  // namespace weft::testing
