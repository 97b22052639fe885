"""Settings: overlays of YAML files, round trips, differences, checks."""

import dataclasses
import os
import pathlib
from typing import Any

import pytest
import yaml

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.predictors import (
  CategoricalConfig,
  DeltaConfig,
  MixtureConfig,
)
from qmle_acme.errors import UserError
from qmle_acme.runs import config as config_lib
from qmle_acme.runs.config import RunConfig

RUN = pathlib.Path('runs/x')
DEFAULT = RunConfig(run=RUN)


def overlay(text: str) -> RunConfig:
  return config_lib.overlay(DEFAULT, yaml.safe_load(text), 'mine.yaml')


def test_overlay_replaces_what_it_names_and_nothing_else() -> None:
  config = overlay("""
    steps: 500
    checkpoint_minutes: 2
    layout: local
    qmle:
      discount: 0.5
      uniform_ratio: 0.7
      predictors: [{family: categorical, ratio: 0.3}]
  """)

  assert config == dataclasses.replace(
    DEFAULT,
    steps=500,
    checkpoint_minutes=2.0,
    layout='local',
    qmle=QMLEConfig(
      discount=0.5, uniform_ratio=0.7, predictors=(CategoricalConfig(0.3),)
    ),
  )
  assert type(config.checkpoint_minutes) is float


def test_later_overlay_wins_and_keeps_the_rest_of_an_earlier_one() -> None:
  first = overlay('{steps: 500, qmle: {discount: 0.5, n_step: 3}}')
  second = config_lib.overlay(first, {'qmle': {'discount': 0.6}}, 'second.yaml')

  assert second.steps == 500
  assert (second.qmle.discount, second.qmle.n_step) == (0.6, 3)


def test_predictors_with_options_go_through_a_file_and_back() -> None:
  config = overlay("""
    qmle:
      uniform_ratio: 0.5
      predictors:
      - {family: mixture, ratio: 0.3, components: 8}
      - {family: mixture, ratio: 0.2, name: narrow, max_scale: 0.1}
  """)
  wide, narrow = config.qmle.predictors
  assert isinstance(wide, MixtureConfig) and isinstance(narrow, MixtureConfig)
  assert (wide.name, wide.components, wide.max_scale) == ('mixture', 8, 1.0)
  assert (narrow.name, narrow.components, narrow.max_scale) == ('narrow', 4, 0.1)
  assert config_lib.from_dict(config_lib.to_dict(config), RUN) == config


