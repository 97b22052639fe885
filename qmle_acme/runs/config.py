"""The settings of a run: defaults here, overlaid by YAML files, then by flags."""

import dataclasses
import json
import pathlib
import re
import typing
from typing import Any, Literal

import pydantic
import yaml

from qmle_acme.agents.acme.d4pg import D4PGConfig
from qmle_acme.agents.acme.dmpo import DMPOConfig
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.errors import (
  UserError,
  check_positive,
  check_range,
  check_seed,
  unknown,
  unreadable,
)

# Each has its settings under its own name.
AGENTS = ('qmle', 'd4pg', 'dmpo')


@dataclasses.dataclass(frozen=True)
class RunConfig:
  """Settings of a training run; with the code's version they define it."""

  run: pathlib.Path
  """Folder of the run; the same command again resumes it."""
  env: str = 'control:walker:walk'
  """Environment, for example control:<domain>:<task>."""
  agent: str = 'qmle'
  """Agent to train: qmle, d4pg or dmpo."""
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
  """Threads of TensorFlow in the learner's process, which may be that of all others."""
  evaluation_period: int = 20_000
  """Environment steps between evaluations."""
  evaluation_episodes: int = 3
  """Greedy episodes in an evaluation, the same initial states each time."""
  checkpoint_minutes: float = 10.0
  """Minutes between checkpoints; there is always one at the end."""
  qmle: QMLEConfig = dataclasses.field(default_factory=QMLEConfig)
  """Settings of the QMLE agent."""
  d4pg: D4PGConfig = dataclasses.field(default_factory=D4PGConfig)
  """Settings of the D4PG agent, Acme's."""
  dmpo: DMPOConfig = dataclasses.field(default_factory=DMPOConfig)
  """Settings of the DMPO agent, Acme's."""

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
      check_range(name, getattr(self, name), 1)
    check_positive('checkpoint_minutes', self.checkpoint_minutes)
    check_seed(self.seed)


_SETTINGS = pydantic.TypeAdapter(RunConfig)


def to_dict(config: RunConfig) -> dict[str, Any]:
  """Returns the configuration as plain data, without the folder that it lies in."""
  return _SETTINGS.dump_python(config, mode='json', exclude={'run'})


def from_dict(data: dict[str, Any], run: pathlib.Path) -> RunConfig:
  """Returns the configuration that `to_dict` has written."""
  return overlay(RunConfig(run=run), data, source='config.yaml')


class _Loader(yaml.SafeLoader):
  """Reads 5e-4 as a number, as everybody expects; to YAML 1.1 it is text."""


_Loader.add_implicit_resolver(
  'tag:yaml.org,2002:float',
  re.compile(r'[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$'),
  list('-+0123456789'),
)


def load_yaml(path: pathlib.Path) -> dict[str, Any]:
  """Returns the mapping in a YAML file.

  Raises:
    UserError: there is no such file, or no mapping in it.
  """
  try:
    data = yaml.load(path.read_text(), _Loader)
  except (OSError, ValueError, yaml.YAMLError) as error:
    raise unreadable(path, error) from error
  if not isinstance(data, dict):
    raise UserError(f'{path} holds no mapping of settings to values')
  return data


def overlay(config: RunConfig, data: dict[str, Any], source: str) -> RunConfig:
  """Returns a configuration with some of its fields replaced.

  Args:
    config: whose values stay where there are no others.
    data: replacements by field name, nested like the configuration.
    source: where they come from, for errors.

  Raises:
    UserError: a key is unknown, or a value is of the wrong type or out of range.
  """
  _check_keys(RunConfig, data, source)
  merged = _merge({'run': ''} | to_dict(config), data)
  try:
    # Strict about JSON: what YAML reads as a string or truth value is no number.
    new = _SETTINGS.validate_json(json.dumps(merged, default=str), strict=True)
  except pydantic.ValidationError as error:
    first = error.errors()[0]
    where = '.'.join(str(part) for part in first['loc'])
    what = first['msg'].lower()
    raise UserError(f'{source}: {where}: {what} (given: {first["input"]!r})') from None
  return new if 'run' in data else dataclasses.replace(new, run=config.run)


def _check_keys(kind: Any, data: Any, where: str) -> None:
  """Refuses the keys that are no fields of a dataclass, or of those in it."""
  if typing.get_origin(kind) is tuple and isinstance(data, list):
    for item in data:
      _check_keys(typing.get_args(kind)[0], item, where)
  if dataclasses.is_dataclass(kind) and isinstance(data, dict):
    hints = typing.get_type_hints(kind)
    for key, value in data.items():
      if key not in hints:
        raise unknown(f'key in {where}', str(key), hints)
      _check_keys(hints[key], value, f'{where}: {key}')


def _merge(base: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
  """Returns the base with the data over it, mapping by mapping."""
  merged = dict(base)
  for key, value in data.items():
    is_nested = isinstance(value, dict) and isinstance(base[key], dict)
    merged[key] = _merge(base[key], value) if is_nested else value
  return merged


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
