"""Suites, and the grid of runs that the settings of a benchmark describe."""

import dataclasses
import importlib.util
import pathlib
import shlex

import pytest

from qmle_acme import actions, environments
from qmle_acme.agents.acme.d4pg import D4PGConfig
from qmle_acme.agents.acme.dmpo import DMPOConfig
from qmle_acme.benchmark import suites
from qmle_acme.benchmark.grid import BenchmarkConfig, make_grid
from qmle_acme.errors import UserError
from qmle_acme.launch import benchmark, train

WALK = 'control:walker:walk'
SPIN = 'control:finger:spin'
EXTRAS = ('grid2op', 'gymnasium_robotics')


def test_suites() -> None:
  sizes = {
    name: sorted(task.dimensions for task in suites.load(name).values())
    for name in suites.names()
  }
  assert list(sizes) == [
    'complex',
    'control18',
    'control9',
    'high_dimensional',
    'quick',
  ]
  assert len(sizes['control18']) == 18
  assert (sizes['control18'][0], sizes['control18'][-1]) == (1, 38)
  assert len(sizes['quick']) == 3
  assert sizes['control9'] == [1, 2, 2, 4, 6, 6, 12, 21, 38]
  assert sizes['high_dimensional'][0] >= 12


def test_sizes_in_suites_are_those_of_the_environments() -> None:
  for task, size in suites.sizes().items():
    if any(importlib.util.find_spec(x) is None for x in EXTRAS if x in task):
      continue
    environment = environments.make(task, seed=0)
    assert actions.make(environment.action_spec(), bins=2).size == size, task
    environment.close()


def test_a_suite_has_budgets_and_who_acts_in_boxes_gets_its_tasks_relaxed(
  tmp_path: pathlib.Path,
) -> None:
  config = BenchmarkConfig(out=tmp_path, suite='complex', seeds=1)
  runs = {(run.task, run.agent): run for run in make_grid(config)}
  platform = [runs['hybrid:platform', agent] for agent in ('qmle', 'd4pg', 'dmpo')]
  relaxed = 'relaxed:hybrid:platform'
  assert [run.env for run in platform] == ['hybrid:platform', relaxed, relaxed]
  parsed = train.parse(list(platform[1].arguments[1:]))
  assert (parsed.env, parsed.steps) == (relaxed, 100_000)
  assert platform[1].folder.path == tmp_path / 'hybrid-platform' / 'd4pg' / 'seed1'
  assert runs['q3c:Hopper-v5', 'd4pg'].env == 'q3c:Hopper-v5'

  longer = make_grid(dataclasses.replace(config, steps=7))
  assert {run.steps for run in longer} == {7}


@pytest.mark.parametrize(
  ('text', 'reason'),
  [
    ('tasks: {bandit:bimodal: {steps: 7}}', 'bandit:bimodal: needs its dimensions'),
    ('tasks: {bandit:bimodal: {dimensions: 2, stpes: 7}}', 'needs its dimensions'),
    ('tasks: {bandit:bimodal: many}', 'bandit:bimodal: dimensions.*many'),
    ('tasks: {bandit:bimodal: -1}', 'dimensions is -1: it must be at least 0'),
    ('tasks: {bandit:bimodal: {dimensions: 2, steps: 0}}', 'steps.*at least 1'),
    ('tasks: {bandit:bimodal: {dimensions: 2, relaxed: 3}}', 'bandit:bimodal: relaxed'),
    ('tasks: {3: 1}', '3 is no name of an environment'),
    ('{tasks: {bandit:bimodal: 2}, tsks: 3}', 'holds tsks'),
    ('tasks: {}', 'holds no tasks'),
  ],
)
def test_a_suite_that_says_nonsense_is_refused(
  text: str, reason: str, tmp_path: pathlib.Path
) -> None:
  own = tmp_path / 'own.yaml'
  own.write_text(text)
  with pytest.raises(UserError, match=rf'own\.yaml.*{reason}'):
    suites.load(str(own))


def test_empty_words_are_no_names(tmp_path: pathlib.Path) -> None:
  config = BenchmarkConfig(out=tmp_path, tasks=f'{WALK},,', agents='qmle,', seeds=1)
  assert [(run.task, run.agent) for run in make_grid(config)] == [(WALK, 'qmle')]
  with pytest.raises(UserError, match='--tasks is empty'):
    make_grid(dataclasses.replace(config, tasks=', '))
  with pytest.raises(UserError, match='--agents is empty'):
    make_grid(dataclasses.replace(config, agents=''))


def test_names_in_a_suite_of_ones_own_are_checked(tmp_path: pathlib.Path) -> None:
  own = tmp_path / 'own.yaml'
  own.write_text('tasks: {bandit:bimodel: 2}')
  config = BenchmarkConfig(out=tmp_path, suite=str(own), agents='qmle', seeds=1)
  with pytest.raises(UserError, match="'bandit:bimodel'; nearest: bandit:bimodal"):
    make_grid(config)


