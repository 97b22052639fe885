"""The settings of a run: defaults here, overlaid by YAML files, then by flags."""

import dataclasses
import json
import os
import pathlib
import re
import typing
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pydantic
import yaml
from pydantic import Field

from qmle_acme import settings
from qmle_acme.agents.acme.d4pg import D4PGConfig
from qmle_acme.agents.acme.dmpo import DMPOConfig
from qmle_acme.agents.config import AgentConfig
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.predictors import MemberConfig, families
from qmle_acme.errors import UserError, unknown, unreadable
from qmle_acme.processes import thread_limits
from qmle_acme.runs import agents
from qmle_acme.settings import Count, Seed

# Each has its settings under its own name.
AGENTS = tuple(agents.kinds())
# How what may change at a resume begins: none is a setting of the agent. (By the number
# of actors each has its own epsilon.)
HARMLESS = (
  'steps:',
  'layout:',
  'launch:',
  'actors:',
  'learner_threads:',
  'argmax_nodes:',
  'checkpoint_minutes:',
  'evaluation_period:',
  'render_every:',
  'track:',
  'faults.',
)


@dataclasses.dataclass(frozen=True)
class FaultsConfig:
  """What is done about parts of a run that die or stand still."""

  node_restarts: Annotated[int, Field(ge=0, le=1_000_000)] = 5
  """Restarts of any other node than learner and counter in a window; then the run
  fails."""
  run_restarts: Annotated[int, Field(ge=0, le=1_000_000)] = 2
  """Restarts of all from the newest checkpoint, where learner or counter dies."""
  window_minutes: Annotated[float, Field(gt=0.0, le=1e6, allow_inf_nan=False)] = 30.0
  """Length of that window."""
  stall_seconds: Annotated[float, Field(gt=0.0, le=1e9, allow_inf_nan=False)] = 120.0
  """Seconds without a step or an answer after which a node is said to stand still."""
  stall_policy: Literal['report', 'restart', 'end'] = 'report'
  """Then: only say so; kill the node, so that it is started again; or end the run."""


# More of them would have the learner busy with sending variables (docs/cluster.md).
_ACTORS_OF_LEARNER = 16


# More threads shorten no arg max that shows: the rest of a step is on one.
_USEFUL_THREADS = 8


