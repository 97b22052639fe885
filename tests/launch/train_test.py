"""`qmle train`: where its settings come from."""

import dataclasses
import os
import pathlib
import re
import subprocess
import sys
from typing import Any

import pytest

from qmle_acme import training
from qmle_acme.agents.acme.d4pg import D4PGConfig
from qmle_acme.agents.acme.dmpo import DMPOConfig
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.predictors import (
  CategoricalConfig,
  DeltaConfig,
  MemberConfig,
)
from qmle_acme.errors import UserError
from qmle_acme.launch import train
from qmle_acme.runs.config import AGENTS, FaultsConfig, RunConfig, to_dict
from qmle_acme.topology.supervision import Outcome

RUN = pathlib.Path('runs/x')
ACTOR_CRITIC: dict[str, Any] = {
  'discount': 0.97,
  'n_step': 4,
  'batch_size': 31,
  'policy_learning_rate': 0.01,
  'critic_learning_rate': 0.02,
  'samples_per_insert': 5.0,
  'replay_size': 6_000,
  'min_replay_size': 70,
  'policy_layer_sizes': (8, 9),
  'critic_layer_sizes': (10,),
  'vmin': 1.0,
  'vmax': 2.0,
  'num_atoms': 16,
  'variable_update_period': 17,
}
# Differs from the defaults in every field that has a choice, but for the one target of
# the predictors that needs the cache.
EVERYTHING = RunConfig(
  label='mine',
  run=RUN,
  agent='d4pg',
  env='bandit:bimodal',
  steps=5,
  seed=6,
  layout='local',
  launch='threads',
  actors=7,
  learner_threads=8,
  evaluation_period=9,
  evaluation_episodes=11,
  render_every=12,
  track=('wandb', 'mlflow'),
  checkpoint_minutes=0.5,
  faults=FaultsConfig(1, 3, 7.5, stall_seconds=60.0, stall_policy='end'),
  qmle=QMLEConfig(
    discount=0.98,
    n_step=2,
    batch_size=32,
    learning_rate=0.001,
    target_update_period=3,
    target_update_rate=0.25,
    policy_average_rate=0.5,
    weight_decay=0.125,
    learning_rate_half_life=5_000,
    action_gap=0.5,
    critics=2,
    samples_per_insert=4.0,
    replay_size=5_000,
    min_replay_size=60,
    priority_exponent=0.7,
    importance_exponent=0.3,
    scale_rewards=False,
    epsilon=0.2,
    epsilon_exponent=7.0,
    exploration_steps=5,
    bound_values=True,
    wide_episodes=0.25,
    wide_steps=6,
    exploration_from_predictors=0.75,
    m_target=8,
    m_greedy=16,
    uniform_ratio=0.5,
    predictors=(CategoricalConfig(0.2), DeltaConfig(0.3)),
    second_round=0.5,
    use_cache=False,
    bins=5,
    hidden_size=32,
    argmax='plain',
    fourier_directions=4,
    normalize_observations=True,
    variable_update_period=11,
  ),
  d4pg=D4PGConfig(**ACTOR_CRITIC, target_update_period=12, sigma=0.1),
  dmpo=DMPOConfig(
    **ACTOR_CRITIC,
    target_policy_update_period=13,
    target_critic_update_period=14,
    num_samples=15,
    dual_learning_rate=0.03,
    epsilon=0.2,
    epsilon_penalty=0.002,
    epsilon_mean=0.003,
    epsilon_stddev=0.004,
    activate_final=True,
    init_scale=0.4,
    init_log_temperature=2.0,
    init_log_alpha_mean=3.0,
    init_log_alpha_stddev=4.0,
  ),
)


def flatten(data: Any, prefix: str) -> dict[str, str]:
  """Returns how every setting is written, by the name of its option."""
  if isinstance(data, list):
    words = [
      f'{member["family"]}={member["ratio"]}'
      if isinstance(member, dict)
      else str(member)
      for member in data
    ]
    return {prefix.replace('_', '-'): ' '.join(words)}
  if data is True:
    return {prefix.replace('_', '-'): ''}
  if data is False:
    path, _, name = prefix.rpartition('.')
    return {f'{path}.no-{name}'.replace('_', '-'): ''}
  if not isinstance(data, dict):
    return {prefix.replace('_', '-'): str(data)}
  flat = [flatten(v, f'{prefix}.{k}' if prefix else f'--{k}') for k, v in data.items()]
  return {name: value for part in flat for name, value in part.items()}


