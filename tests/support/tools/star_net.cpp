// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tools/star_net.h"

#include "tests/support/fs/subprocess.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

/// Runs shell commands, up to the first that fails.
std::string sh(const std::string& script) {
  const Finished finished = run({"sh", "-ec", script}, 60s);
  if (!finished.status.ok()) throw std::runtime_error(script + "\n" + finished.err);
  return finished.out;
}

std::string next_prefix() {
  static std::atomic<unsigned> stars = 0;
  return "weft-" + std::to_string(::getpid()) + "-" + std::to_string(stars++) + "-";
}

// 198.18.0.0/15 is set aside for measurements of networks (RFC 2544): a /24 for each cable, and
// for each uplink.
std::string cable_net(std::size_t spoke) {
  return "198.18." + std::to_string(spoke) + ".";
}
std::string uplink_net(std::size_t site) {
  return "198.19." + std::to_string(site) + ".";
}
constexpr const char* hub_host = "198.19.255.1";
constexpr std::size_t most_nets = 250;

void enter(const std::string& space) {
  const UniqueFd fd(::open(("/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::setns(fd.get(), CLONE_NEWNET) != 0)
    throw std::system_error(errno, std::generic_category(), "entering " + space);
}

}  // namespace

bool StarNet::possible() {
  return ::geteuid() == 0 &&
         run({"sh", "-c", "command -v ip && command -v tc && command -v nsenter"}).status.ok();
}

StarNet::StarNet(StarShape shape) : shape_(std::move(shape)), prefix_(next_prefix()) {
  if (shape_.spokes.size() > most_nets || shape_.uplinks.size() > most_nets)
    throw std::runtime_error("a star has at most 250 spokes");
  watch();
  make_spaces();
  for (const auto& [site, rate] : shape_.uplinks) {
    add_site(site);
    set_uplink(site, rate);
  }
  for (std::size_t spoke = 0; spoke < spokes(); ++spoke) {
    add_spoke(spoke);
    set_rate(spoke, shape_.spokes[spoke].rate);
  }
}

StarNet::~StarNet() {
  static_cast<void>(run({"sh", "-c", removal()}, 60s));
}

std::string StarNet::removal() const {
  std::string script = "for name in";
  for (const std::string& space : spaces())
    script += " " + space;
  return script +
         "; do ip netns pids $name 2>/dev/null | xargs -r kill -KILL; "
         "ip netns del $name 2>/dev/null; done";
}

/// Starts the helper. It has a session of its own, so that what kills a terminal's processes or a
/// process tree misses it, and waits for the end of a pipe that only this process holds.
void StarNet::watch() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe2");
  const UniqueFd theirs(ends[0]);
  alive_.reset(ends[1]);
  const std::string script =
      "exec <&" + std::to_string(theirs.get()) + " >/dev/null 2>&1; cd /; read -r _; " + removal();
  SubprocessOptions options;
  options.inherit = {theirs.get()};
  const Finished started = run({"setsid", "--fork", "sh", "-c", script}, 30s, options);
  if (!started.status.ok()) throw std::runtime_error("setsid: " + started.err);
}

std::string StarNet::hub_address() const {
  return hub_host;
}
std::string StarNet::address(std::size_t spoke) const {
  return cable_net(spoke) + "2";
}
std::string StarNet::spoke_space(std::size_t spoke) const {
  return prefix_ + "s" + std::to_string(spoke);
}
std::string StarNet::router(const std::string& site) const {
  const auto at = shape_.uplinks.find(site);
  if (at == shape_.uplinks.end()) throw std::runtime_error("no uplink is known of site " + site);
  return prefix_ + "r" + std::to_string(std::distance(shape_.uplinks.begin(), at));
}

std::vector<std::string> StarNet::spaces() const {
  std::vector<std::string> all{hub()};
  for (const auto& [site, rate] : shape_.uplinks)
    all.push_back(router(site));
  for (std::size_t spoke = 0; spoke < spokes(); ++spoke)
    all.push_back(spoke_space(spoke));
  return all;
}

StarNet::End StarNet::near_end(std::size_t spoke) const {
  const std::string& site = shape_.spokes.at(spoke).site;
  return {site.empty() ? hub() : router(site), "s" + std::to_string(spoke)};
}

std::vector<std::string> StarNet::in_hub() const {
  return {"nsenter", "--net=/run/netns/" + hub(), "--"};
}
std::vector<std::string> StarNet::in_spoke(std::size_t spoke) const {
  return {"nsenter", "--net=/run/netns/" + spoke_space(spoke), "--"};
}
void StarNet::enter_hub() const {
  enter(hub());
}
void StarNet::enter_spoke(std::size_t spoke) const {
  enter(spoke_space(spoke));
}

void StarNet::make_spaces() const {
  std::ostringstream script;
  for (const std::string& space : spaces()) {
    // Without IPv6 nothing but what a test sends passes a cable.
    script << "ip netns add " << space << "\nip -n " << space << " link set lo up\n"
           << "nsenter --net=/run/netns/" << space << " sh -c '"
           << "echo 1 >/proc/sys/net/ipv4/ip_forward; "
           << "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 || true' 2>/dev/null\n";
  }
  script << "ip -n " << hub() << " address add " << hub_host << "/32 dev lo\n";
  sh(script.str());
}

void StarNet::add_site(const std::string& site) const {
  const std::string space = router(site);
  const auto number =
      static_cast<std::size_t>(std::distance(shape_.uplinks.begin(), shape_.uplinks.find(site)));
  const std::string device = "u" + std::to_string(number);
  const std::string net = uplink_net(number);
  std::ostringstream script;
  script << "ip -n " << hub() << " link add " << device << " type veth peer name uplink netns "
         << space << "\n"
         << "ip -n " << hub() << " address add " << net << "1/24 dev " << device << "\n"
         << "ip -n " << space << " address add " << net << "2/24 dev uplink\n"
         << "ip -n " << hub() << " link set " << device << " gso_max_segs 1 up\n"
         << "ip -n " << space << " link set uplink gso_max_segs 1 up\n"
         << "ip -n " << space << " route add default via " << net << "1\n";
  sh(script.str());
}

void StarNet::add_spoke(std::size_t spoke) const {
  const End end = near_end(spoke);
  const std::string space = spoke_space(spoke);
  const std::string net = cable_net(spoke);
  std::ostringstream script;
  // One frame, one packet (gso_max_segs): else the counters see one header for many frames.
  script << "ip -n " << end.space << " link add " << end.device
         << " type veth peer name cable netns " << space << "\n"
         << "ip -n " << end.space << " address add " << net << "1/24 dev " << end.device << "\n"
         << "ip -n " << space << " address add " << net << "2/24 dev cable\n"
         << "ip -n " << end.space << " link set " << end.device << " gso_max_segs 1 up\n"
         << "ip -n " << space << " link set cable gso_max_segs 1 up\n"
         << "ip -n " << space << " route add default via " << net << "1\n";
  if (end.space != hub()) {
    const auto site =
        std::distance(shape_.uplinks.begin(), shape_.uplinks.find(shape_.spokes[spoke].site));
    script << "ip -n " << hub() << " route add " << net << "0/24 via "
           << uplink_net(static_cast<std::size_t>(site)) << "2\n";
  }
  sh(script.str());
}

void StarNet::shape(const End& end, std::uint64_t rate) {
  // A burst of 4 ms at the rate, and at least what one read of a relay can hand over.
  constexpr std::uint64_t least_burst = 16'384;
  const std::string device = "tc -n " + end.space + " qdisc ";
  if (rate == 0) {
    sh(device + "del dev " + end.device + " root 2>/dev/null || true");
    return;
  }
  const std::uint64_t burst = std::max(least_burst, rate / 8 / 250);
  sh(device + "replace dev " + end.device + " root tbf rate " + std::to_string(rate) +
     "bit burst " + std::to_string(burst) + " latency 50ms");
}

void StarNet::set_rate(std::size_t spoke, std::uint64_t rate) {
  shape(near_end(spoke), rate);
  shape({spoke_space(spoke), "cable"}, rate);
  shape_.spokes[spoke].rate = rate;
}

void StarNet::set_uplink(const std::string& site, std::uint64_t rate) {
  const auto at = shape_.uplinks.find(site);
  const std::string space = router(site);
  shape({hub(), "u" + std::to_string(std::distance(shape_.uplinks.begin(), at))}, rate);
  shape({space, "uplink"}, rate);
  at->second = rate;
}

// The far end goes down: at the hub nothing changes but that nothing comes.
void StarNet::cut(std::size_t spoke) {
  sh("ip -n " + spoke_space(spoke) + " link set cable down");
}

void StarNet::mend(std::size_t spoke) {
  const std::string command = "ip -n " + spoke_space(spoke) + " ";
  sh(command + "link set cable up\n" + command + "route add default via " + cable_net(spoke) + "1");
}

StarNet::Traffic StarNet::traffic(std::size_t spoke) const {
  const End end = near_end(spoke);
  std::istringstream lines(sh("nsenter --net=/run/netns/" + end.space + " cat /proc/self/net/dev"));
  for (std::string line; std::getline(lines, line);) {
    std::ranges::replace(line, ':', ' ');
    std::istringstream fields(line);
    std::string device;
    Traffic found;
    std::string skipped;
    fields >> device >> found.to_hub;
    for (int i = 0; i < 7; ++i)
      fields >> skipped;
    if (device == end.device && fields >> found.from_hub) return found;
  }
  throw std::runtime_error("no counters of " + end.device);
}

}  // namespace weft::testing
