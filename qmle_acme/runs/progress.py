"""How a run stands, for a person: a live table, or plain lines where none can be."""

import collections
import datetime
import enum
import functools
import math
import time
from collections.abc import Callable
from typing import Any

import rich.console
import rich.live
import rich.table

from qmle_acme.replay import TABLE
from qmle_acme.runs import screen
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.records import ACTOR_STEPS, LEARNER_STEPS, WARNING

_TABLE_SECONDS = 1.0
_LINE_SECONDS = 10.0
# Rates are means over this many updates.
_WINDOW = 15
# How near to a bound of the rate limiter one side has to wait for the other.
_NEAR_BOUND = 0.1


class Display:
  """A table that is drawn over the last one; where none can be, a line now and then."""

  def __init__(self, console: rich.console.Console):
    self._console = console
    self._live: rich.live.Live | None = None
    self._period = _TABLE_SECONDS if console.is_terminal else _LINE_SECONDS
    self._next = 0.0

  def is_due(self) -> bool:
    """Returns whether it is time for another update."""
    return time.monotonic() >= self._next

  def show(self, make_table: Callable[[], rich.table.Table], line: str | None) -> None:
    """Shows the table in a terminal; elsewhere the line, if there is anything new."""
    self._next = time.monotonic() + self._period
    if not self._console.is_terminal:
      if line is not None:
        screen.say(self._console, line)
      return
    if self._live is None:
      self._live = rich.live.Live(console=self._console, auto_refresh=False)
      self._live.start()
    self._live.update(make_table(), refresh=True)

  def say(self, line: str) -> None:
    """Prints a line, above the table if there is one."""
    screen.say(self._console, line)

  def close(self) -> None:
    """Leaves the last state on the screen."""
    if self._live:
      self._live.stop()


class Progress:
  """Shows a run while it goes on."""

  def __init__(self, config: RunConfig, console: rich.console.Console):
    """Initialises.

    Args:
      config: settings of the run.
      console: where to show it.
    """
    self._config = config
    self._display = Display(console)
    self._awaited = ''
    self._history: collections.deque[tuple[float, float, float]] = collections.deque(
      maxlen=_WINDOW
    )

  def wait_for(self, what: str) -> None:
    """Says, once, what has to come before there is a state to show."""
    if what != self._awaited:
      self._awaited = what
      self.say(f'waiting for {what}')

  def is_due(self) -> bool:
    """Returns whether it is time for another update."""
    return self._display.is_due()

  def update(self, snapshot: dict[str, Any], replay_info: dict[str, Any]) -> None:
    """Shows the state of the run.

    Args:
      snapshot: of the recorder; `restarts` in it, if there were any.
      replay_info: the tables' info by name, from Reverb.
    """
    steps, learner_steps = (snapshot.get(k, 0) for k in (ACTOR_STEPS, LEARNER_STEPS))
    last_counts = self._history[-1][1:] if self._history else None
    if last_counts and steps < last_counts[0]:
      self._history.clear()  # The run has gone back to a checkpoint.
    self._history.append((time.monotonic(), steps, learner_steps))
    rows = self._rows(snapshot, replay_info[TABLE])
    line = '  '.join(f'{name} {value}' for name, value in rows.items())
    is_news = (steps, learner_steps) != last_counts
    self._display.show(functools.partial(self._table, rows), line if is_news else None)

  def say(self, line: str) -> None:
    """Shows a line by itself."""
    self._display.say(line)

  def close(self) -> None:
    """Leaves the last state on the screen."""
    self._display.close()

  def _rows(self, snapshot: dict[str, Any], table: Any) -> dict[str, str]:
    """Returns what is shown, by name."""
    total = self._config.steps
    steps = int(snapshot.get(ACTOR_STEPS, 0))
    actor_rate, learner_rate = self._rates()
    evaluation = snapshot['last_evaluation']
    recent = snapshot['recent_returns']
    waits = who_waits(table.rate_limiter_info)
    rows = {
      'steps': f'{steps:,} of {total:,} ({min(steps / total, 1):.0%})',
      'actors': f'{actor_rate:.0f} steps/s',
      'learner': f'{learner_rate:.1f} steps/s',
      'left': _left(total - steps, actor_rate),
      'return': f'{sum(recent) / len(recent):.1f} (last {len(recent)})'
      if recent
      else '-',
      'greedy return': (
        f'{evaluation["episode_return_mean"]:.1f} at {evaluation[ACTOR_STEPS]:,}'
        if evaluation and evaluation['episode_return_mean'] is not None
        else '-'
      ),
      'replay': f'{table.current_size:,}',
      'waits': '-' if waits is Waits.NOBODY else waits.value,
    }
    if snapshot.get(WARNING):
      rows['warning'] = snapshot[WARNING]
    if snapshot.get('restarts'):
      rows['restarts'] = str(snapshot['restarts'])
    return rows

  def _rates(self) -> tuple[float, float]:
    """Returns actor and learner steps per second over the last updates."""
    (t0, actor0, learner0), (t1, actor1, learner1) = self._history[0], self._history[-1]
    seconds = t1 - t0
    if not seconds:
      return 0.0, 0.0
    return (actor1 - actor0) / seconds, (learner1 - learner0) / seconds

  def _table(self, rows: dict[str, str]) -> rich.table.Table:
    config = self._config
    title = f'{config.agent} on {config.env} in {config.run}'
    table = rich.table.Table(
      title=title, title_justify='left', show_header=False, min_width=len(title)
    )
    for name, value in rows.items():
      table.add_row(name, value)
    return table


def _left(steps: int, rate: float) -> str:
  """Returns what a run still has to do, in time if that is known."""
  if steps <= 0:
    return 'the last evaluation'
  return str(datetime.timedelta(seconds=round(steps / rate))) if rate else '-'


class Waits(enum.Enum):
  """Who waits for whom; the values are for people."""

  NOBODY = 'nobody'
  FIRST = 'learner for the first transitions'
  LEARNER = 'learner for the actors'
  ACTORS = 'actors for the learner'


def who_waits(info: Any) -> Waits:
  """Returns who waits for whom, from the state of Reverb's rate limiter.

  The limiter lets inserts x ratio - samples move between two bounds: at the upper one
  actors wait, at the lower one the learner does.
  """
  if info.sample_stats.completed == 0:
    return Waits.FIRST
  width = info.max_diff - info.min_diff
  if math.isinf(width):  # The local layout, which paces itself.
    return Waits.NOBODY
  diff = info.insert_stats.completed * info.samples_per_insert
  diff -= info.sample_stats.completed
  position = (diff - info.min_diff) / width
  if position > 1 - _NEAR_BOUND:
    return Waits.ACTORS
  if position < _NEAR_BOUND:
    return Waits.LEARNER
  return Waits.NOBODY
