"""`qmle experiment`: one of the studies, with its data, table and figure."""

import dataclasses
import pathlib

import tyro

from qmle_acme.errors import check_range
from qmle_acme.experiments import catalogue
from qmle_acme.files import check_can_make

from . import arguments


@dataclasses.dataclass(frozen=True)
class ExperimentConfig:
  """Settings of an experiment; the same command again goes on where it stopped."""

  name: tyro.conf.Positional[str]
  """Which: bandit, budget, ablation, dimensions, locality, predictors, cardinality,
  exactness."""
  quick: bool = False
  """The short form, of minutes, which shows the direction of the effect at most."""
  out: pathlib.Path | None = None
  """Folder; by default runs/experiments/NAME, and NAME-quick beside it if quick."""
  seeds: int | None = None
  """Runs of each kind; by default as many as the experiment says."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: there is no such experiment, or it would have no seed.
    """
    catalogue.check(self.name)
    if self.seeds is not None:
      check_range('seeds', self.seeds, 1)


def main(argv: list[str]) -> int:
  """Runs what is missing, and reports; returns the exit code."""
  config = arguments.parse(ExperimentConfig, argv, 'qmle experiment')
  name = f'{config.name}-quick' if config.quick else config.name
  out = config.out or pathlib.Path('runs', 'experiments', name)
  check_can_make(out)
  # TensorFlow: seconds, which no typo waits for.
  from qmle_acme.experiments import conducting

  def show(done: int, total: int) -> None:
    print(f'{done} of {total} runs', flush=True)

  conducting.conduct(config.name, out, config.quick, config.seeds, show)
  print((out / 'table.md').read_text())
  print(f'wrote data.csv, table.md and figure.png in {out}')
  return 0
