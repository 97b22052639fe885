"""What a study is: cells that are run one by one, and what is made of their records."""

import abc
from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias

import matplotlib.figure

# What stands in one field of the data.
Value: TypeAlias = str | int | float
# What identifies a cell; the seed is one of its settings.
Settings: TypeAlias = Mapping[str, Value]
# One row of the data: the cell's settings, and what was found.
Record: TypeAlias = dict[str, Value]


class Study(abc.ABC):
  """An experiment that is cut into small runs, its cells.

  Attributes:
    seeds: how many the full form has.
    quick_seeds: how many the quick form has.
    batch: cells that one process runs in turn; 1 where its memory is measured.
  """

  seeds: ClassVar[int]
  quick_seeds: ClassVar[int]
  batch: ClassVar[int] = 8

  @abc.abstractmethod
  def cells(self, quick: bool) -> Sequence[Settings]:
    """Returns the settings of all cells, without their seeds, most telling first."""

  @abc.abstractmethod
  def run(self, settings: Settings) -> list[Record]:
    """Runs one cell, in a process with one thread; returns its rows.

    Args:
      settings: of the cell, with its seed; they need not be in the rows.
    """

  @abc.abstractmethod
  def table(self, records: Sequence[Record]) -> str:
    """Returns what was found as text in Markdown."""

  @abc.abstractmethod
  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    """Draws what was found."""


def with_seeds(cells: Sequence[Settings], seeds: int) -> list[Settings]:
  """Returns each cell with each of the seeds 1, 2, ...; the first seed of all first."""
  return [{**cell, 'seed': 1 + i} for i in range(seeds) for cell in cells]
