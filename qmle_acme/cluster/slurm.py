"""A script for sbatch: one allocation, a step for each role."""

import dataclasses
import pathlib
import shlex
import sys
from collections.abc import Sequence

from qmle_acme.cluster import deployment
from qmle_acme.cluster.deployment import ClusterConfig
from qmle_acme.cluster.places import ACTOR, ARGMAX, called, make_places
from qmle_acme.settings import Count

# Runs one task of a step: its node, again and again while the run goes on.
_TASK = """#!/usr/bin/env bash
{written_by}# Runs a node, again whenever it has died.
# {folder}/task.sh ROLE INDEX SERVICE=HOST ...; INDEX is empty where SLURM counts.
role=$1 index=${{2:-$SLURM_PROCID}} stopping=
shift 2
trap 'stopping=1; kill -TERM "$node" 2> /dev/null' TERM INT
while [ -z "$stopping" ]; do
  {command} --role "$role" --index "$index" --hosts "$@" &
  node=$!
  wait "$node"
  code=$?
  # A signal ends the wait, not the node.
  while kill -0 "$node" 2> /dev/null; do wait "$node"; code=$?; done
  # It has finished, failed for good, was refused or was stopped.
  case $code in 0 | 1 | 2 | 130 | 143) break ;; esac
  [ -n "$stopping" ] || sleep 2
done
exit "$code"
"""

_SCRIPT = """#!/usr/bin/env bash
{written_by}#SBATCH --job-name={name}
#SBATCH --nodes={nodes}
#SBATCH --ntasks={tasks}
#SBATCH --output={folder}/slurm-%j.out
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:TERM@{warning}

# $1: a host of the allocation.
address() {{
  local name
  name=$(scontrol --oneliner show node "$1" | grep -o 'NodeAddr=[^ ]*' | cut -d= -f2)
  getent ahostsv4 "$name" | awk 'NR == 1 {{ print $1 }}'
}}

# $1: a role; $2: a number in it, or nothing where SLURM counts; the rest: options of
# its step, which is started again if it is killed.
step() {{
  local role=$1 index=$2 code stopping= srun
  shift 2
  trap stopping=1 TERM
  while [ -z "$stopping" ]; do
    srun --overlap --mem=0 --quiet --kill-on-bad-exit=0 "$@" \\
      bash {folder}/task.sh "$role" "$index" "${{hosts[@]}}" &
    srun=$!
    wait "$srun"
    code=$?
    while kill -0 "$srun" 2> /dev/null; do wait "$srun"; code=$?; done
    case $code in 0 | 1 | 2) break ;; esac
    [ -n "$stopping" ] || sleep 3
    # A job that is being cancelled gets no new step.
    [ "$(squeue --noheader --job "$SLURM_JOB_ID" --format %T)" = RUNNING ] || break
  done
  return "$code"
}}

# The first host has all nodes but actors and arg max nodes; these go in turn to the
# others, and to the first where it is alone.
mapfile -t machines < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
first=$(address "${{machines[0]}}")
hosts=({services})
machine() {{ echo "${{machines[($1 + 1) % ${{#machines[@]}}]}}"; }}
for ((i = 0; i < {argmax}; i++)); do
  hosts+=("argmax-$i=$(address "$(machine "$i")")")
done

steps=()
for role in {roles}; do
  step "$role" '' --nodes=1 --ntasks=1 --nodelist="${{machines[0]}}" &
  steps+=($!)
done
for ((i = 0; i < {argmax}; i++)); do
  step argmax "$i" --nodes=1 --ntasks=1 --nodelist="$(machine "$i")" &
  steps+=($!)
done
step actor '' --ntasks={actors} --distribution=cyclic &
steps+=($!)
# A warning before the time limit, which reaches this script alone. Nodes get it from
# here; `srun` would kill them. A job that is cancelled has told them itself, and takes
# no signal any more.
warned=
warn() {{
  kill -TERM "${{steps[@]}}" 2> /dev/null
  scancel --signal=TERM "$SLURM_JOB_ID" 2> /dev/null && warned=1
}}
trap warn TERM

code=0
for pid in "${{steps[@]}}"; do
  wait "$pid" || code=$?
  while kill -0 "$pid" 2> /dev/null; do wait "$pid" || code=$?; done
done
# It goes on from what it has saved, in a new allocation.
if [ -n "$warned" ]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit "$code"
"""


@dataclasses.dataclass(frozen=True)
class SlurmConfig(ClusterConfig):
  """Settings of a run in one allocation of SLURM.

  Its run folder is `--run`, on a file system that all hosts share, as are `--out` and
  this installation.
  """

  nodes: Count = 1
  """Hosts of the allocation; the first has all nodes of the run but actors and arg max
  nodes."""


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
  )
  script = _SCRIPT.format(
    written_by=written_by,
    name=config.name,
    nodes=config.nodes,
    tasks=1 + config.argmax_nodes + config.actors,
    folder=shlex.quote(str(folder)),
    # Before the time limit: enough to save.
    warning=deployment.GRACE_SECONDS,
    services=' '.join(
      f'{place.service}="$first"' for place in called(config) if place.role != ARGMAX
    ),
    roles=' '.join(
      place.role for place in make_places(config) if place.role not in (ACTOR, ARGMAX)
    ),
    argmax=config.argmax_nodes,
    actors=config.actors,
  )
  return {
    'run.sbatch': script,
    'task.sh': task,
    deployment.SETTINGS_FILE: deployment.settings_text(config.run_config, command),
  }
