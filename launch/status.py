"""`qmle status`: how a run stands, wherever it goes on: all of it is in its folder.

`qmle watch` follows it.
"""

import dataclasses
import pathlib
from typing import Annotated

import rich.console
import rich.table
import rich.text
import tyro

from qmle_acme.errors import in_one_line
from qmle_acme.runs.evaluations import read_evaluations
from qmle_acme.runs.run_folder import RunFolder

from . import arguments


@dataclasses.dataclass(frozen=True)
class StatusConfig:
  """Which run is shown."""

  run: Annotated[pathlib.Path, tyro.conf.Positional]
  """Folder of the run."""


def main(argv: list[str]) -> int:
  """Shows the run; returns the exit code."""
  config = arguments.parse(StatusConfig, argv, 'qmle status', description=__doc__)
  folder = RunFolder(config.run)
  # Or 'control:dog:walk' would get the picture of a dog.
  rich.console.Console(emoji=False).print(table(folder, rows(folder)))
  return 0


def table(folder: RunFolder, shown: dict[str, str]) -> rich.table.Table:
  """Returns what `rows` has found as a table."""
  title = _text(str(folder.path))
  made = rich.table.Table(
    title=title, title_justify='left', show_header=False, min_width=title.cell_len
  )
  for name, value in shown.items():
    made.add_row(name, _text(value))
  return made


def _text(words: str) -> rich.text.Text:
  """Returns words in one line, in which no bracket is markup."""
  return rich.text.Text(in_one_line(words))


def rows(folder: RunFolder) -> dict[str, str]:
  """Returns what is shown, by name.

  Raises:
    UserError: this is no run folder, or a file of it is damaged.
  """
  settings = folder.read_config()
  status, steps = folder.read_status(), settings.steps
  evaluations = read_evaluations(folder)
  # The status is written now and then, an evaluation when it is over.
  told = [int(status.get('actor_steps', 0)), *(e.actor_steps for e in evaluations)]
  taken = max(told)
  greedy = '-'
  if evaluations:
    last = evaluations[-1]
    greedy = f'{last.episode_return_mean:.1f} at {last.actor_steps:,}'
  return {
    'state': status.get('state', 'status.json is missing' if taken else 'not started'),
    'steps': f'{taken:,} of {steps:,} ({min(taken / steps, 1):.0%})',
    'learner steps': f'{int(status.get("learner_steps", 0)):,}',
    'saved': f'{int(status.get("saved_steps", 0)):,} steps',
    'greedy return': greedy,
    'error': status.get('error') or '-',
  }
