"""`qmle benchmark`: a grid of runs, tasks x agents x seeds, that can be compared."""

import rich.console

from qmle_acme import locks
from qmle_acme.benchmark import grid, slurm_array
from qmle_acme.cluster.deployment import write_files
from qmle_acme.files import make_folder
from qmle_acme.runs import screen

from . import arguments


def main(argv: list[str]) -> int:
  """Runs what is left of the grid; returns the exit code."""
  config = arguments.parse(grid.BenchmarkConfig, argv, 'qmle benchmark')
  runs = grid.make_grid(config)
  config.check_fit()
  if config.print_commands:
    print('\n'.join(run.command for run in runs))
    return 0
  if config.slurm:
    command = ['qmle', 'benchmark', *argv]
    (script,) = write_files(config.out, slurm_array.render(config, runs, command))
    print(f'wrote {script}\nstart: sbatch {script}')
    return 0
  make_folder(config.out)
  # Or 'control:dog:walk' would get the picture of a dog.
  console = rich.console.Console(emoji=False)
  with locks.lock(config.out, 'qmle benchmark'):
    with screen.loading_tensorflow():  # For nobody who has made a typo.
      from qmle_acme.benchmark import execution

    outcome = execution.execute(runs, config.jobs, console)
  for name, reason in outcome.failures.items():
    screen.say(console, f'failed: {name}: {reason}')
  if outcome.exit_code in (0, 1):
    finished = sum(run.is_finished() for run in runs)
    print(f'{finished} of {len(runs)} runs are finished in {config.out}')
  else:
    print('stopped: the same command goes on')
  return outcome.exit_code
