#!/usr/bin/env bash
# Runs a program, the first of a node, in the node's mount namespace, which dies
# with the last process in it: nothing that the node writes to /run, /var/lib and
# /var/log, mounts or pins reaches the machine.
# Usage, in new mount, network and host name namespaces:
#   node.sh DATA PROGRAM ARGUMENT...   the node is called as the folder DATA is
set -euo pipefail
data=$1
shift

basename "$data" >/proc/sys/kernel/hostname

# Mounts of volumes have to propagate to pods, but never to the machine.
mount --make-rprivate /
mount --make-rshared /

# The kubelet wants these for the whole machine. It reads what it wants and leaves
# the machine alone.
for file in "$data"/sysctl/*; do
  mount --bind "$file" "/proc/sys/$(basename "$file" | tr . /)"
done

for dir in run var/lib var/log; do
  mount --bind "$data/$dir" "/$dir"
done
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing

# Pods are behind the node; the node sends on what goes to them and to services.
echo 1 >/proc/sys/net/ipv4/ip_forward
[ ! -e /proc/sys/net/ipv6 ] || echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
nft -f "$data/rules.nft"

exec "$@"
