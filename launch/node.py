"""`qmle node`: one node of a run that other engines place, start and restart.

`qmle cluster` writes the files that have them start it; nobody types it.
"""

import dataclasses
import pathlib
from typing import Literal

from qmle_acme.cluster import places
from qmle_acme.runs import config as config_lib

from . import arguments


@dataclasses.dataclass(frozen=True)
class NodeConfig:
  """Which node this is, and where the others are."""

  role: Literal[
    'main',
    'counter',
    'replay',
    'learner',
    'publisher',
    'argmax',
    'evaluator',
    'actor',
  ]
  """What it does."""
  settings: pathlib.Path
  """YAML file with the settings of the run."""
  run: pathlib.Path
  """Folder of the run, which all nodes share."""
  index: int = 0
  """Its number among those of its role."""
  hosts: tuple[str, ...] = ()
  """Hosts of those that are called, as learner=10.0.0.3; by default their names."""
  hold: float = 0.0
  """Seconds for which a run that has failed is not started again."""


def main(argv: list[str]) -> int:
  """Runs the node; the process ends with its exit code."""
  node = arguments.parse(NodeConfig, argv, 'qmle node', description=__doc__)
  config = config_lib.overlay(
    config_lib.RunConfig(run=node.run),
    config_lib.load_yaml(node.settings),
    str(node.settings),
  )
  place = places.Place(node.role, node.index)
  hosts = places.parse_hosts(node.hosts, config)
  # TensorFlow: seconds, which no typo waits for.
  from qmle_acme.cluster import entry

  code = entry.run(config, place, hosts, node.hold)
  entry.exit_at_once(code)
  return code