def test_overlay_on_a_run_without_predictors() -> None:
  alone = overlay('qmle: {uniform_ratio: 1, predictors: []}')
  assert alone.qmle.predictors == ()

  data = {'qmle': {'uniform_ratio': 0.8, 'predictors': [{'family': 'delta'}]}}
  data['qmle']['predictors'][0]['ratio'] = 0.2  # type: ignore[index]
  again = config_lib.overlay(alone, data, 'second.yaml')
  assert again.qmle.predictors == (DeltaConfig(0.2),)


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('stepz: 3', "unknown key in mine.yaml 'stepz'; nearest: steps"),
    ('qmle: {discont: 0.9}', "unknown key in mine.yaml: qmle 'discont'; nearest: disc"),
    ('7: 3', "unknown key in mine.yaml '7'; nearest: "),
    (
      'steps: many',
      "mine.yaml: steps: input should be a valid integer (given: 'many')",
    ),
    ('steps: 1.5', 'mine.yaml: steps: input should be a valid integer (given: 1.5)'),
    ('steps: true', 'mine.yaml: steps: input should be a valid integer (given: True)'),
    ('steps: 2020-01-01', "should be a valid integer (given: '2020-01-01')"),
    ('env: 3', 'mine.yaml: env: input should be a valid string (given: 3)'),
    ('run: 3', 'mine.yaml: run: input should be a valid string (given: 3)'),
    ('qmle: 3', 'mine.yaml: qmle: input should be an object (given: 3)'),
    (
      'qmle: {learning_rate: x}',
      "mine.yaml: qmle.learning_rate: input should be a valid number (given: 'x')",
    ),
    (
      'layout: remote',
      "layout: input should be 'local' or 'distributed' (given: 'remote')",
    ),
    (
      'qmle: {mle_target: cashed}',
      "should be 'improved' or 'cached' (given: 'cashed')",
    ),
    ('agent: qmel', "unknown agent 'qmel'; nearest: qmle"),
    ('qmle: {predictors: delta}', 'qmle.predictors: input should be a valid array (g'),
    ('qmle: {predictors: [delta]}', 'qmle.predictors.0: input should be an object (g'),
    ('qmle: {predictors: [{famly: delta}]}', "'famly'; nearest: family"),
    (
      'qmle: {predictors: [{family: delta, ratio: 0.1, components: 2}]}',
      "unknown key in mine.yaml: qmle: predictors: delta 'components'; nearest: ",
    ),
    (
      'qmle: {predictors: [{family: delta}]}',
      'predictors.0.delta.ratio: field required (g',
    ),
    (
      'qmle: {predictors: [{family: delta, ratio: a}]}',
      "qmle.predictors.0.delta.ratio: input should be a valid number (given: 'a')",
    ),
    ('qmle: {predictors: [{family: dleta, ratio: 0.1}]}', "'dleta'; nearest: delta"),
    ('qmle: {uniform_ratio: 0.5}', 'uniform_ratio and predictors is (0.5, 0.01, 0.09)'),
    ('steps: 0', 'steps is 0: it must be at least 1'),
    ('seed: -1', 'mine.yaml: seed is -1: it must be at least 0'),
    ('checkpoint_minutes: 0', 'checkpoint_minutes is 0: it must be more than 0'),
    ('checkpoint_minutes: .inf', 'checkpoint_minutes is inf: it must be finite'),
    ('checkpoint_minutes: .nan', 'checkpoint_minutes is nan: it must be finite'),
    ('qmle: {learning_rate: .inf}', 'qmle.learning_rate is inf: it must be finite'),
    ('qmle: {discount: 1.1}', 'qmle.discount is 1.1: it must be at most 1'),
  ],
)
def test_bad_overlay_is_refused_in_one_line(text: str, message: str) -> None:
  with pytest.raises(UserError) as caught:
    overlay(text)

  assert message in str(caught.value)
  assert '\n' not in str(caught.value)


@pytest.mark.parametrize('content', [None, '- a\n- b\n', 'steps: [1\n  : }', ''])
def test_file_that_is_no_mapping_is_refused_in_one_line(
  tmp_path: pathlib.Path, content: str | None
) -> None:
  path = tmp_path / 'mine.yaml'
  if content is not None:
    path.write_text(content)

  with pytest.raises(UserError) as caught:
    config_lib.load_yaml(path)

  assert str(path) in str(caught.value)
  assert '\n' not in str(caught.value)


def test_round_trip_through_a_file(tmp_path: pathlib.Path) -> None:
  config = dataclasses.replace(
    DEFAULT,
    env='bandit:bimodal',
    launch='threads',
    seed=7,
    qmle=QMLEConfig(
      mle_target='cached',
      uniform_ratio=0.75,
      predictors=(DeltaConfig(0.25),),
    ),
  )
  path = tmp_path / 'config.yaml'
  path.write_text(yaml.safe_dump(config_lib.to_dict(config)))

  data = config_lib.load_yaml(path)

  assert config_lib.from_dict(data, RUN) == config
  assert 'run' not in data  # A run folder may be moved.


def overlaid(folder: pathlib.Path, text: str) -> RunConfig:
  """Returns the defaults under a file of this text."""
  path = folder / 'mine.yaml'
  path.write_text(text)
  return config_lib.overlay(DEFAULT, config_lib.load_yaml(path), 'mine.yaml')


