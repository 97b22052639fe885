#!/usr/bin/env bash
# Runs a command in namespaces of its own: with it the kernel ends all that it has
# started, mounted or set up, however it ends.
#   isolated.sh [--net] COMMAND ...
# --net  in a network of its own too, from which nothing outside is reached
set -euo pipefail
isolate=(unshare --mount --pid --fork --kill-child --mount-proc)
if [ "$1" = --net ]; then
  shift
  # With an address, without which SLURM finds none for its servers.
  isolate+=(--net bash -c 'ip link set lo up && ip link add name own type bridge &&
    ip address add 192.0.2.1/24 dev own && ip link set own up && exec "$@"' --)
fi
exec "${isolate[@]}" "$@"