def test_a_suite_of_ones_own_is_a_file(tmp_path: pathlib.Path) -> None:
  own = tmp_path / 'own.yaml'
  own.write_text(f'tasks: {{{WALK}: {{dimensions: 6, steps: 70}}, bandit:bimodal: 2}}')
  config = BenchmarkConfig(out=tmp_path, suite=str(own), agents='qmle', seeds=1)
  assert [(run.task, run.steps) for run in make_grid(config)] == [
    (WALK, 70),
    ('bandit:bimodal', 500_000),
  ]
  with pytest.raises(UserError, match=r'none\.yaml'):
    make_grid(dataclasses.replace(config, suite=str(tmp_path / 'none.yaml')))


def test_every_agent_gets_the_same_runs(tmp_path: pathlib.Path) -> None:
  config = BenchmarkConfig(
    out=tmp_path, tasks=f'{WALK}, {SPIN}', agents='qmle, d4pg', seeds=2, steps=70
  )

  grid = make_grid(config)

  assert [(run.seed, run.task, run.agent) for run in grid] == [
    (seed, task, agent)
    for seed in (1, 2)
    for task in (WALK, SPIN)
    for agent in ('qmle', 'd4pg')
  ]
  run = grid[5]
  assert run.folder.path == tmp_path / 'control-walker-walk' / 'd4pg' / 'seed2'
  parsed = train.parse(list(run.arguments[1:]))
  assert (parsed.env, parsed.agent, parsed.seed, parsed.steps) == (WALK, 'd4pg', 2, 70)
  assert parsed.layout == 'distributed'


