"""Settings of a measurement: which sections, and of what."""

import dataclasses
import typing
from pathlib import Path
from typing import Literal

from qmle_acme.errors import UserError, check_positive, check_range

Section = Literal[
  'scoring', 'agreement', 'learner', 'actor', 'replay', 'traffic', 'runs'
]


@dataclasses.dataclass(frozen=True)
class SpeedConfig:
  """Settings of a measurement."""

  out: Path = Path('speed.json')
  """File to write."""
  sections: tuple[Section, ...] = typing.get_args(Section)
  """What to measure."""
  tasks: tuple[str, ...] = ('control:walker:walk', 'control:dog:walk')
  """Environments of learner, actor and runs; replay takes the first."""
  trained: tuple[Path, ...] = ()
  """Folders of QMLE runs, on whose networks the compiled arg max is checked."""
  layouts: tuple[Literal['distributed', 'local'], ...] = ('distributed', 'local')
  """Layouts of the whole runs."""
  actors: tuple[int, ...] = (1, 2, 4)
  """Actors of the whole runs in the distributed layout."""
  seconds: float = 30.0
  """Length of the window of a whole run, after its warm-up."""
  repetitions: int = 15
  """Repetitions of what is measured part by part."""
  rows: int = 200_000
  """Transitions written to measure the memory of replay."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: a value lies outside its range; the message names it.
    """
    for name in ('sections', 'tasks', 'layouts', 'actors'):
      if not getattr(self, name):
        raise UserError(f'{name} is empty: name at least one')
    if self.sections == ('agreement',) and not self.trained:
      raise UserError('agreement needs trained runs: name their folders with --trained')
    check_range('actors', min(self.actors), 1)
    check_range('repetitions', self.repetitions, 1)
    # Replay holds 1,000,000, and a fifth more than these rows is written.
    check_range('rows', self.rows, 1_000, 800_000)
    check_positive('seconds', self.seconds)
