"""What all engines are told alike: settings, commands, places in a container."""

import dataclasses
import functools
import math
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Annotated

import yaml
from pydantic import Field

from qmle_acme.cluster.places import ACTOR, ARGMAX, Place
from qmle_acme.doctor.examination import need_of
from qmle_acme.errors import UserError
from qmle_acme.files import make_folder, write_atomically
from qmle_acme.runs import config as config_lib
from qmle_acme.runs.config import RunConfig

# In a container: the folder of all runs, and the file with the settings of this one.
RUNS = pathlib.PurePosixPath('/runs')
SETTINGS = pathlib.PurePosixPath('/etc/qmle/settings.yaml')
SETTINGS_FILE = 'settings.yaml'
# More than nodes take to end, the learner's saving among it (docs/cluster.md).
GRACE_SECONDS = 120
# What a container may write to is its volume, and memory.
ENVIRONMENT = {'HOME': '/tmp', 'TMPDIR': '/tmp'}

# Memory in GiB that a node asks for, replay's without its rows, if it is not 1
# (docs/cluster.md). It may take twice that.
_MEMORY = {'learner': 2}

# As in the Dockerfile: a node that runs touches its file every few seconds.
HEALTH = 'test ! -e /tmp/qmle.alive || find /tmp/qmle.alive -mmin -2 | grep -q .'

_WRITTEN_BY = '# Written by:'
_NAME = re.compile(r'[a-z]([a-z0-9-]{0,38}[a-z0-9])?')


@dataclasses.dataclass(frozen=True)
class ClusterConfig(RunConfig):
  """Settings of a run on several machines: those of any run, and where it runs."""

  out: pathlib.Path = pathlib.Path('deploy')
  """Folder for the files that are written."""
  image: Annotated[str, Field(pattern=r'^[A-Za-z0-9][A-Za-z0-9._/:@-]*$')] = 'qmle-acme'
  """Container image of every node."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: a value lies outside its range; the message names it.
    """
    super().__post_init__()
    if self.layout != 'distributed':
      raise UserError(f'layout is {self.layout}: on several machines it is distributed')
    if self.launch != 'processes':
      raise UserError(f'launch is {self.launch}: on several machines it is processes')

  @property
  def name(self) -> str:
    """Name of the run, of its folder, and of what engines make for it.

    Raises:
      UserError: engines would not take it.
    """
    name = self.run.name
    if not _NAME.fullmatch(name):
      raise UserError(
        f'{name!r} cannot name a run here: use at most 40 of a-z, 0-9 and -, a letter '
        'first'
      )
    return name

  @property
  def folder(self) -> pathlib.PurePosixPath:
    """Folder of the run in a container: one for each name, on the volume.

    Raises:
      UserError: the name has folders before it, which the volume would not have.
    """
    if self.run != pathlib.Path(self.run.name):
      raise UserError(
        f'--run {self.run}: runs lie on a volume of their own; name the run alone, as '
        f'in --run {self.run.name}'
      )
    return RUNS / self.name

  @functools.cached_property
  def replay_gib(self) -> int:
    """Memory that the rows need once replay is full, in GiB.

    Raises:
      UserError: the environment cannot be made, which says how large a row is.
    """
    return math.ceil((need_of(self.run_config).replay_bytes or 0) / 2**30)


def node_command(
  place: Place,
  run: pathlib.PurePath,
  settings: pathlib.PurePath = SETTINGS,
  index: str | None = None,
  hosts: Mapping[str, str] | None = None,
) -> list[str]:
  """Returns the words after `qmle` that run a node.

  Args:
    place: of the node.
    run: folder of the run, where the node runs.
    settings: file of its settings, there.
    index: what the engine puts in the place of the node's number.
    hosts: of the nodes that are called, where they are not their services' names.
  """
  command = ['node', '--role', place.role]
  if place.role in (ACTOR, ARGMAX):
    command += ['--index', index or str(place.index)]
  command += ['--settings', str(settings), '--run', str(run)]
  if hosts:
    command += ['--hosts', *(f'{service}={host}' for service, host in hosts.items())]
  return command


def memory_request(config: ClusterConfig, role: str) -> int:
  """Returns the memory that a node needs, in GiB."""
  return _MEMORY.get(role, 1) + (config.replay_gib if role == 'replay' else 0)


def memory_limit(config: ClusterConfig, role: str) -> int:
  """Returns the memory that a node may take, in GiB."""
  return 2 * memory_request(config, role)


def write_files(
  out: pathlib.Path, files: Mapping[str, str]
) -> dict[pathlib.Path, bool]:
  """Writes files by their paths in a folder, over those that it wrote before.

  Returns:
    Where they are, and whether there was none before.

  Raises:
    UserError: one is there that comes of somebody else, or there is no writing in the
      folder; then nothing is written.
  """
  found = {out / name: not (out / name).exists() for name in files}
  for path, is_new in found.items():
    if not is_new and _WRITTEN_BY not in path.read_text(errors='replace'):
      raise UserError(
        f'{path} is there and was not written by qmle: name another --out'
      )
  for path, text in zip(found, files.values(), strict=True):
    make_folder(path.parent)
    write_atomically(path, text)
  return found


def settings_text(config: RunConfig, command: Sequence[str]) -> str:
  """Returns the file of settings, which says by what it was written."""
  data = config_lib.to_dict(config)
  return f'{written_by(command)}{yaml.safe_dump(data, sort_keys=False)}'


def written_by(command: Sequence[str]) -> str:
  """Returns the first line of every file."""
  return f'{_WRITTEN_BY} {" ".join(command)}\n'
