#!/usr/bin/env bash
# Runs a command beside a Docker Engine, which is stopped when the command has ended.
#   engine.sh FOLDER [OPTION OF DOCKERD ...] COMMAND ...
set -euo pipefail
folder=$1
shift
options=()
while [[ $1 == --* ]]; do options+=("$1"); shift; done

exec {lock}> "$folder/lock"
flock --nonblock "$lock" || { echo "$folder is in use" >&2; exit 1; }
# Of an engine that was killed: its processes had other numbers.
rm -rf "$folder/exec" "$folder/pid"
export DOCKER_HOST=unix://$folder/sock
# Out of reach of Ctrl-C: tests still clean up by it.
setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" -p "$folder/pid" \
  --bridge=none -H "$DOCKER_HOST" "${options[@]}" > "$folder/log" 2>&1 &
engine=$!
trap 'kill "$engine" && wait "$engine" || true' EXIT
until docker version > /dev/null 2>&1; do
  if ! kill -0 "$engine" 2> /dev/null; then
    echo "dockerd does not run here: $(tail -n 1 "$folder/log")" >&2
    exit 1
  fi
  sleep 1
done
# It copies a whole image for each layer: 50 GB.
if [ "$(docker info --format '{{.Driver}}')" = vfs ]; then
  echo 'dockerd finds no overlay file system here' >&2
  exit 1
fi
"$@"
