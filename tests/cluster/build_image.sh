#!/usr/bin/env bash
# Builds the image from the Dockerfile, on a base image of this machine's Python.
set -euo pipefail
base=local/python:3.10
if [ -z "$(docker images --quiet "$base")" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  tests/cluster/make_base_image.sh "$folder" "$base" > /dev/null
fi
DOCKER_BUILDKIT=0 docker build --quiet --network=host --build-arg BASE_IMAGE="$base" \
  --tag qmle-acme . > /dev/null
