"""`qmle train`: train an agent, or go on where a run stopped.

Settings come from the defaults, then from each `--config` in order, then from the other
options. `--config` takes a YAML file, or a name of settings that come with the package:
strong, jagged, chance, quick, d4pg_tuned, dmpo_tuned.
"""

import argparse
import contextlib
import dataclasses
import os
import pathlib
from typing import TypeVar

import tyro

from qmle_acme import environments
from qmle_acme.errors import UserError, unknown
from qmle_acme.files import check_can_make
from qmle_acme.runs import config as config_lib
from qmle_acme.runs import fit, screen
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.runs.shipped import settings_file
from qmle_acme.topology.nursery import opened_for

from . import arguments
from . import help as help_lib

_NOT_GIVEN = pathlib.Path('--run')
# What people change first, and of any agent's settings.
_FIRST = (
  'run',
  'env',
  'agent',
  'steps',
  'seed',
  'layout',
  'actors',
  'evaluation_period',
)
_FIRST_OF_AGENT = ('n_step', 'replay_size')

Settings = TypeVar('Settings', bound=config_lib.RunConfig)


def main(argv: list[str]) -> int:
  """Trains; returns the exit code."""
  config = parse(argv)
  # Absolute: an environment may change the current folder.
  config = dataclasses.replace(config, run=config.run.absolute())
  folder = RunFolder(config.run)
  folder.check_is_meant()
  folder.check_same(config)
  check_can_make(folder.path)
  with screen.held() as early:  # It goes to the log.
    environments.check(config.env)
  _note_what_is_idle(config)
  screen.announce(f'making {config.env}')
  with opened_for(config) as nursery:  # It loads TensorFlow too, beside this process.
    with screen.held() as later:
      environment = environments.make(config.env, seed=0)
    fit.check(config, environment)
    with screen.loading_tensorflow():  # Seconds, which no typo waits for.
      from qmle_acme import training

    # TensorFlow reads it when it starts, with the first tensor. Nodes get their own.
    os.environ.update(config.learner_limits)
    outcome = training.run(
      config, early=[*early, *later], environment=environment, nursery=nursery
    )
  return outcome.exit_code


def _note_what_is_idle(config: config_lib.RunConfig) -> None:
  """Says which settings were changed in vain: of nodes, and of other agents."""
  if config.layout == 'local':
    usual, names = config_lib.RunConfig(run=config.run), ('actors', 'launch')
    if idle := [n for n in names if getattr(config, n) != getattr(usual, n)]:
      screen.note(f'without effect: {", ".join(idle)}; the layout is local')
  for agent in config_lib.AGENTS:
    if agent == config.agent:
      continue
    settings = dataclasses.asdict(getattr(config, agent))
    defaults = dataclasses.asdict(type(getattr(config, agent))())
    if idle := [f'{agent}.{key}' for key in settings if settings[key] != defaults[key]]:
      screen.note(f'without effect: {", ".join(idle)}; the agent is {config.agent}')


def parse(
  argv: list[str], command: str = 'qmle train', description: str | None = __doc__
) -> config_lib.RunConfig:
  """Returns the settings that the arguments of a command describe."""
  default, rest = read_overlays(argv)
  return parse_over(default, rest, command, description)


def parse_more(
  kind: type[Settings], argv: list[str], command: str, description: str | None
) -> Settings:
  """Returns settings of a class that has those of a run, and some of its own."""
  defaults, rest = read_overlays(argv)
  names = [field.name for field in dataclasses.fields(config_lib.RunConfig)]
  values = {name: getattr(defaults, name) for name in names}
  default = kind(**values | {'run': _NOT_GIVEN})
  # It may not be given yet, which the settings themselves would refuse.
  object.__setattr__(default, 'run', defaults.run)
  return parse_over(default, rest, command, description)


def parse_over(
  default: Settings, argv: list[str], command: str, description: str | None
) -> Settings:
  """Returns settings of a run that are given by options, or else by default.

  Of the help there is a short form, and one with all settings of the chosen agent.
  """
  if argv and not argv[0].startswith('-'):
    raise UserError(f'{command} takes no argument {argv[0]!r}: is it --run {argv[0]}?')
  if help_lib.is_asked_for(argv):
    is_whole = help_lib.ALL in argv
    shown = _shown(default, _agent(argv, default.agent), is_whole)
    default, argv = help_lib.reduced(default, shown), ['--help']
    more = '' if is_whole else f'\n\n{command} {help_lib.ALL} lists all settings.'
    description = f'{(description or "").strip()}{more}'
  config = arguments.parse(type(default), argv, command, default, description)
  # A file's label names its settings, which another agent has not.
  is_of_another = config.agent != default.agent and config.label == default.label
  return dataclasses.replace(config, label='') if is_of_another else config


def _shown(default: config_lib.RunConfig, agent: str, is_whole: bool) -> list[str]:
  """Returns the names of the settings that the help shows."""
  names = [field.name for field in dataclasses.fields(default)]
  if is_whole:
    return [name for name in names if name == agent or name not in config_lib.AGENTS]
  of_any_run = {field.name for field in dataclasses.fields(config_lib.RunConfig)}
  own = [name for name in names if name not in of_any_run]
  return [*_FIRST, *own, *(f'{agent}.{name}' for name in _FIRST_OF_AGENT)]


def _agent(argv: list[str], default: str) -> str:
  """Returns the agent that the options name."""
  parser = argparse.ArgumentParser(
    add_help=False, allow_abbrev=False, exit_on_error=False
  )
  parser.add_argument('--agent', default=default)
  with contextlib.suppress(argparse.ArgumentError):
    default = parser.parse_known_args(argv)[0].agent
  if default not in config_lib.AGENTS:
    raise unknown('agent', default, config_lib.AGENTS)
  return default


def read_overlays(argv: list[str]) -> tuple[config_lib.RunConfig, list[str]]:
  """Returns the defaults under the files of `--config`, and the other arguments."""
  overlays, rest = _split(argv)
  default = config_lib.overlay_files(config_lib.RunConfig(run=_NOT_GIVEN), overlays)
  if default.run == _NOT_GIVEN:
    # No folder, so the settings themselves would refuse it.
    object.__setattr__(default, 'run', tyro.MISSING)
  return default, rest


def _split(argv: list[str]) -> tuple[list[pathlib.Path], list[str]]:
  """Returns the files of `--config`, and the other arguments."""
  parser = argparse.ArgumentParser(
    add_help=False, allow_abbrev=False, exit_on_error=False
  )
  parser.add_argument('--config', action='append', default=[])
  try:
    found, rest = parser.parse_known_args(argv)
  except argparse.ArgumentError as error:
    raise UserError(f'{error}; see qmle train --help') from None
  return [settings_file(word) for word in found.config], rest
