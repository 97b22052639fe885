"""A script for sbatch: one allocation, a step for each role."""

import dataclasses
import pathlib
import shlex
import sys
from collections.abc import Sequence

from qmle_acme.cluster import deployment
from qmle_acme.cluster.deployment import ClusterConfig
from qmle_acme.cluster.places import called, singles

# Runs one task of a step: its node, again and again while the run goes on.
_TASK = """#!/usr/bin/env bash
{written_by}# {folder}/task.sh ROLE ADDRESS: the node, and again whenever it has died.
role=$1 address=$2 stopping=
trap 'stopping=1; kill -TERM "$node" 2> /dev/null' TERM INT
while :; do
  {command} --role "$role" --index "$SLURM_PROCID" --hosts {hosts} &
  node=$!
  wait "$node"
  code=$?
  # A signal ends the wait, not the node.
  while kill -0 "$node" 2> /dev/null; do wait "$node"; code=$?; done
  if [ -n "$stopping" ]; then exit "$code"; fi
  # It has finished, failed for good, was refused or was stopped.
  case $code in 0 | 1 | 2 | 130 | 143) exit "$code" ;; esac
  sleep 2
done
"""

_SCRIPT = """#!/usr/bin/env bash
{written_by}#SBATCH --job-name={name}
#SBATCH --nodes={nodes}
#SBATCH --ntasks={tasks}
#SBATCH --output={folder}/slurm-%j.out
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:TERM@{warning}

# The first host has all nodes but the actors; the others find it by this address.
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
name=$(scontrol --oneliner show node "$first" | grep -o 'NodeAddr=[^ ]*' | cut -d= -f2)
address=$(getent ahostsv4 "$name" | awk 'NR == 1 {{ print $1 }}')

# $1: a role; the rest: options of its step, which is started again if it is killed.
step() {{
  local role=$1 code stopping= srun
  shift
  trap 'stopping=1; kill -TERM "$srun" 2> /dev/null' TERM
  while :; do
    srun --overlap --mem=0 --quiet --kill-on-bad-exit=0 "$@" \\
      bash {folder}/task.sh "$role" "$address" &
    srun=$!
    wait "$srun"
    code=$?
    while kill -0 "$srun" 2> /dev/null; do wait "$srun"; code=$?; done
    case $code in 0 | 1 | 2) return "$code" ;; esac
    # A job that is being cancelled gets no new step.
    if [ -n "$stopping" ]; then return "$code"; fi
    sleep 3
    if [ "$(squeue --noheader --job "$SLURM_JOB_ID" --format %T)" != RUNNING ]; then
      return "$code"
    fi
  done
}}

steps=()
for role in {roles}; do
  step "$role" --nodes=1 --ntasks=1 --nodelist="$first" &
  steps+=($!)
done
step actor --ntasks={actors} --distribution=cyclic &
steps+=($!)
trap 'kill -TERM "${{steps[@]}}" 2> /dev/null' TERM

code=0
for pid in "${{steps[@]}}"; do
  wait "$pid" || code=$?
  while kill -0 "$pid" 2> /dev/null; do wait "$pid" || code=$?; done
done
exit "$code"
"""


@dataclasses.dataclass(frozen=True)
class SlurmConfig(ClusterConfig):
  """Settings of a run in one allocation of SLURM.

  Its run folder is `--run`, on a file system that all hosts share, as are `--out` and
  this installation.
  """

  nodes: int = 1
  """Hosts of the allocation; the first has all nodes of the run but the actors."""


def render(config: SlurmConfig, command: Sequence[str]) -> dict[str, str]:
  """Returns the files by name.

  Args:
    config: settings.
    command: that was typed.
  """
  folder = config.out.resolve()
  qmle = pathlib.Path(sys.executable).with_name('qmle')
  words = [str(qmle), 'node', '--settings', str(folder / deployment.SETTINGS_FILE)]
  written_by = deployment.written_by(command)
  task = _TASK.format(
    written_by=written_by,
    folder=shlex.quote(str(folder)),
    command=shlex.join([*words, '--run', str(config.run.resolve())]),
    hosts=' '.join(f'{role}="$address"' for role in called(config)),
  )
  script = _SCRIPT.format(
    written_by=written_by,
    name=config.name,
    nodes=config.nodes,
    tasks=config.actors + 1,
    folder=shlex.quote(str(folder)),
    # Before the time limit: enough to save, and the requeued job goes on.
    warning=deployment.GRACE_SECONDS,
    roles=' '.join(singles(config)),
    actors=config.actors,
  )
  return {
    'run.sbatch': script,
    'task.sh': task,
    deployment.SETTINGS_FILE: deployment.settings_text(config.run_config, command),
  }
