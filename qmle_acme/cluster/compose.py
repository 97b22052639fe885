"""A file for Docker Compose, of today and 1.29 alike: a container for each node."""

import dataclasses
import json
import pathlib
import textwrap
from collections.abc import Sequence
from typing import Any

import yaml

from qmle_acme.cluster import deployment
from qmle_acme.cluster.deployment import ClusterConfig
from qmle_acme.cluster.places import Place, make_places
from qmle_acme.errors import UserError

# Docker starts again what ended badly, after 0.1 s, then 0.2 s and so on; that many
# times take less than the hold, for which a run that has failed is not started again.
_RESTARTS = 10
_HOLD_SECONDS = 150
_TENSORBOARD_PORT = 6006


@dataclasses.dataclass(frozen=True)
class ComposeConfig(ClusterConfig):
  """Settings of a run in the containers of one Docker Engine."""

  runs: str = 'runs'
  """Volume of the run folders, or with a / in it a folder of this machine."""

  @property
  def mounted(self) -> str:
    """The volume, or the folder's whole path: Compose starts others at its file."""
    return str(pathlib.Path(self.runs).resolve()) if '/' in self.runs else self.runs


def render(config: ComposeConfig, command: Sequence[str]) -> dict[str, str]:
  """Returns the files by name.

  Args:
    config: settings.
    command: that was typed.
  """
  return {
    'compose.yaml': deployment.written_by(command) + _compose(config),
    # Compose 1.29 knows no other place for the name.
    '.env': f'{deployment.written_by(command)}COMPOSE_PROJECT_NAME={config.name}\n',
    deployment.SETTINGS_FILE: deployment.settings_text(config.run_config, command),
  }


def _compose(config: ComposeConfig) -> str:
  """Returns the file; what all nodes share stands in it once, under an anchor."""
  node = _confined(config) | {
    'environment': deployment.ENVIRONMENT,
    'restart': f'on-failure:{_RESTARTS}',
    'stop_grace_period': f'{deployment.GRACE_SECONDS}s',
    'networks': ['run'],
    'volumes': [
      f'{config.mounted}:{deployment.RUNS}',
      f'./{deployment.SETTINGS_FILE}:{deployment.SETTINGS}:ro',
    ],
  }
  services = ''.join(
    f'  {place.service}:\n    <<: *node\n    command: {_command(config, place)}\n'
    f'    mem_limit: {deployment.memory_limit(config, place.role)}g\n'
    for place in make_places(config)
  )
  rest: dict[str, Any] = {
    # No way in and none out; TensorBoard, if it is asked for, is not in it.
    'networks': {'run': {'internal': True}, 'browser': {}},
  }
  if '/' not in config.runs:
    rest['volumes'] = {config.runs: {}}
  tensorboard = _dump({'tensorboard': _tensorboard(config)}, '  ')
  return (
    f'x-node: &node\n{_dump(node, "  ")}\n'
    f'services:\n{services}{tensorboard}\n{_dump(rest)}'
  )


def _dump(data: Any, indent: str = '') -> str:
  text = yaml.safe_dump(data, sort_keys=False, width=1000)
  return textwrap.indent(text, indent)


def _confined(config: ComposeConfig) -> dict[str, Any]:
  """Returns what keeps a container to its volume, memory and network."""
  confined: dict[str, Any] = {
    'image': config.image,
    'read_only': True,
    'tmpfs': ['/tmp'],
    'cap_drop': ['ALL'],
    'security_opt': ['no-new-privileges:true'],
    'logging': {'driver': 'json-file', 'options': {'max-size': '10m', 'max-file': '3'}},
  }
  if '/' in config.runs:
    confined['user'] = _owner(pathlib.Path(config.runs))
  return confined


def _owner(folder: pathlib.Path) -> str:
  """Returns who may write in a folder of this machine, which is made by its owner.

  Raises:
    UserError: it is not there, or is root's.
  """
  if not folder.is_dir():
    raise UserError(f'--runs: there is no folder {folder}: make it first')
  stat = folder.stat()
  if stat.st_uid == 0:
    raise UserError(f'--runs: {folder} is of root, as whom no node runs: chown it')
  return f'{stat.st_uid}:{stat.st_gid}'


def _command(config: ComposeConfig, place: Place) -> str:
  command = deployment.node_command(place, config.folder)
  return json.dumps([*command, '--hold', str(_HOLD_SECONDS)])


def _tensorboard(config: ComposeConfig) -> dict[str, Any]:
  """Returns the service that shows the run to this machine, if it is asked for."""
  folder = config.folder / 'tensorboard'
  return _confined(config) | {
    'profiles': ['tensorboard'],
    'environment': deployment.ENVIRONMENT,
    'entrypoint': ['tini', '--', 'tensorboard', '--bind_all', '--logdir', str(folder)],
    'command': [],
    'networks': ['browser'],
    'ports': [f'127.0.0.1:{_TENSORBOARD_PORT}:{_TENSORBOARD_PORT}'],
    'volumes': [f'{config.mounted}:{deployment.RUNS}:ro'],
  }
