"""The official QMLE and ours in turns on the same cores: steps/s, CPU time of a step.

The official code is not ours to ship: fetch github.com/atavakol/qmle, and give it an
environment of its own (Python 3.11; torch, gym 0.23.1, dm-control 1.0.27, mujoco 3.2.7,
numpy < 2, pyglet < 2, tensorboard, setuptools < 81). Then:

    .venv/bin/python docs/side_by_side.py --official qmle --python qmle/.venv/bin/python
"""

import dataclasses
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator

import psutil
import rich.console
import rich.table
import tyro

from qmle_acme.speed import runs

# A whole episode has passed since learning began.
_WARM_UP_STEPS = 1_900
_EPISODE = re.compile(r'step=(\d+), episodic_return')


@dataclasses.dataclass(frozen=True)
class SideBySide:
  """What is measured."""

  official: pathlib.Path
  """Checkout of the official code."""
  python: pathlib.Path
  """Python that has what the official code needs."""
  domain: str = 'walker'
  """Of the control suite."""
  task: str = 'walk'
  """Of the domain."""
  turns: int = 3
  """Of each form, one after the other."""
  seconds: float = 60.0
  """Length of a window after the warm-up, at least."""
  actors: int = 2
  """Of ours, in the distributed layout."""


def main(config: SideBySide) -> None:
  """Measures in turns; prints each turn and the medians of the ratios."""
  table = rich.table.Table(
    'turn', 'official, steps/s', 'ours', 'ratio', 'official, CPU ms', 'ours', 'ratio'
  )
  rates, costs = [], []
  for turn in range(config.turns):
    rate, cost = measure_official(config)
    task = f'control:{config.domain}:{config.task}'
    found = runs.measure(task, 'distributed', config.actors, config.seconds)
    our_rate, our_cost = found['steps_per_second'], found['cpu_ms_per_step']
    rates.append(our_rate / rate)
    costs.append(cost / our_cost)
    row = (rate, our_rate, rates[-1], cost, our_cost, costs[-1])
    table.add_row(str(turn + 1), *(f'{x:.4g}' for x in row))
  medians = statistics.median(rates), statistics.median(costs)
  table.add_row('median', '', '', f'{medians[0]:.3g}', '', '', f'{medians[1]:.3g}')
  rich.console.Console(emoji=False).print(table)


def measure_official(config: SideBySide) -> tuple[float, float]:
  """Returns the official code's environment steps a second, and CPU ms a step.

  A window lies between the ends of two episodes, the first after the warm-up.
  """
  with tempfile.TemporaryDirectory(prefix='side-by-side-') as scratch:
    process = subprocess.Popen(
      [
        str(config.python.absolute()),
        *('-m', 'src.qmle', '--env-id', f'{config.domain}_{config.task}'),
      ],
      cwd=scratch,
      env=os.environ
      | {
        'PYTHONPATH': str(config.official.resolve()),
        'PYTHONUNBUFFERED': '1',
        'MUJOCO_GL': 'disabled',
      },
      stdout=subprocess.PIPE,
      stderr=subprocess.DEVNULL,
      text=True,
    )
    try:
      marks = list(_window(process, config.seconds))
    finally:
      process.kill()
      process.wait()
  (steps, start, cpu), (last_steps, end, last_cpu) = marks[0], marks[-1]
  taken = last_steps - steps
  return taken / (end - start), 1e3 * (last_cpu - cpu) / taken


def _window(
  process: subprocess.Popen[str], seconds: float
) -> Iterator[tuple[int, float, float]]:
  """Yields steps, time and CPU seconds at each episode's end of the window."""
  assert process.stdout is not None
  start = None
  for line in process.stdout:
    found = _EPISODE.match(line)
    if not found or int(found[1]) < _WARM_UP_STEPS:
      continue
    now, times = time.monotonic(), psutil.Process(process.pid).cpu_times()
    start = now if start is None else start
    yield int(found[1]), now, times.user + times.system
    if now - start >= seconds:
      return
  raise RuntimeError('the official code ended before its window did')


if __name__ == '__main__':
  main(tyro.cli(SideBySide))