def usual_actors(cores: int) -> int:
  """Returns how many actors keep a learner on so many cores busy.

  Two do, at the default ratio, up to 8 cores; on more there is room for environments
  that are slower than the control suite's (docs/performance.md).
  """
  return max(2, cores // 4)


def usual_learner_threads(cores: int) -> int:
  """Returns the threads of a learner beside so many actors."""
  return max(2, min(cores - usual_actors(cores), _USEFUL_THREADS))


def _cores() -> int:
  return len(os.sched_getaffinity(0))


@dataclasses.dataclass(frozen=True)
@agents.with_settings
class RunConfig:
  """Settings of a training run; with the code's version they define it."""

  run: pathlib.Path
  """Folder of the run; the same command again resumes it."""
  env: str = 'control:walker:walk'
  """Environment by its name; docs/environments.md has all forms."""
  agent: str = 'qmle'
  """Agent to train: qmle, d4pg or dmpo, or one of another package."""
  label: Annotated[str, Field(pattern=r'^[A-Za-z0-9._-]{0,40}$')] = ''
  """What reports call an agent with these settings; its own name by default."""
  steps: Count = 1_000_000
  """Environment steps of all actors together."""
  seed: Seed = 1
  """Seed of networks, candidates, exploration and environments."""
  layout: Literal['local', 'distributed'] = 'distributed'
  """One process, or a Launchpad program."""
  launch: Literal['processes', 'threads'] = 'processes'
  """How the nodes of the distributed layout run."""
  actors: Annotated[int, Field(ge=1, le=10_000)] = dataclasses.field(
    default_factory=lambda: usual_actors(_cores())
  )
  """Actor nodes of the distributed layout; 2, or a quarter of more than 8 cores."""
  learner_threads: Annotated[int, Field(ge=1, le=1_024)] = dataclasses.field(
    default_factory=lambda: usual_learner_threads(_cores())
  )
  """Threads of the learner's process, which may be that of all others: those of the arg
  max with QMLE, of TensorFlow with other agents. By default one for each core that the
  actors leave, 2 at least and 8 at most."""
  argmax_nodes: Annotated[int, Field(ge=0, le=1_000)] = 0
  """Nodes of the distributed layout that take the arg max of QMLE's target network for
  the learner; with 0 it does that itself."""
  evaluation_period: Count = 20_000
  """Environment steps between evaluations."""
  evaluation_episodes: Count = 10
  """Greedy episodes in an evaluation, the same initial states each time."""
  render_every: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
  """Environment steps between videos of a greedy episode, each after an evaluation, in
  `videos/` of the run folder; 0 makes none."""
  checkpoint_minutes: Annotated[float, Field(gt=0.0, le=1e6, allow_inf_nan=False)] = (
    10.0
  )
  """Minutes between checkpoints; there is always one at the end."""
  track: tuple[Literal['wandb', 'mlflow'], ...] = ()
  """Services that records are sent on to, besides TensorBoard's files."""
  faults: FaultsConfig = dataclasses.field(default_factory=FaultsConfig)
  """What is done about parts of a run that die or stand still."""
  if TYPE_CHECKING:  # They are added for each agent that there is.
    qmle: QMLEConfig = dataclasses.field(default_factory=QMLEConfig)
    d4pg: D4PGConfig = dataclasses.field(default_factory=D4PGConfig)
    dmpo: DMPOConfig = dataclasses.field(default_factory=DMPOConfig)

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: a value lies outside its range; the message names it.
    """
    self._check_run()
    if self.agent not in AGENTS:
      raise unknown('agent', self.agent, AGENTS)
    if self.argmax_nodes and self.agent != 'qmle':
      raise UserError(f'argmax_nodes must be 0: {self.agent} takes no arg max')
    if self.argmax_nodes and self.layout == 'local':
      raise UserError('argmax_nodes must be 0: the local layout has no nodes')
    settings.check(self)

  def _check_run(self) -> None:
    """Refuses a folder whose name is no UTF-8: many libraries write only that."""
    try:
      str(self.run).encode()
    except UnicodeEncodeError:
      name = os.fsencode(self.run)
      raise UserError(f'run is {name!r}: its name must be UTF-8') from None

  @property
  def run_config(self) -> 'RunConfig':
    """The settings of the run alone, where a class has more."""
    fields = dataclasses.fields(RunConfig)
    return RunConfig(**{field.name: getattr(self, field.name) for field in fields})

  @property
  def of_agent(self) -> AgentConfig:
    """The settings of the agent that is trained."""
    settings_of: AgentConfig = getattr(self, self.agent)
    return settings_of

  @property
  def learner_limits(self) -> dict[str, str]:
    """The environment that keeps the learner's process to its threads."""
    threads = self.learner_threads
    is_shared = self.of_agent.SHARES_TENSORFLOW
    return thread_limits(threads, tensorflow=threads if is_shared else 1)

  @property
  def has_publisher(self) -> bool:
    """Whether a node between learner and actors serves these with variables."""
    return self.actors > _ACTORS_OF_LEARNER


_SETTINGS = pydantic.TypeAdapter(RunConfig)


def to_dict(config: RunConfig) -> dict[str, Any]:
  """Returns the configuration as plain data, without the folder that it lies in."""
  return _SETTINGS.dump_python(config, mode='json', exclude={'run'})


def from_dict(data: dict[str, Any], run: pathlib.Path) -> RunConfig:
  """Returns the configuration that `to_dict` has written."""
  return overlay(RunConfig(run=run), data, source=str(run / 'config.yaml'))


class _Loader(yaml.SafeLoader):
  """Reads what settings are written in: no alias, no key twice.

  It reads 5e-4 as a number and 1e6 as a whole one, as everybody expects; to YAML 1.1
  both are text. What is another number there than it seems, it refuses: 1:30 is ninety,
  and 010 eight.
  """

  def compose_node(self, parent: Any, index: Any) -> Any:
    # A few lines of aliases can stand for more data than a machine can hold.
    if self.check_event(yaml.AliasEvent):
      mark = self.peek_event().start_mark
      raise yaml.MarkedYAMLError(problem='an alias cannot be used', problem_mark=mark)
    return super().compose_node(parent, index)

  def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
    keys = [self.construct_object(key, deep=True) for key, _ in node.value]
    for i, key in enumerate(keys):
      if key in keys[:i]:
        mark = node.value[i][0].start_mark
        problem = f'the key {key!r} stands here twice'
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
    return super().construct_mapping(node, deep)

  def construct_yaml_int(self, node: Any) -> int:
    _check_decimal(node)
    value: int = super().construct_yaml_int(node)
    return value

  def construct_yaml_float(self, node: Any) -> float:
    _check_decimal(node)
    value: float = super().construct_yaml_float(node)
    is_whole = 'e' in node.value.lower() and value.is_integer()
    return int(value) if is_whole else value


def _check_decimal(node: Any) -> None:
  """Refuses a number to a base of 60, 16, 8 or 2."""
  if ':' in node.value or re.match(r'[-+]?0[0-9_xb]', node.value):
    problem = f'{node.value} is no decimal number'
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


_FLOAT = 'tag:yaml.org,2002:float'
_Loader.add_constructor('tag:yaml.org,2002:int', _Loader.construct_yaml_int)
_Loader.add_constructor(_FLOAT, _Loader.construct_yaml_float)
_Loader.add_implicit_resolver(
  _FLOAT,
  re.compile(r'[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$'),
  list('-+0123456789'),
)


def load_yaml(path: pathlib.Path) -> dict[str, Any]:
  """Returns the mapping in a YAML file.

  Raises:
    UserError: there is no such file, or no mapping in it.
  """
  try:
    with path.open() as file:  # Whose name errors tell.
      data = yaml.load(file, _Loader)
  except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
    raise unreadable(path, error) from error
  if not isinstance(data, dict):
    raise UserError(f'{path} holds no mapping of settings to values')
  return data


def without_nulls(data: Any) -> Any:
  """Returns settings without those that are null.

  No setting is; earlier versions wrote one for each option of another predictor family.
  """
  if isinstance(data, list):
    return [without_nulls(item) for item in data]
  if isinstance(data, dict):
    return {k: without_nulls(v) for k, v in data.items() if v is not None}
  return data


def overlay_files(config: RunConfig, paths: Iterable[pathlib.Path]) -> RunConfig:
  """Returns a configuration with YAML files over it, in order; see `overlay`."""
  for path in paths:
    config = overlay(config, load_yaml(path), str(path))
  return config


def overlay(config: RunConfig, data: dict[str, Any], source: str) -> RunConfig:
  """Returns a configuration with some of its fields replaced.

  Args:
    config: whose values stay where there are no others.
    data: replacements by field name, nested like the configuration.
    source: where they come from, for errors.

  Raises:
    UserError: a key is unknown, or a value is of the wrong type or out of range.
  """
  check_keys(data, source)
  merged = _merge({'run': ''} | to_dict(config), data)
  try:
    # Strict about JSON: what YAML reads as a string or truth value is no number.
    new = _SETTINGS.validate_json(json.dumps(merged, default=str), strict=True)
  except pydantic.ValidationError as error:
    raise settings.refusal(error.errors()[0], f'{source}: ') from None
  except UserError as error:
    raise UserError(f'{source}: {error}') from None
  return new if 'run' in data else dataclasses.replace(new, run=config.run)


def check_keys(data: dict[str, Any], source: str) -> None:
  """Checks that all keys are settings of a run, whatever their values.

  Raises:
    UserError: one is unknown, or the agent is.
  """
  agent = data.get('agent', RunConfig.agent)
  if agent not in AGENTS:
    raise UserError(f'{source}: {unknown("agent", str(agent), AGENTS)}')
  _check_keys(RunConfig, data, source)


def check_value(name: str, value: Any, source: str) -> None:
  """Checks a value of one setting, whatever the others are.

  Args:
    name: of the setting, for example 'qmle.n_step'.
    value: as YAML gives it.
    source: where it comes from, for errors.

  Raises:
    UserError: there is no such setting, or the value is of the wrong type or out of
      range.
  """
  *path, last = name.split('.')
  data = {last: value}
  for part in reversed(path):
    data = {part: data}
  check_keys(data, source)
  above = ''.join(f'{part}.' for part in path)
  settings.check_field(_kind_of(path), last, value, f'{source}: {above}')


def is_whole(name: str) -> bool:
  """Returns whether a setting, by a name such as 'qmle.n_step', is a whole number.

  Raises:
    UserError: what it lies in holds no settings.
  """
  *path, last = name.split('.')
  return typing.get_type_hints(_kind_of(path))[last] is int


def _kind_of(path: Sequence[str]) -> Any:
  """Returns the class of the settings at a path of names, of which all are known.

  Raises:
    UserError: one of them is a single setting.
  """
  kind: Any = RunConfig
  for i, part in enumerate(path):
    kind = settings.fields_of(kind)[part]
    if not dataclasses.is_dataclass(kind):
      raise UserError(f'{".".join(path[: i + 1])} is one setting, and holds no others')
  return kind


def _check_keys(kind: Any, data: Any, where: str) -> None:
  """Refuses the keys that are no fields of a dataclass, or of those in it."""
  if typing.get_origin(kind) is tuple and isinstance(data, list):
    for item in data:
      _check_keys(typing.get_args(kind)[0], item, where)
  if not isinstance(data, dict):
    return
  if kind is MemberConfig:
    kind = _member_class(data, where)
    where = f'{where}: {data.get("family", "?")}'
  if dataclasses.is_dataclass(kind):
    types_of = typing.get_type_hints(kind)
    hints = {field.name: types_of[field.name] for field in dataclasses.fields(kind)}
    for key, value in data.items():
      if key not in hints:
        raise unknown(f'key in {where}', str(key), hints)
      _check_keys(hints[key], value, f'{where}: {key}')


def _member_class(data: dict[str, Any], where: str) -> type[MemberConfig]:
  """Returns the dataclass of a predictor's family."""
  if 'family' not in data:
    return MemberConfig
  family = str(data['family'])
  if family not in families():
    raise UserError(f'{where}: {unknown("predictor family", family, families())}')
  return families()[family]


def _merge(base: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
  """Returns the base with the data over it, mapping by mapping."""
  merged = dict(base)
  for key, value in data.items():
    is_nested = isinstance(value, dict) and isinstance(base.get(key), dict)
    merged[key] = _merge(base[key], value) if is_nested else value
  return merged


def with_defaults(data: dict[str, Any]) -> dict[str, Any]:
  """Returns settings of a run with the defaults of those that it lacks.

  Args:
    data: settings of a run, of an older version or without those of some agents; what
      cannot be read as settings of today stays as it is.
  """
  defaults = to_dict(RunConfig(run=pathlib.Path()))
  filled = _merge(
    {k: v for k, v in defaults.items() if k in data or k not in AGENTS}, data
  )
  try:
    now = to_dict(from_dict(data, pathlib.Path()))
  except UserError:
    return filled
  return {key: now[key] for key in filled}


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