OPTIONS = flatten(to_dict(EVERYTHING), '')


def test_every_setting_can_be_given_on_the_command_line() -> None:
  default = RunConfig(run=RUN)
  parts = [(getattr(EVERYTHING, a), getattr(default, a)) for a in AGENTS]
  for one, other in ((EVERYTHING, default), *parts):
    for field in dataclasses.fields(one):
      if field.name not in ('run', 'mle_target', 'argmax_nodes'):
        assert getattr(one, field.name) != getattr(other, field.name), field.name

  arguments = ' '.join(f'{name} {value}' for name, value in OPTIONS.items()).split()

  assert train.parse(['--run', str(RUN), *arguments]) == EVERYTHING
  cached = train.parse(['--run', 'x', '--qmle.mle-target', 'cached'])
  assert cached.qmle.mle_target == 'cached'
  assert train.parse(['--run', 'x', '--argmax-nodes', '2']).argmax_nodes == 2


def test_whole_numbers_have_three_forms() -> None:
  config = train.parse(
    ['--run', 'x', '--steps', '1e6', '--seed', '7', '--qmle.replay-size', '50_000']
  )
  assert (config.steps, config.seed, config.qmle.replay_size) == (1_000_000, 7, 50_000)


def test_defaults_then_files_in_order_then_options(tmp_path: pathlib.Path) -> None:
  first, second = tmp_path / 'first.yaml', tmp_path / 'second.yaml'
  first.write_text('{steps: 1, seed: 1, actors: 1, qmle: {n_step: 2, bins: 5}}')
  second.write_text('{steps: 2, seed: 2, qmle: {n_step: 3}}')

  config = train.parse(
    ['--steps', '3', '--config', str(first), '--run', 'x', f'--config={second}']
  )

  assert (config.steps, config.seed, config.actors) == (3, 2, 1)
  assert (config.qmle.n_step, config.qmle.bins) == (3, 5)
  assert config.layout == 'distributed'


@pytest.mark.parametrize(
  ('agent', 'tensorflow'),
  [('qmle', '1'), ('d4pg', '3')],  # Those of QMLE's arg max, or of TensorFlow.
)
def test_learner_starts_with_its_threads(
  monkeypatch: pytest.MonkeyPatch, agent: str, tensorflow: str
) -> None:
  monkeypatch.setattr(os, 'environ', dict(os.environ))
  seen: list[str | None] = []

  def run(config: RunConfig, environment: Any, early: Any, nursery: Any) -> Outcome:
    names = ('OMP_NUM_THREADS', 'TF_NUM_INTRAOP_THREADS')
    seen.extend(os.environ.get(name) for name in names)
    return Outcome('finished', 0)

  monkeypatch.setattr(training, 'run', run)

  threads = ['--learner-threads', '3']
  assert train.main(['--run', 'x', '--agent', agent, *threads]) == 0
  assert seen == ['3', tensorflow]


