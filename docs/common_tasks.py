"""Draws `--config strong` on common tasks: docs/common_tasks.py OUT.

A panel for each task, from evaluations that docs/learning.md names, beside returns that
others have published after 100,000 steps.
"""

import sys

import panels

from qmle_acme.report import published

_STEPS = 100_000
_OTHERS = ('SAC', 'SimbaV2')
_STRONG = {
  'control:walker:walk': ['strong_x3-seed1', 'strong_x3-seed2', 'strong_x3-seed3'],
  'control:cheetah:run': [
    'strong_x3_wide_after_nothing-seed1',
    'strong_x3-seed2',
    'strong_x3-seed3',
  ],
  'control:reacher:hard': [
    f'strong_x3_wide_after_nothing-seed{seed}' for seed in (1, 2, 3)
  ],
  'control:quadruped:walk': [
    'strong_x3-seed1',
    'strong_x3-seed2',
    'strong_x3_wide_after_nothing-seed3',
  ],
  'control:finger:turn_hard': [
    f'strong_x3_wide_after_nothing-seed{seed}' for seed in (1, 2, 3)
  ],
  'control:hopper:stand': [
    f'strong_x3_wide_after_nothing-seed{seed}' for seed in (1, 2)
  ],
}
_WITH_DEFAULT = (
  'walker:walk',
  'cheetah:run',
  'reacher:hard',
  'quadruped:walk',
  'hopper:stand',
)
_DEFAULT = {f'control:{task}': ['default_to_100000-seed1'] for task in _WITH_DEFAULT}


def make_panel(task: str) -> panels.Panel:
  """Returns the panel of a task."""
  _, domain, name = task.split(':')

  def files(runs: dict[str, list[str]]) -> list[str]:
    folder = 'data/screening'
    return [f'{folder}/{domain}_{name}-{run}.jsonl' for run in runs.get(task, [])]

  others = published.at(published.load([task]), {task: _STEPS}).loc[task]
  return panels.Panel(
    f'{domain}:{name}',
    'greedy return',
    {'QMLE, strong': files(_STRONG), 'QMLE, default': files(_DEFAULT)},
    {f'{other}, published': others[other] for other in _OTHERS},
  )


if __name__ == '__main__':
  panels.save([make_panel(task) for task in _STRONG], 3, *sys.argv[1:])
