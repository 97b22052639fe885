"""`qmle doctor`: whether this machine can run what is asked of it, and what to do.

With the options of `qmle train` it examines the needs of that run too: its memory, disk
and open files. A run that is there is `--run FOLDER --config FOLDER/config.yaml`. The
exit code is 1 if a run would fail, else 0.
"""

import rich.console
import rich.text

from qmle_acme import environments
from qmle_acme.doctor import examination
from qmle_acme.doctor.findings import Finding, Level

from . import train

_STYLES = {Level.GOOD: 'green', Level.WARNING: 'yellow', Level.BAD: 'bold red'}


def main(argv: list[str]) -> int:
  """Examines and prints; returns the exit code."""
  config = train.parse(argv, 'qmle doctor', __doc__) if argv else None
  if config:
    environments.check(config.env)
  console = rich.console.Console(highlight=False, emoji=False)
  levels = []
  for finding in examination.examine(config):
    console.print(_line(finding), soft_wrap=True)
    levels.append(finding.level)
  return int(Level.BAD in levels)


def _line(finding: Finding) -> rich.text.Text:
  level = (f'{finding.level.value:8}', _STYLES[finding.level])
  advice = f' -> {finding.advice}' if finding.advice else ''
  return rich.text.Text.assemble(level, f'{finding.name:11}{finding.text}{advice}')
