"""Draws what QMLE reached on tasks with hard actions: docs/hard_tasks.py OUT.

A panel for each task, from evaluations that docs/tasks.md and docs/learning.md name.
"""

import sys

import panels

PANELS = (
  panels.Panel(
    'Platform: three actions, each with parameters',
    'share of the way',
    {
      'QMLE': [f'tasks/platform-qmle-{seed}.jsonl' for seed in (1, 2, 3)],
      'D4PG, actions relaxed to a box': ['tasks/platform-relaxed-d4pg-1.jsonl'],
    },
    {'MP-DQN, after 80,000 episodes': 0.99, 'PA-DDPG, after 80,000 episodes': 0.28},
  ),
  panels.Panel(
    'InvertedPendulum: works only here and there',
    'return of 1,000',
    {
      'QMLE, jagged': [
        f'data/screening/q3c_inverted_pendulum-jagged-{run}.jsonl'
        for run in ('seed1', 'seed1b-unfinished', 'seed2-unfinished')
      ],
      'QMLE, strong, learning rate 1e-4': [
        'data/screening/'
        f'q3c_inverted_pendulum-strong_learning_rate1e-4-seed{seed}.jsonl'
        for seed in (1, 2, 3)
      ],
      'D4PG': ['tasks/q3c_inverted_pendulum-d4pg_tuned-1.jsonl'],
    },
    {},
  ),
  panels.Panel(
    'Cart pole: 30 % of the actions work',
    'return of 1,000',
    {
      'QMLE, jagged': [
        f'data/screening/restricted_cartpole-jagged_policy_average-seed{seed}.jsonl'
        for seed in (1, 2, 3)
      ],
      'without the action gap, and the average': [
        'data/screening/restricted_cartpole-fourier_x3-seed1.jsonl'
      ],
      'D4PG': ['tasks/restricted_cartpole-d4pg_tuned-1.jsonl'],
    },
    {},
  ),
  panels.Panel(
    'Twelve switches and two dials at once',
    'return of 20',
    {
      'QMLE, strong, discount 0': ['tasks/switches12x2-strong_discount0-1.jsonl'],
      'QMLE, discount 0': ['tasks/switches12x2-discount0-1.jsonl'],
      'D4PG, actions relaxed to a box': [
        'tasks/switches12x2-relaxed-d4pg_tuned-1.jsonl'
      ],
    },
    {'random': 6.7},
  ),
)


if __name__ == '__main__':
  panels.save(PANELS, 2, *sys.argv[1:])
