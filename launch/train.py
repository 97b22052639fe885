"""`qmle train`: train an agent, or go on where a run stopped.

Settings come from the defaults, then from each `--config FILE.yaml` in order, which
overlays known keys, then from the other options.
"""

import argparse
import os
import pathlib

import tyro

from qmle_acme import environments, processes
from qmle_acme.errors import UserError
from qmle_acme.files import check_can_make
from qmle_acme.runs import config as config_lib
from qmle_acme.runs.run_folder import RunFolder

from . import arguments

_NOT_GIVEN = pathlib.Path('--run')


def main(argv: list[str]) -> int:
  """Trains; returns the exit code."""
  config = parse(argv)
  environments.check(config.env)
  folder = RunFolder(config.run)
  folder.check_same(config)
  check_can_make(folder.path)
  from qmle_acme import training  # TensorFlow: seconds, which no typo waits for.

  # TensorFlow reads it when it starts, with the first tensor; processes that are nodes
  # of a run get their own.
  os.environ.update(processes.thread_limits(config.learner_threads))
  return training.run(config).exit_code


def parse(
  argv: list[str], command: str = 'qmle train', description: str | None = __doc__
) -> config_lib.RunConfig:
  """Returns the settings that the arguments of a command describe."""
  default, rest = read_overlays(argv)
  return arguments.parse(config_lib.RunConfig, rest, command, default, description)


def read_overlays(argv: list[str]) -> tuple[config_lib.RunConfig, list[str]]:
  """Returns the defaults under the files of `--config`, and the other arguments."""
  overlays, rest = _split(argv)
  default = config_lib.RunConfig(run=_NOT_GIVEN)
  for path in overlays:
    default = config_lib.overlay(default, config_lib.load_yaml(path), str(path))
  if default.run == _NOT_GIVEN:
    # No folder, so the settings themselves would refuse it.
    object.__setattr__(default, 'run', tyro.MISSING)
  return default, rest


def _split(argv: list[str]) -> tuple[list[pathlib.Path], list[str]]:
  """Returns the files of `--config`, and the other arguments."""
  parser = argparse.ArgumentParser(
    add_help=False, allow_abbrev=False, exit_on_error=False
  )
  parser.add_argument('--config', action='append', type=pathlib.Path, default=[])
  try:
    found, rest = parser.parse_known_args(argv)
  except argparse.ArgumentError as error:
    raise UserError(f'{error}; see qmle train --help') from None
  return found.config, rest
