"""What an examination finds."""

import dataclasses
import enum


class Level(enum.Enum):
  """What a finding means for a run; the values are how it is shown."""

  GOOD = 'ok'
  WARNING = 'warning'
  """A run works, but not as well, or not as safely, as it could."""
  BAD = 'bad'
  """A run would fail."""


@dataclasses.dataclass(frozen=True)
class Finding:
  """One line of an examination."""

  name: str
  """What was examined, for example 'memory'."""
  text: str
  """What was found."""
  level: Level = Level.GOOD
  advice: str = ''
  """What to do about it; empty if there is nothing."""


def judge(name: str, text: str, level: Level, is_well: bool, advice: str) -> Finding:
  """Returns a finding that is of this level, with this advice, unless all is well."""
  return Finding(name, text) if is_well else Finding(name, text, level, advice)
