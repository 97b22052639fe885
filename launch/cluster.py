"""`qmle cluster`: files with which other engines run the nodes of a run.

  qmle cluster compose     a file for Docker Compose
  qmle cluster kubernetes  a kustomize base and overlay
  qmle cluster slurm       a script for sbatch

Each takes every setting of `qmle train`. `--run` names the run and its folder.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from qmle_acme import environments
from qmle_acme.cluster import compose, deployment, kubernetes, slurm
from qmle_acme.errors import unknown

from . import train


@dataclasses.dataclass(frozen=True)
class Engine:
  """An engine that runs nodes.

  Attributes:
    config: the class of its settings.
    render: returns its files from settings and command.
    start: the command that starts the run, with {out} in it.
  """

  config: type[deployment.ClusterConfig]
  render: Callable[[Any, Sequence[str]], dict[str, str]]
  start: str


ENGINES = {
  'compose': Engine(
    compose.ComposeConfig, compose.render, 'docker compose -f {out}/compose.yaml up'
  ),
  'kubernetes': Engine(
    kubernetes.KubernetesConfig, kubernetes.render, 'kubectl apply -k {out}/overlay'
  ),
  'slurm': Engine(slurm.SlurmConfig, slurm.render, 'sbatch {out}/run.sbatch'),
}


def main(argv: list[str]) -> int:
  """Writes the files; returns the exit code."""
  if not argv or argv[0] in ('-h', '--help'):
    print(__doc__)
    return 0
  name, *rest = argv
  if name not in ENGINES:
    raise unknown('engine', name, ENGINES)
  engine, command = ENGINES[name], ['qmle', 'cluster', *argv]
  config = parse(name, rest)
  environments.check(config.env)
  written = deployment.write_files(config.out, engine.render(config, command))
  for path, is_new in written.items():
    print(f'{"wrote" if is_new else "replaced"} {path}')
  print(f'start: {engine.start.format(out=config.out)}')
  return 0


def parse(name: str, argv: list[str]) -> deployment.ClusterConfig:
  """Returns the settings for an engine that the arguments describe."""
  kind = ENGINES[name].config
  return train.parse_more(kind, argv, f'qmle cluster {name}', kind.__doc__)
