"""The settings of a run: defaults here, overlaid by YAML files, then by flags."""

import dataclasses
import pathlib
import typing
from typing import Any, Literal

import yaml

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.errors import UserError, unknown

AGENTS = ('qmle',)


@dataclasses.dataclass(frozen=True)
class RunConfig:
  """Settings of a training run; with the code's version they define it."""

  run: pathlib.Path
  """Folder of the run; the same command again resumes it."""
  env: str = 'control:walker:walk'
  """Environment, for example control:<domain>:<task>."""
  agent: str = 'qmle'
  """Agent to train."""
  steps: int = 1_000_000
  """Environment steps of all actors together."""
  seed: int = 1
  """Seed of networks, candidates, exploration and environments."""
  layout: Literal['local', 'distributed'] = 'distributed'
  """One process, or a Launchpad program."""
  launch: Literal['processes', 'threads'] = 'processes'
  """How the nodes of the distributed layout run."""
  actors: int = 2
  """Actor nodes of the distributed layout."""
  learner_threads: int = 2
  """Threads of TensorFlow in the learner's process."""
  evaluation_period: int = 20_000
  """Environment steps between evaluations."""
  evaluation_episodes: int = 3
  """Greedy episodes in an evaluation, the same initial states each time."""
  checkpoint_minutes: float = 10.0
  """Minutes between checkpoints; there is always one at the end."""
  qmle: QMLEConfig = dataclasses.field(default_factory=QMLEConfig)
  """Settings of the QMLE agent."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: a value lies outside its range; the message names it.
    """
    if self.agent not in AGENTS:
      raise unknown('agent', self.agent, AGENTS)
    for name in (
      'steps',
      'actors',
      'learner_threads',
      'evaluation_period',
      'evaluation_episodes',
    ):
      if getattr(self, name) < 1:
        raise UserError(f'{name} is {getattr(self, name)}: it must be at least 1')
    if self.checkpoint_minutes <= 0:
      raise UserError(
        f'checkpoint_minutes is {self.checkpoint_minutes}: it must be positive'
      )
    if not 0 <= self.seed < 2**31:
      raise UserError(f'seed is {self.seed}: it must be from 0 to 2^31 - 1')


def to_dict(config: RunConfig) -> dict[str, Any]:
  """Returns the configuration as plain data, without the folder that it lies in."""
  data = dataclasses.asdict(config)
  del data['run']
  data['qmle']['predictors'] = list(data['qmle']['predictors'])
  return data


def from_dict(data: dict[str, Any], run: pathlib.Path) -> RunConfig:
  """Returns the configuration that `to_dict` has written."""
  return overlay(RunConfig(run=run), data, source='config.yaml')


def load_yaml(path: pathlib.Path) -> dict[str, Any]:
  """Returns the mapping in a YAML file.

  Raises:
    UserError: there is no such file, or no mapping in it.
  """
  try:
    data = yaml.safe_load(path.read_text())
  except (OSError, yaml.YAMLError) as error:
    raise UserError(f'cannot read {path}: {" ".join(str(error).split())}') from error
  if not isinstance(data, dict):
    raise UserError(f'{path} holds no mapping of settings to values')
  return data


def overlay(config: Any, data: dict[str, Any], source: str) -> Any:
  """Returns a configuration with some of its fields replaced.

  Args:
    config: a frozen dataclass, whose fields may be dataclasses in turn.
    data: replacements by field name, nested like the configuration.
    source: where they come from, for errors.

  Raises:
    UserError: a key is unknown, or a value is of the wrong type or out of range.
  """
  return dataclasses.replace(config, **_values(type(config), config, data, source))


def _values(
  kind: type, current: Any, data: dict[str, Any], source: str
) -> dict[str, Any]:
  """Returns the fields of a dataclass of that kind that the data names."""
  hints = typing.get_type_hints(kind)
  values = {}
  for key, value in data.items():
    if key not in hints:
      raise unknown(f'key in {source}', str(key), hints)
    old = getattr(current, key, None)
    values[key] = _convert(hints[key], old, value, f'{source}: {key}')
  return values


def _convert(hint: Any, current: Any, value: Any, where: str) -> Any:
  """Returns a plain value as what the field's type hint asks for."""
  if dataclasses.is_dataclass(hint):
    if not isinstance(value, dict):
      raise UserError(f'{where} is {value!r}: it must be a mapping')
    return overlay(current, value, where)
  if typing.get_origin(hint) is tuple:
    member = typing.get_args(hint)[0]
    return tuple(_make(member, item, where) for item in _as_list(value, where))
  if typing.get_origin(hint) is Literal:
    if value not in typing.get_args(hint):
      raise unknown(f'value of {where}', str(value), typing.get_args(hint))
    return value
  if hint is pathlib.Path and isinstance(value, str):
    return pathlib.Path(value)
  if hint is float and type(value) is int:
    return float(value)
  if type(value) is not hint:
    raise UserError(f'{where} is {value!r}: it must be of type {hint.__name__}')
  return value


def _make(kind: type, value: Any, where: str) -> Any:
  """Returns a dataclass of that kind, all of whose fields the value must name."""
  if not isinstance(value, dict):
    raise UserError(f'{where} holds {value!r}: it must be a mapping')
  values = _values(kind, None, value, where)
  missing = [f.name for f in dataclasses.fields(kind) if f.name not in values]
  if missing:
    raise UserError(f'{where} holds {value!r}: it lacks {", ".join(missing)}')
  return kind(**values)


def _as_list(value: Any, where: str) -> list[Any]:
  if not isinstance(value, list):
    raise UserError(f'{where} is {value!r}: it must be a list')
  return value


def differences(
  old: dict[str, Any], new: dict[str, Any], prefix: str = ''
) -> list[str]:
  """Returns 'key: old -> new' for every setting in which two runs differ."""
  found = []
  for key in sorted(old.keys() | new.keys()):
    before, after = old.get(key), new.get(key)
    if isinstance(before, dict) and isinstance(after, dict):
      found += differences(before, after, f'{prefix}{key}.')
    elif before != after:
      found.append(f'{prefix}{key}: {before} -> {after}')
  return found
