"""Suites of tasks by name; they are data in configs/suites/."""

import pathlib

import qmle_acme
from qmle_acme.errors import UserError, unknown
from qmle_acme.runs.config import load_yaml

_CONFIGS = pathlib.Path(qmle_acme.__file__).parents[1] / 'configs'
FOLDER = _CONFIGS / 'suites'
# What `--tuned` gives to the runs of an agent: <agent>_tuned.yaml.
BASELINES = _CONFIGS / 'baselines'


def names() -> tuple[str, ...]:
  """Returns the names of all suites, sorted."""
  return tuple(sorted(path.stem for path in FOLDER.glob('*.yaml')))


def sizes() -> dict[str, int]:
  """Returns the action dimensions of every task that is in a suite."""
  return {task: size for name in names() for task, size in load(name).items()}


def load(name: str) -> dict[str, int]:
  """Returns the tasks of a suite in order, each with its action dimensions.

  Raises:
    UserError: there is no such suite, or its file does not hold one.
  """
  if name not in names():
    raise unknown('suite', name, names())
  path = FOLDER / f'{name}.yaml'
  tasks = load_yaml(path).get('tasks')
  if not isinstance(tasks, dict) or not tasks:
    raise UserError(f'{path} holds no tasks: it needs lines like "task: dimensions"')
  return tasks
