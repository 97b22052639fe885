"""The ablation: a form that cannot act in a task is refused, and that is reported."""

import pathlib

from qmle_acme.experiments import catalogue
from qmle_acme.experiments.data import DataFile
from qmle_acme.experiments.study import Record

FORM = 'action-out, 3 bins'
WORDS = 'an output for each of 1,350,851,717,672,992,089 actions'


def test_too_many_actions_are_refused_and_that_is_a_finding(
  tmp_path: pathlib.Path,
) -> None:
  study = catalogue.make('ablation')
  cells = [
    {'task': 'synthetic:box:38', 'form': form, 'steps': 100, 'seed': seed}
    for form in ('full', FORM)
    for seed in (1, 2)
  ]
  costs: Record = {'decision_ms': 1.0, 'learner_step_ms': 2.0}
  rows: list[Record] = [
    {'step': step, 'return': step / 200, **costs} for step in (50, 100)
  ]
  data = DataFile(tmp_path / 'data.csv')
  for cell in cells:
    data.add(cell, rows if cell['form'] == 'full' else study.run(cell))

  # As they come back from the file, where a column that a row lacks is empty.
  table = study.table(DataFile(tmp_path / 'data.csv').of(cells)).splitlines()
  assert [line for line in table if line.startswith('|')][2:] == [
    '| synthetic:box:38 | full | 0.5 | 1 | 2 |'
  ]
  (refusal,) = (line for line in table if WORDS in line)
  assert refusal.startswith(f'{FORM} on synthetic:box:38: "action-out would need ')
