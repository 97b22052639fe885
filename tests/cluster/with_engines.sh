#!/usr/bin/env bash
# Runs a command with a Docker Engine of its own: installed from Debian's packages, on a
# private socket, with the image built from the Dockerfile. Root only.
#   with_engines.sh COMMAND ...
# QMLE_ENGINES  a folder that keeps images from one time to the next
# CI            if it is set, a machine that cannot run the engines is a failure
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() {
  echo "test-cluster: $1" >&2
  if [ -n "${CI:-}" ]; then exit 1; fi
  echo 'test-cluster: skipped' >&2
  exit 0
}

if [ "$(id -u)" != 0 ]; then skip 'needs root'; fi
if ! command -v apt-get > /dev/null; then skip "needs Debian's packages"; fi
packages=(docker.io docker-compose debootstrap iproute2 iptables slurm-wlm munge)
if ! command -v kubectl > /dev/null; then packages+=(kubernetes-client); fi
if ! dpkg --status "${packages[@]}" > /dev/null 2>&1; then
  { apt-get update && DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends "${packages[@]}"; } > /dev/null \
    || skip "cannot be installed from Debian's packages: ${packages[*]}"
fi

folder=${QMLE_ENGINES:-$(mktemp -d)}
mkdir -p "$folder"
export DOCKER_HOST=unix://$folder/sock DOCKER_BUILDKIT=0
# Tests make the networks that they need.
dockerd --data-root "$folder/data" --exec-root "$folder/exec" -p "$folder/pid" \
  --bridge=none -H "$DOCKER_HOST" > "$folder/log" 2>&1 &
engine=$!
stop() {
  kill "$engine" && wait "$engine" || true
  umount "$folder"/exec/netns/* 2> /dev/null || true  # Which it leaves behind.
  if [ -z "${QMLE_ENGINES:-}" ]; then rm -rf "$folder"; fi
}
trap stop EXIT
for _ in $(seq 60); do
  docker version > /dev/null 2>&1 && break
  kill -0 "$engine" 2> /dev/null || skip "dockerd does not run here: $(tail -n 1 "$folder/log")"
  sleep 1
done
driver=$(docker info --format '{{.Driver}}')
# It copies a whole image for each layer: 50 GB.
if [ "$driver" = vfs ]; then skip 'dockerd finds no overlay file system here'; fi

base=local/python:3.10
if [ -z "$(docker images --quiet "$base")" ]; then
  tests/cluster/make_base_image.sh "$folder/base" "$base" > /dev/null
  rm -rf "$folder/base"
fi
echo 'test-cluster: building the image, some minutes'
docker build --quiet --network=host --build-arg BASE_IMAGE="$base" --tag qmle-acme . > /dev/null
"$@"