def test_settings_of_another_agent_are_said_to_have_no_effect(
  monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
  monkeypatch.setattr(training, 'run', lambda *_, **__: Outcome('finished', 0))
  arguments = ['--run', 'x', '--agent', 'd4pg', '--d4pg.n-step', '2']
  said = 'without effect: qmle.n_step, qmle.critics; the agent is d4pg'

  assert train.main(arguments) == 0
  assert 'without effect' not in capsys.readouterr().err
  assert train.main([*arguments, '--qmle.n-step', '3', '--qmle.critics', '2']) == 0
  assert capsys.readouterr().err.splitlines()[0] == said


def test_a_label_of_settings_is_none_of_another_agent() -> None:
  arguments = ['--run', 'x', '--config', 'strong']

  assert train.parse([*arguments, '--agent', 'd4pg']).label == ''
  assert train.parse([*arguments, '--agent', 'd4pg', '--label', 'own']).label == 'own'
  assert train.parse([*arguments, '--agent', 'qmle']).label == 'strong'


def test_settings_of_the_package_are_found_by_name_from_any_folder(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.chdir(tmp_path)

  strong = train.parse(['--run', 'x', '--config', 'strong'])
  tuned = train.parse(['--run', 'x', '--config', 'd4pg_tuned'])

  assert (strong.label, strong.qmle.n_step) == ('strong', 3)
  assert tuned.agent == 'd4pg'
  (tmp_path / 'strong').write_text('{seed: 5}')  # A file that is there comes first.
  assert train.parse(['--run', 'x', '--config', 'strong']).seed == 5


def test_files_of_the_project_are_accepted() -> None:
  folder = pathlib.Path(__file__).parents[2] / 'configs'
  paths = sorted(folder.glob('*.yaml')) + sorted(folder.glob('baselines/*.yaml'))
  assert paths
  for path in paths:
    train.parse(['--run', 'x', '--config', str(path)])


@pytest.mark.parametrize(
  ('words', 'members'),
  [
    (['delta=0.1'], (DeltaConfig(0.1),)),
    (
      ['categorical=0.06', 'delta=.04'],
      (CategoricalConfig(0.06), DeltaConfig(0.04)),
    ),
    (['--qmle.uniform-ratio', '1'], ()),
  ],
)
def test_any_number_of_predictors(
  words: list[str], members: tuple[MemberConfig, ...]
) -> None:
  config = train.parse(['--run', 'x', '--qmle.predictors', *words])

  assert config.qmle.predictors == members


@pytest.mark.parametrize('agent', AGENTS)
def test_help_shows_every_option_with_its_meaning_and_default(agent: str) -> None:
  command = os.path.join(os.path.dirname(sys.executable), 'qmle')
  result = subprocess.run(
    [command, 'train', '--agent', agent, '--help-all'],
    capture_output=True,
    text=True,
    env=os.environ | {'COLUMNS': '100'},
  )

  assert (result.returncode, result.stderr) == (0, '')
  text = re.sub(r'[│╭╮╰╯─\s]+', ' ', result.stdout)
  # What can be said and denied has both forms in one part.
  text = re.sub(r', --(\S+)\.no-\S+ ', ' or-not ', text)
  parts = {part.split()[0]: part for part in text.split(' --') if part}
  settings = to_dict(RunConfig(run=RUN))
  for other in {*AGENTS} - {agent}:
    del settings[other]
  defaults = flatten(settings, '')
  assert set(defaults) | {'--run'} <= {
    f'--{name}' for part in parts for name in (part, part.replace('.', '.no-'))
  }
  for option, default in defaults.items():
    help_text = parts[option[2:].replace('.no-', '.')]
    shown = f'(default: {default})' if default else '(default: '  # True or False.
    assert shown in help_text
    meaning = help_text.split(' (default')[0].split(maxsplit=2)[2]
    assert meaning.endswith('.') and len(meaning) > 10, option
  assert '(required)' in parts['run']


def test_a_run_without_its_option_is_asked_after() -> None:
  with pytest.raises(UserError, match=r"no argument 'runs/x': is it --run runs/x\?"):
    train.main(['runs/x', '--env', 'bandit:bimodal'])


def test_a_folder_of_hidden_files_alone_may_become_a_run(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  (tmp_path / '.gitkeep').touch()
  monkeypatch.setattr(training, 'run', lambda *_, **__: Outcome('finished', 0))
  assert train.main(['--env', 'bandit:bimodal', '--run', str(tmp_path)]) == 0


@pytest.mark.parametrize('name', ['.', './', '../thesis'])
@pytest.mark.parametrize('file', ['thesis.tex', 'status.json'])  # Of others, too.
def test_the_folder_that_one_is_in_is_no_run_by_accident(
  name: str, file: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  tmp_path = tmp_path / 'thesis'
  tmp_path.mkdir()
  (tmp_path / file).write_text('{"chapters": 3}')
  monkeypatch.chdir(tmp_path)
  with pytest.raises(UserError, match=rf'holds other files \({file}\)'):
    train.main(['--env', 'bandit:bimodal', '--run', name])
  assert [path.name for path in tmp_path.iterdir()] == [file]
  assert (tmp_path / file).read_text() == '{"chapters": 3}'
