"""What is searched, as a file says it."""

import pathlib

import optuna
import pytest

from qmle_acme.errors import UserError
from qmle_acme.runs import config as config_lib
from qmle_acme.runs.config import AGENTS, RunConfig
from qmle_acme.tuning import space

TEXT = """
qmle:
  n_step: [1, 3]
  predictors: [[{family: delta, ratio: 0.1}], [{family: categorical, ratio: 0.1}]]
  learning_rate: {low: 1e-4, high: 1e-2, log: true}
  m_target: {low: 50, high: 200, step: 50}
  bins: 5
evaluation_episodes: {low: 1, high: 3}
"""


def load(folder: pathlib.Path, text: str) -> space.Space:
  path = folder / 'space.yaml'
  path.write_text(text)
  return space.load(path)


def test_settings_are_drawn_as_the_file_says(tmp_path: pathlib.Path) -> None:
  searched = load(tmp_path, TEXT)
  assert searched.names == (
    *('qmle.n_step', 'qmle.predictors', 'qmle.learning_rate', 'qmle.m_target'),
    'evaluation_episodes',
  )
  values = {
    'qmle.n_step': 1,  # Choices by their place.
    'qmle.predictors': 0,
    'qmle.learning_rate': 2e-3,
    'qmle.m_target': 150,
    'evaluation_episodes': 2,
  }
  assert searched.suggest(optuna.trial.FixedTrial(values)) == {
    'qmle': {
      'n_step': 3,
      'predictors': [{'family': 'delta', 'ratio': 0.1}],
      'learning_rate': 2e-3,
      'm_target': 150,
      'bins': 5,
    },
    'evaluation_episodes': 2,
  }


def test_draws_lie_in_their_ranges(tmp_path: pathlib.Path) -> None:
  searched = load(tmp_path, TEXT)
  study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
  drawn = [searched.suggest(study.ask())['qmle'] for _ in range(200)]
  rates = [settings['learning_rate'] for settings in drawn]
  assert min(rates) >= 1e-4 and max(rates) <= 1e-2
  assert 0.35 < sum(rate < 1e-3 for rate in rates) / 200 < 0.65  # By the logarithm.
  assert {settings['m_target'] for settings in drawn} == {50, 100, 150, 200}


def test_the_setting_decides_whether_numbers_are_whole(tmp_path: pathlib.Path) -> None:
  text = 'qmle: {epsilon: {low: 0, high: 1}, n_step: {low: 1, high: 5}}'
  searched = load(tmp_path, text)
  study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
  drawn = [searched.suggest(study.ask())['qmle'] for _ in range(50)]
  assert len({settings['epsilon'] for settings in drawn}) == 50
  assert {settings['n_step'] for settings in drawn} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize('agent', AGENTS)
def test_spaces_of_ours_give_settings_that_can_be_used(agent: str) -> None:
  searched = space.load(space.SPACES / f'{agent}.yaml')
  study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
  base = RunConfig(run=pathlib.Path('x'), agent=agent)
  drawn = [
    config_lib.overlay(base, searched.suggest(study.ask()), 'x') for _ in range(20)
  ]
  assert len(set(map(repr, drawn))) > 15


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('qmle: {n_step: 3}', 'has nothing to search'),
    ('qmle: {n_step: []}', 'qmle.n_step has no choice'),
    ('steps: {low: 5, high: 5}', 'low must be less than high'),
    ('steps: {low: 5}', 'a range has low and high'),
    ('steps: {low: 5, high: many}', 'low, high and step are whole numbers'),
    ('qmle: {epsilon: {low: 0, high: x}}', 'low, high and step are numbers'),
    ('steps: {low: 5, high: 9, lgo: true}', 'a range has low and high'),
    ('steps: {low: 5, high: 9, log: maybe}', 'log is true or false'),
    ('steps: {low: 0, high: 9, log: true}', 'low must be positive'),
    ('steps: {low: 1, high: 9, log: true, step: 2}', 'there is no step'),
    ('steps: {low: 1, high: 9, step: 0}', 'step must be positive'),
    ('steps: {low: 1, high: 9, step: 0.5}', 'are whole numbers'),
    ('steps: {low: 1, high: 9, step: 9}', 'no more than high - low'),
    ('qmle: {n_step: {of: {low: 1, high: 3}}}', r'qmle\.n_step is one setting'),
  ],
)
def test_what_is_no_space_is_one_line(
  text: str, message: str, tmp_path: pathlib.Path
) -> None:
  with pytest.raises(UserError, match=message):
    load(tmp_path, text)
