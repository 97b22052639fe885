"""Suites of tasks: YAML files, in configs/suites/ or of the user's own."""

import dataclasses
import pathlib
from typing import Annotated, Any

from pydantic import Field

from qmle_acme import settings
from qmle_acme.errors import UserError, unknown
from qmle_acme.runs import shipped
from qmle_acme.runs.config import load_yaml

FOLDER = shipped.CONFIGS / 'suites'


@dataclasses.dataclass(frozen=True)
class Task:
  """What a suite says of a task.

  Attributes:
    dimensions: of its actions; 0 where nothing is said of them.
    steps: environment steps of a run, where the suite has a budget.
    relaxed: whether agents that act in boxes only get it as `relaxed:<task>`.
  """

  dimensions: Annotated[int, Field(ge=0)]
  steps: settings.Count | None = None
  relaxed: bool = False


def names() -> tuple[str, ...]:
  """Returns the names of all suites, sorted."""
  return tuple(sorted(path.stem for path in FOLDER.glob('*.yaml')))


def sizes() -> dict[str, int]:
  """Returns the action dimensions of every task that is in a suite."""
  tasks = [item for name in names() for item in load(name).items()]
  return {name: task.dimensions for name, task in tasks}


def load(name: str) -> dict[str, Task]:
  """Returns the tasks of a suite in order.

  Args:
    name: of a file in configs/suites/, or the path of another.

  Raises:
    UserError: there is no such suite, or its file does not hold one.
  """
  path = pathlib.Path(name)
  if not shipped.is_path(name):
    if name not in names():
      raise unknown('suite', name, names())
    path = FOLDER / f'{name}.yaml'
  held = load_yaml(path)
  tasks = held.pop('tasks', None)
  if held:
    raise UserError(f'{path} holds {min(map(str, held))}: it may hold tasks, no more')
  if not isinstance(tasks, dict) or not tasks:
    raise UserError(f'{path} holds no tasks: it needs lines like "task: dimensions"')
  return {task: _read(path, task, said) for task, said in tasks.items()}


def _read(path: pathlib.Path, name: Any, said: Any) -> Task:
  """Returns a task from what a file says of it: its dimensions, or all by name."""
  if not isinstance(name, str):
    raise UserError(f'{path}: {name} is no name of an environment')
  try:
    task = Task(**said) if isinstance(said, dict) else Task(said)
  except TypeError:
    raise UserError(
      f'{path}, {name}: needs its dimensions, or {{dimensions: 6, steps: 30000, '
      'relaxed: true}, of which the last two may be left out'
    ) from None
  settings.check(task, f'{path}, {name}: ')
  return task
