"""What is searched: settings of a run in YAML, with a choice or a range for each.

qmle:
  n_step: [1, 3, 5]                                      a choice
  learning_rate: {low: 1e-4, high: 1e-3, log: true}      a range, here by its logarithm
  m_target: {low: 50, high: 200, step: 50}               in steps
  bins: 5                                                the same in every trial
"""

import dataclasses
import importlib.resources
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from optuna.trial import BaseTrial

from qmle_acme.errors import UserError
from qmle_acme.runs import config as config_lib

# Spaces by the name of the agent, for those who bring none.
SPACES = pathlib.Path(str(importlib.resources.files('qmle_acme.configs'))) / 'tuning'
_RANGE, _OPTIONS = {'low', 'high'}, {'log', 'step'}


@dataclasses.dataclass(frozen=True)
class Space:
  """A search space.

  Attributes:
    data: as it stands in the file.
  """

  data: Mapping[str, Any]

  @property
  def names(self) -> tuple[str, ...]:
    """What is searched, for example 'qmle.n_step'."""
    leaves = _leaves(self.data)
    return tuple(name for name, leaf in leaves if isinstance(leaf, list | dict))

  @property
  def extremes(self) -> Iterator[tuple[str, Any]]:
    """Yields the settings with each choice, and with both ends of each range."""
    for name, leaf in _leaves(self.data):
      if isinstance(leaf, list):
        yield from ((name, choice) for choice in leaf)
      elif isinstance(leaf, dict):
        yield from ((name, leaf[end]) for end in ('low', 'high'))
      else:
        yield name, leaf

  def suggest(self, trial: BaseTrial) -> dict[str, Any]:
    """Returns settings with a value that a trial has drawn for each range or choice."""
    settings: dict[str, Any] = {}
    for name, leaf in _leaves(self.data):
      *path, last = name.split('.')
      inner = settings
      for part in path:
        inner = inner.setdefault(part, {})
      inner[last] = _suggest(trial, name, leaf)
    return settings


def load(path: pathlib.Path) -> Space:
  """Returns the space in a YAML file.

  Raises:
    UserError: there is no such file, or what it holds is no space, or no setting can
      have one of its values.
  """
  space = Space(config_lib.load_yaml(path))
  config_lib.check_keys(dict(space.data), str(path))
  for name, leaf in _leaves(space.data):
    if isinstance(leaf, list) and not leaf:
      raise UserError(f'{path}: {name} has no choice')
    if isinstance(leaf, dict):
      _check_range(f'{path}: {name}', leaf, config_lib.is_whole(name))
  if not space.names:
    raise UserError(f'{path} has nothing to search: no choice, and no range')
  for name, value in space.extremes:
    config_lib.check_value(name, value, str(path))
  return space


def _check_range(where: str, leaf: Mapping[str, Any], is_whole: bool) -> None:
  """Raises UserError unless a mapping is a range of a setting."""
  where = f'{where} is {dict(leaf)}'
  if not leaf.keys() >= _RANGE or not leaf.keys() <= _RANGE | _OPTIONS:
    raise UserError(f'{where}: a range has low and high, and perhaps log or step')
  low, high, step = leaf['low'], leaf['high'], leaf.get('step', 1)
  kinds = (int,) if is_whole else (int, float)
  if not all(type(value) in kinds for value in (low, high, step)):
    kind = 'whole numbers' if is_whole else 'numbers'
    raise UserError(f'{where}: low, high and step are {kind}')
  if type(leaf.get('log', False)) is not bool:
    raise UserError(f'{where}: log is true or false')
  if not low < high:
    raise UserError(f'{where}: low must be less than high')
  if 'step' in leaf and not 0 < step <= high - low:
    raise UserError(f'{where}: step must be positive, and no more than high - low')
  if leaf.get('log') and ('step' in leaf or low <= 0):
    raise UserError(f'{where}: with log, low must be positive and there is no step')


def _leaves(data: Mapping[str, Any], prefix: str = '') -> Iterator[tuple[str, Any]]:
  """Yields the name of each setting and what the file says of it."""
  for key, value in data.items():
    if isinstance(value, dict) and not value.keys() & _RANGE:
      yield from _leaves(value, f'{prefix}{key}.')
    else:
      yield f'{prefix}{key}', value


def _suggest(trial: BaseTrial, name: str, leaf: Any) -> Any:
  if isinstance(leaf, list):
    # Lists cannot be told apart in a study: their places can.
    return leaf[trial.suggest_categorical(name, range(len(leaf)))]
  if not isinstance(leaf, dict):
    return leaf
  low, high = leaf['low'], leaf['high']
  options = {key: leaf[key] for key in _OPTIONS if key in leaf}
  if config_lib.is_whole(name):
    return trial.suggest_int(name, low, high, **options)
  return trial.suggest_float(name, low, high, **options)
