"""`qmle tune`: searches for settings, by trials that are runs of `qmle train`.

`--run` is the folder of the study; the same command goes on with it. `--space` says
what is searched, every other option is the same in all trials. Trials that are worse
than the median of the others at the same evaluation are stopped early.
"""

import dataclasses
import pathlib

from qmle_acme import environments
from qmle_acme.errors import UserError, check_installed, check_range
from qmle_acme.runs import screen
from qmle_acme.runs.config import AGENTS, RunConfig

from . import train

# What each trial has of its own, or all have alike.
_OWN = ('run', 'env', 'agent', 'steps', 'seed', 'evaluation_period')


@dataclasses.dataclass(frozen=True)
class TuneConfig(RunConfig):
  """Settings of a study: those of any run, and how it is searched."""

  run: pathlib.Path
  """Folder of the study; the same command again goes on with it."""
  trials: int = 30
  """Trials in all; more than before goes on."""
  space: pathlib.Path | None = None
  """YAML file of what is searched; by default configs/tuning/<agent>.yaml."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: a value lies outside its range; the message names it.
    """
    super().__post_init__()
    check_range('trials', self.trials, 1)


def main(argv: list[str]) -> int:
  """Searches; returns the exit code."""
  config = parse(argv)
  environments.check(config.env)
  check_installed('optuna', 'tune', 'qmle tune')
  screen.announce(f'opening {config.run}')
  from qmle_acme.tuning import reporting, space, study

  path = config.space or space.SPACES / f'{config.agent}.yaml'
  searched = space.load(path)
  given = [name for name in searched.data if name in _OWN]
  if given:
    raise UserError(f'{path} sets {", ".join(given)}: these are options of qmle tune')
  others = [name for name in searched.data if name in AGENTS and name != config.agent]
  if others:
    raise UserError(
      f'{path} searches settings of {", ".join(others)}, which --agent {config.agent} '
      'does not read'
    )
  search = study.Search(
    config.run, searched, config.run_config, config.trials, config.seed
  )
  code = 0
  with study.open_study(search) as found:
    try:
      study.run(search, found, lambda line: print(line, flush=True))
    except study.Stopped as stop:
      print('stopped: the same command goes on')
      code = 128 + stop.signal
    print('\n'.join(reporting.write(search, found)))
    return code or int(not study.completed(found))


def parse(argv: list[str]) -> TuneConfig:
  """Returns the settings that the arguments describe."""
  return train.parse_more(TuneConfig, argv, 'qmle tune', __doc__)