def test_prints_commands_that_train_takes(
  tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
  overlay = tmp_path / 'an overlay.yaml'
  overlay.write_text('{evaluation_period: 7, qmle: {bins: 5}}')
  words = ['--suite', 'quick', '--agents', 'qmle', '--seeds', '1', '--layout', 'local']
  words += [
    '--out',
    str(tmp_path / 'out'),
    '--config',
    str(overlay),
    '--print-commands',
  ]

  assert benchmark.main(words) == 0

  lines = capsys.readouterr().out.splitlines()
  assert len(lines) == 3
  command, subcommand, *arguments = shlex.split(lines[1])
  assert (command, subcommand) == ('qmle', 'train')
  config = train.parse(arguments)
  assert (config.env, config.steps) == (WALK, 500_000)
  assert (config.evaluation_period, config.qmle.bins) == (7, 5)
  assert not (tmp_path / 'out').exists()


def test_baselines_get_their_tuned_settings_and_an_overlay_after_them(
  tmp_path: pathlib.Path,
) -> None:
  overlay = tmp_path / 'overlay.yaml'
  overlay.write_text('{d4pg: {n_step: 3, sigma: 0.5}}')
  config = BenchmarkConfig(out=tmp_path, tasks=WALK, seeds=1, config=str(overlay))
  runs = [
    make_grid(dataclasses.replace(config, tuned=tuned)) for tuned in (True, False)
  ]
  (qmle, d4pg, dmpo), plain = (
    [train.parse(list(run.arguments[1:])) for run in grid] for grid in runs
  )

  assert (d4pg.agent, d4pg.d4pg.policy_learning_rate) == ('d4pg', 3e-4)
  assert (d4pg.d4pg.n_step, d4pg.d4pg.sigma) == (3, 0.5)
  assert (dmpo.agent, dmpo.dmpo.activate_final) == ('dmpo', True)
  assert qmle == plain[0]
  assert plain[1].d4pg == D4PGConfig(n_step=3, sigma=0.5)
  assert plain[2].dmpo == DMPOConfig()


def test_settings_in_a_file_are_an_agent_by_their_label(tmp_path: pathlib.Path) -> None:
  own = tmp_path / 'wide.yaml'
  own.write_text('{agent: d4pg, label: wide, d4pg: {sigma: 0.5}}')
  config = BenchmarkConfig(
    out=tmp_path, tasks='switches:2x1', seeds=1, agents=f'qmle,strong,{own}'
  )

  runs = make_grid(config)

  assert [run.agent for run in runs] == ['qmle', 'strong', 'wide']
  assert runs[1].folder.path == tmp_path / 'switches-2x1' / 'strong' / 'seed1'
  qmle, strong, wide = (train.parse(list(run.arguments[1:])) for run in runs)
  assert (qmle.label, qmle.qmle.n_step) == ('', 1)
  assert (strong.agent, strong.label, strong.qmle.n_step) == ('qmle', 'strong', 3)
  assert (wide.agent, wide.label, wide.d4pg.sigma) == ('d4pg', 'wide', 0.5)


def test_two_agents_of_one_name_are_refused(tmp_path: pathlib.Path) -> None:
  own = tmp_path / 'own.yaml'
  own.write_text('qmle: {n_step: 2}')
  with pytest.raises(UserError, match='two of --agents are called qmle: give one a'):
    make_grid(BenchmarkConfig(out=tmp_path, tasks=WALK, agents=f'qmle,quick,{own}'))


@pytest.mark.parametrize(
  ('settings', 'message'),
  [
    ({}, 'either a --suite or --tasks: neither is given'),
    ({'suite': 'quick', 'tasks': WALK}, 'either a --suite or --tasks: both are given'),
    ({'suite': 'quik'}, "unknown suite 'quik'; nearest: quick"),
    ({'tasks': 'control:walker:wlk'}, 'nearest: control:walker:walk'),
    ({'suite': 'quick', 'agents': 'qmle,qmel'}, "unknown agent 'qmel'"),
    ({'suite': 'quick', 'jobs': 0}, 'jobs is 0: it must be at least 1'),
    ({'suite': 'quick', 'seeds': 0}, 'seeds is 0'),
    (
      {'suite': 'quick', 'seeds': 10**9},
      'seeds is 1000000000: it must be at most 10,000',
    ),
    ({'suite': 'quick', 'steps': 2**31}, 'steps is 2147483648: it must be at most'),
  ],
)
def test_what_is_refused(settings: dict, message: str) -> None:
  with pytest.raises(UserError, match=message):
    make_grid(BenchmarkConfig(**settings))


def test_an_agent_of_boxes_is_refused_where_it_cannot_act(
  tmp_path: pathlib.Path,
) -> None:
  own = tmp_path / 'own.yaml'
  own.write_text('tasks: {switches:3x1: {dimensions: 4, steps: 10, relaxed: true}}')
  BenchmarkConfig(out=tmp_path, suite=str(own), agents='qmle,d4pg').check_fit()
  tasks = 'bandit:bimodal,switches:3x1'
  BenchmarkConfig(out=tmp_path, tasks=tasks, agents='qmle').check_fit()
  with pytest.raises(UserError, match=r'^d4pg on switches:3x1: .*relaxed:'):
    BenchmarkConfig(out=tmp_path, tasks=tasks, agents='qmle,d4pg').check_fit()


def test_overlay_of_unknown_settings_is_refused(tmp_path: pathlib.Path) -> None:
  overlay = tmp_path / 'bad.yaml'
  overlay.write_text('{stpes: 1}')

  with pytest.raises(UserError, match='stpes'):
    make_grid(BenchmarkConfig(suite='quick', config=str(overlay)))


def test_overlay_of_what_the_grid_sets_is_refused(tmp_path: pathlib.Path) -> None:
  overlay = tmp_path / 'bad.yaml'
  overlay.write_text(
    '{steps: 1, evaluation_period: 7, layout: local, seed: 3, agent: qmle, run: x, '
    f'env: {WALK}}}'
  )

  with pytest.raises(UserError) as caught:
    make_grid(BenchmarkConfig(suite='quick', config=str(overlay)))

  assert str(caught.value) == (
    f'{overlay} sets steps (--steps), layout (--layout), seed (--seeds), '
    'agent (--agents), run (--out), env (--suite or --tasks): use the options of the '
    'benchmark; --agents takes files of settings and their names, too'
  )


def test_run_whose_status_is_damaged_is_not_finished(tmp_path: pathlib.Path) -> None:
  config = BenchmarkConfig(out=tmp_path, tasks=WALK, agents='qmle', seeds=1, steps=50)
  (run,) = make_grid(config)
  assert not run.is_finished()
  run.folder.path.mkdir(parents=True)
  run.folder.write_status('finished', {'actor_steps': 51}, None)
  assert run.is_finished() and run.steps_taken() == 51

  run.folder.status.write_text('{')

  assert not run.is_finished() and run.steps_taken() == 0


def test_every_environment_that_train_knows(tmp_path: pathlib.Path) -> None:
  tasks = ('synthetic:box:20', 'grid:3:control:walker:walk')
  config = BenchmarkConfig(out=tmp_path, tasks=','.join(tasks), agents='qmle', seeds=1)

  assert tuple(run.task for run in make_grid(config)) == tasks


def test_a_run_of_other_settings_is_refused(tmp_path: pathlib.Path) -> None:
  config = BenchmarkConfig(out=tmp_path, tasks=WALK, agents='qmle', seeds=1)
  (run,) = make_grid(config)
  run.folder.path.mkdir(parents=True)
  run.folder.write_config(train.parse(list(run.arguments[1:])))
  make_grid(config)

  with pytest.raises(UserError, match='layout: distributed -> local'):
    make_grid(dataclasses.replace(config, layout='local'))
