"""`qmle experiment`: one of the studies, with its data, table and figure."""

import dataclasses
import pathlib

import tyro

from launch import arguments
from qmle_acme.errors import UserError, unknown
from qmle_acme.studies import conducting
from qmle_acme.studies.catalogue import STUDIES


@dataclasses.dataclass(frozen=True)
class ExperimentConfig:
  """Settings of an experiment; the same command again goes on where it stopped."""

  name: tyro.conf.Positional[str]
  """Which: bandit, budget, ablation, dimensions, locality, predictors, cardinality,
  exactness."""
  quick: bool = False
  """The short form, of minutes, which shows the direction of the effect at most."""
  out: pathlib.Path | None = None
  """Folder; by default docs/experiments/NAME, and runs/experiments/NAME if quick."""
  seeds: int | None = None
  """Runs of each kind; by default as many as the experiment says."""


def main(argv: list[str]) -> int:
  """Runs what is missing, and reports; returns the exit code."""
  config = arguments.parse(ExperimentConfig, argv, 'qmle experiment')
  if config.name not in STUDIES:
    raise unknown('experiment', config.name, STUDIES)
  if config.seeds is not None and config.seeds < 1:
    raise UserError(f'--seeds is {config.seeds}: it must be at least 1')
  where = pathlib.Path('runs' if config.quick else 'docs')
  out = config.out or where / 'experiments' / config.name

  def show(done: int, total: int) -> None:
    print(f'{done} of {total} runs', flush=True)

  conducting.conduct(config.name, out, config.quick, config.seeds, show)
  print((out / 'table.md').read_text())
  print(f'wrote data.csv, table.md and figure.png in {out}')
  return 0