@pytest.mark.parametrize(
  ('text', 'value'),
  [('5e-4', 5e-4), ('5.0E-4', 5e-4), ('1e3', 1e3), ('1', 1.0), ('0.5', 0.5)],
)
def test_numbers_may_be_written_with_an_exponent(
  tmp_path: pathlib.Path, text: str, value: float
) -> None:
  config = overlaid(tmp_path, f'qmle: {{learning_rate: {text}}}\nenv: a5e4\n')
  assert config.qmle.learning_rate == value
  assert config.env == 'a5e4'


@pytest.mark.parametrize(
  ('text', 'steps'), [('1e6', 1_000_000), ('2.5e+3', 2_500), ('1_000', 1_000)]
)
def test_whole_numbers_may_be_written_with_an_exponent(
  tmp_path: pathlib.Path, text: str, steps: int
) -> None:
  assert overlaid(tmp_path, f'steps: {text}').steps == steps


@pytest.mark.parametrize('text', ['1e-1', '1.5', '3.0', '1e400'])
def test_what_is_no_whole_number_is_refused(tmp_path: pathlib.Path, text: str) -> None:
  what = r'^mine\.yaml: steps: input should be a valid int'
  with pytest.raises(UserError, match=what):
    overlaid(tmp_path, f'steps: {text}')


@pytest.mark.parametrize(
  'text',
  [
    'steps: 1:30',
    'steps: 010',
    'steps: 0x10',
    'steps: 0b10',
    'checkpoint_minutes: 1:30.5',
  ],
)
def test_numbers_that_yaml_reads_to_another_base_are_refused(
  tmp_path: pathlib.Path, text: str
) -> None:
  with pytest.raises(UserError, match=r'mine\.yaml.*is no decimal number'):
    overlaid(tmp_path, text)


def test_differences_names_every_setting_that_differs() -> None:
  other = dataclasses.replace(DEFAULT, seed=2, qmle=QMLEConfig(n_step=3))
  old: dict[str, Any] = config_lib.to_dict(DEFAULT)
  new: dict[str, Any] = config_lib.to_dict(other)
  del new['env']

  assert config_lib.differences(old, old) == []
  assert config_lib.differences(old, new) == [
    'env: control:walker:walk -> None',
    'qmle.n_step: 1 -> 3',
    'seed: 1 -> 2',
  ]


@pytest.mark.parametrize(
  ('cores', 'actors', 'threads'),
  [(1, 2, 2), (2, 2, 2), (4, 2, 2), (8, 2, 6), (16, 4, 8), (64, 16, 8)],
)
def test_actors_and_threads_are_by_the_cores_of_the_machine(
  cores: int, actors: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setattr(os, 'sched_getaffinity', lambda _: set(range(cores)))
  config = RunConfig(run=pathlib.Path('x'))
  assert (config.actors, config.learner_threads) == (actors, threads)
  given = RunConfig(run=pathlib.Path('x'), actors=3, learner_threads=1)
  assert (given.actors, given.learner_threads) == (3, 1)


def test_arg_max_nodes_are_of_an_agent_that_takes_one() -> None:
  with pytest.raises(UserError, match='argmax_nodes must be 0: d4pg takes no arg max'):
    RunConfig(run=pathlib.Path('x'), agent='d4pg', argmax_nodes=1)
  with pytest.raises(
    UserError, match='argmax_nodes must be 0: the local layout has no'
  ):
    RunConfig(run=pathlib.Path('x'), layout='local', argmax_nodes=1)


def test_what_is_wrong_in_a_file_names_the_file(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'mine.yaml'
  path.write_text('steps: 3\nqmle: [')
  with pytest.raises(UserError) as caught:
    config_lib.load_yaml(path)
  assert str(caught.value).count(str(path)) == 2 and 'line 2' in str(caught.value)
  assert '<unicode string>' not in str(caught.value)

  line = "mine.yaml: qmle: predictors: unknown predictor family 'dleta'; nearest: delta"
  with pytest.raises(UserError, match=line):
    overlay('qmle: {predictors: [{family: dleta, ratio: 0.1}]}')
