"""A script for sbatch that runs a grid as an array: an element for each run."""

import pathlib
import re
import shlex
import sys
from collections.abc import Sequence

from qmle_acme.benchmark.grid import BenchmarkConfig, GridRun
from qmle_acme.cluster import deployment

FILE = 'array.sbatch'

_SCRIPT = """#!/usr/bin/env bash
{written_by}#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --chdir={folder}
#SBATCH --output={out}/slurm-%A_%a.out
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:TERM@{warning}

runs=(
{runs}
)
eval "${{runs[SLURM_ARRAY_TASK_ID]}} &"
run=$!
# A warning before the time limit reaches this script alone.
warned=
trap 'warned=1; kill -TERM "$run" 2> /dev/null' TERM
wait "$run"
code=$?
# A signal ends the wait, not the run.
while kill -0 "$run" 2> /dev/null; do wait "$run"; code=$?; done
# One that is not being cancelled goes on from what it has saved.
element=${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID
state=$(squeue --noheader --job "$element" --format %T)
if [ -n "$warned" ] && [ "$state" = RUNNING ]; then scontrol requeue "$element"; fi
exit "$code"
"""


def render(
  config: BenchmarkConfig, grid: Sequence[GridRun], command: Sequence[str]
) -> dict[str, str]:
  """Returns the script by its name in the folder of the runs.

  Args:
    config: settings of the benchmark.
    grid: its runs.
    command: that was typed.
  """
  qmle = str(pathlib.Path(sys.executable).with_name('qmle'))
  commands = [shlex.join([qmle, *run.arguments]) for run in grid]
  script = _SCRIPT.format(
    written_by=deployment.written_by(command),
    name=re.sub(r'\W+', '-', config.out.resolve().name),
    last=len(grid) - 1,
    folder=shlex.quote(str(pathlib.Path.cwd())),
    out=shlex.quote(str(config.out.resolve())),
    warning=deployment.GRACE_SECONDS,
    runs='\n'.join(f'  {shlex.quote(command)}' for command in commands),
  )
  return {FILE: script}
