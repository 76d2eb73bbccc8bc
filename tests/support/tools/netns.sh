# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# To be sourced. Two network namespaces joined by a cable of a given rate:
#
#   netns_up 100        # Mbit/s each way; sets $netns_a and $netns_b, their names
#   in_netns "$netns_a" COMMAND…
#   netns_bytes         # bytes over the cable so far, both ways, frame headers included
#   netns_down          # put it into the trap that runs on exit; safe to call twice
#
# Names carry the process id and the cable's ends exist only inside the namespaces, so any number of
# these may be up at once. The kernel's netem may be missing: delay comes from weft-relay, started
# inside one of the namespaces.
netns_a='' netns_b=''
netns_address_a=192.0.2.1 netns_address_b=192.0.2.2  # TEST-NET-1: routed nowhere

netns_up() {  # MBIT
  local rate=$1 name burst
  netns_a=weft-$$-a netns_b=weft-$$-b
  for name in "$netns_a" "$netns_b"; do
    ip netns add "$name" || return 1
    ip -n "$name" link set lo up || return 1
  done
  ip -n "$netns_a" link add cable type veth peer name cable netns "$netns_b" || return 1
  ip -n "$netns_a" address add "$netns_address_a/24" dev cable || return 1
  ip -n "$netns_b" address add "$netns_address_b/24" dev cable || return 1
  # A burst of 4 ms at the rate, and at least what one segment offload can hand over.
  burst=$((rate * 1000000 / 8 / 250))
  [ "$burst" -ge 65536 ] || burst=65536
  for name in "$netns_a" "$netns_b"; do
    # One frame, one packet: else the counters see one header for many frames.
    ip -n "$name" link set cable gso_max_segs 1 || return 1
    ip -n "$name" link set cable up || return 1
    tc -n "$name" qdisc add dev cable root tbf rate "${rate}mbit" burst "$burst" latency 50ms || return 1
  done
}

# The mounts of the caller stay visible, as they would not with `ip netns exec`.
in_netns() { nsenter "--net=/run/netns/$1" -- "${@:2}"; }

netns_bytes() {
  ip -n "$netns_b" -s -j link show cable 2>/dev/null |
    jq '.[0].stats64 | .rx.bytes + .tx.bytes' 2>/dev/null || echo 0
}

netns_down() {
  local name
  for name in "$netns_a" "$netns_b"; do
    [ -z "$name" ] || ip netns del "$name" 2>/dev/null || true
  done
  netns_a='' netns_b=''
}
