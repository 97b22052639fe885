#!/usr/bin/env bash
# Runs a command where there is a Docker Engine of its own, installed from Debian's
# packages, with the image built from the Dockerfile. Root only.
#   with_engines.sh COMMAND ...
# QMLE_ENGINES  a folder that keeps images from one time to the next
# CI            if it is set, a machine that cannot run the engines is a failure
#
# Engine and command are isolated (isolated.sh): they leave nothing behind but the folder.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() {
  echo "test-cluster: $1" >&2
  if [ -n "${CI:-}" ]; then exit 1; fi
  echo 'test-cluster: skipped' >&2
  exit 0
}

# Services that are installed are not started.
install_packages() {
  local policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then policy=; else
    printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod +x "$policy"
  fi
  local code=0
  { apt-get update && DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends "$@"; } > /dev/null || code=$?
  if [ -n "$policy" ]; then rm "$policy"; fi
  return "$code"
}

if [ "$(id -u)" != 0 ]; then skip 'needs root'; fi
if ! command -v apt-get > /dev/null; then skip "needs Debian's packages"; fi
packages=(docker.io docker-compose debootstrap iproute2 iptables procps slurm-wlm munge)
if ! dpkg --status "${packages[@]}" > /dev/null 2>&1; then
  install_packages "${packages[@]}" \
    || skip "cannot be installed from Debian's packages: ${packages[*]}"
fi

folder=${QMLE_ENGINES:-$(mktemp -d)}
if [ -z "${QMLE_ENGINES:-}" ]; then trap 'rm -rf "$folder"' EXIT; fi
mkdir -p "$folder"
isolated=tests/cluster/isolated.sh engine=(tests/cluster/engine.sh "$folder")
if ! reason=$("$isolated" --net "${engine[@]}" true 2>&1); then skip "$reason"; fi
echo 'test-cluster: building the image, some minutes'
"$isolated" "${engine[@]}" --iptables=false --ip-forward=false tests/cluster/build_image.sh
"$isolated" --net "${engine[@]}" "$@"
