"""`qmle tune` with real runs: it searches, prunes, is stopped and goes on."""

import dataclasses
import pathlib
import signal
import subprocess
import time

import optuna
import pytest
import small_runs
import yaml
from optuna.trial import TrialState

from qmle_acme.errors import UserError
from qmle_acme.launch import tune
from qmle_acme.runs.config import to_dict
from qmle_acme.runs.evaluations import read_evaluations
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.tuning import reporting, space, study
from qmle_acme.tuning.study import Search

# Of the second choice no run can be made.
SPACE = 'qmle: {mle_target: cached, n_step: [1, 3], batch_size: {low: 8, high: 16}}'


@pytest.fixture
def arguments(tmp_path: pathlib.Path) -> list[str]:
  config = small_runs.make_config(tmp_path, steps=150, evaluation_period=50)
  (tmp_path / 'small.yaml').write_text(yaml.safe_dump(to_dict(config)))
  (tmp_path / 'space.yaml').write_text(SPACE)
  files = ['--config', str(tmp_path / 'small.yaml')]
  files += ['--space', str(tmp_path / 'space.yaml')]
  return [*files, '--run', str(tmp_path / 'study')]


def load(arguments: list[str]) -> tuple[Search, optuna.Study]:
  """Returns the study of the command with these arguments."""
  config = tune.parse(arguments)
  assert config.space
  search = Search(
    config.run, space.load(config.space), config.run_config, config.trials, config.seed
  )
  with study.open_study(search) as found:
    return search, found


@pytest.mark.slow
def test_stopped_and_gone_on_with(arguments: list[str]) -> None:
  arguments += ['--trials', '3']
  search, _ = load(arguments)
  command = small_runs.qmle('tune', *arguments)
  process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
  deadline = time.monotonic() + small_runs.PATIENCE_SECONDS
  # One trial may fail before the first run begins.
  while not list(search.out.glob('trials/*/evaluations.jsonl')):
    assert time.monotonic() < deadline and process.poll() is None
    time.sleep(0.1)
  process.send_signal(signal.SIGINT)
  out, _ = process.communicate(timeout=small_runs.PATIENCE_SECONDS)
  assert process.returncode == 130 and 'stopped: the same command goes on' in out
  (begun,) = search.out.glob('trials/*/evaluations.jsonl')
  assert RunFolder(begun.parent).read_status()['state'] in ('stopped', 'finished')

  done = small_runs.run_qmle('tune', *arguments)

  assert done.returncode == 0, done.stdout + done.stderr
  assert '3 of 3: ' in done.stdout
  _, found = load(arguments)
  complete = found.get_trials(states=(TrialState.COMPLETE,))
  for trial in complete:
    folder = study.folder_of(search, trial.user_attrs['folder'])
    evaluations = read_evaluations(folder)
    assert [e.actor_steps for e in evaluations] == [0, 50, 100, 150]
    assert trial.value == evaluations[-1].episode_return_mean
  assert int(begun.parent.name) in [trial.user_attrs['folder'] for trial in complete]
  best = yaml.safe_load((search.out / 'best.yaml').read_text())
  assert best['qmle']['batch_size'] == found.best_params['qmle.batch_size']
  assert 'd4pg' not in best
  report = (search.out / 'report.md').read_text()
  assert report.count('| complete |') == len(complete)
  refused = [line for line in done.stdout.splitlines() if 'n_step is 3' in line]
  assert len(complete) + len(refused) + out.count('n_step is 3') == 3
  # Nothing is done twice, and nothing of it changes.
  assert '3 of 3' not in small_runs.run_qmle('tune', *arguments).stdout


def test_a_trial_that_is_worse_than_the_others_is_pruned(arguments: list[str]) -> None:
  search, found = load([*arguments, '--trials', '5'])
  distributions: dict[str, optuna.distributions.BaseDistribution] = {
    'qmle.batch_size': optuna.distributions.IntDistribution(8, 16),
    'qmle.n_step': optuna.distributions.CategoricalDistribution(range(2)),
  }
  for size in range(8, 12):
    found.add_trial(
      optuna.trial.create_trial(
        params={'qmle.n_step': 0, 'qmle.batch_size': size},
        distributions=distributions,
        intermediate_values=dict.fromkeys(range(4), 100.0),
        value=100.0,
        user_attrs={'folder': size},
      )
    )
  found.enqueue_trial({'qmle.n_step': 0, 'qmle.batch_size': 9})
  longer = dataclasses.replace(search.base, steps=1_000_000)
  lines: list[str] = []
  study.run(dataclasses.replace(search, base=longer), found, lines.append)
  last = found.trials[-1]
  assert last.state is TrialState.PRUNED
  status = study.folder_of(search, 12).read_status()
  assert status['state'] == 'stopped' and status['actor_steps'] < 1_000_000
  assert lines[0] == f'trial 12 trains in {search.out / "trials" / "0012"}'
  assert lines[-1].startswith('5 of 5: trial 12: pruned, return ')


@pytest.mark.slow
def test_a_trial_that_was_cut_off_keeps_its_number(arguments: list[str]) -> None:
  search, found = load([*arguments, '--trials', '2'])
  cut_off = found.ask()
  cut_off.set_user_attr('folder', 0)
  cut_off.suggest_categorical('qmle.n_step', range(2))
  before = found.ask()  # Killed before it had a number.
  assert [cut_off.number, before.number] == [0, 1]
  lines: list[str] = []

  study.run(search, found, lines.append)

  begun = [line.split(' trains')[0] for line in lines if ' trains in ' in line]
  assert begun == ['trial 0', 'trial 1']
  page = '\n'.join(reporting.write(search, found))
  assert page.startswith(('best is trial 0:', 'best is trial 1:'))


def test_a_study_without_any_result_says_so_by_its_code(
  arguments: list[str], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
  text = 'qmle: {mle_target: cached, n_step: [3, 5]}'
  (tmp_path / 'space.yaml').write_text(text)
  assert tune.main([*arguments, '--trials', '2']) == 1
  assert 'no trial has come to its end' in capsys.readouterr().out


def test_another_space_needs_another_folder(
  arguments: list[str], tmp_path: pathlib.Path
) -> None:
  load(arguments)
  (tmp_path / 'space.yaml').write_text(SPACE.replace('16', '32'))
  with pytest.raises(UserError, match=r'batch_size.high: 16 -> 32'):
    load(arguments)


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('qmle: {n_stpe: [1, 3]}', "'n_stpe'; nearest: n_step"),
    ('steps: [1, 2]', 'sets steps: these are options of qmle tune'),
    ('qmle: {n_step: [1, x]}', r"qmle\.n_step: input should be a valid integer .*'x'"),
    ('qmle: {n_step: [1, 0]}', r'qmle\.n_step is 0: '),
    ('qmle: {learning_rate: {low: -1, high: 1.0}}', r'qmle\.learning_rate is -1'),
    ('qmle: {n_step: {low: 1.5, high: 3}}', r'1\.5, .*are whole numbers'),
    ('d4pg: {n_step: [1, 3]}', 'settings of d4pg, which --agent qmle does not read'),
    ('evaluation_period: [50, 60]', 'sets evaluation_period: these are options'),
    ('qmle: {bins: [3, 1]}', r'qmle\.bins is 1: '),
    ('qmle: {predictors: [[{family: dleta}]]}', r"'dleta'; nearest: delta"),
    ('qmle: {predictors: [[{family: delta, ratio: 2.0}], []]}', r'ratio is 2\.0'),
    ('evaluation_episodes: [0, 3]', r'evaluation_episodes is 0'),
  ],
)
def test_what_cannot_be_searched_is_refused_at_once(
  text: str, message: str, arguments: list[str], tmp_path: pathlib.Path
) -> None:
  (tmp_path / 'space.yaml').write_text(text)
  with pytest.raises(UserError, match=message):
    tune.main(arguments)
  assert not (tmp_path / 'study').exists()


def test_a_study_under_way_is_not_opened_a_second_time(arguments: list[str]) -> None:
  config = tune.parse(arguments)
  assert config.space
  searched = space.load(config.space)
  search = Search(config.run, searched, config.run_config, config.trials, config.seed)
  with study.open_study(search):
    second = subprocess.run(
      small_runs.qmle('tune', *arguments), capture_output=True, text=True
    )
  assert second.returncode == 2 and 'in use by another `qmle tune`' in second.stderr
  with study.open_study(search) as found:
    assert not found.trials


def test_a_study_needs_a_folder_of_its_own(
  arguments: list[str], tmp_path: pathlib.Path
) -> None:
  (tmp_path / 'study').mkdir()
  (tmp_path / 'study' / 'config.yaml').write_text('env: control:cartpole:swingup')
  with pytest.raises(UserError, match=r'is no study and holds other .*config\.yaml'):
    tune.main(arguments)
  assert [path.name for path in (tmp_path / 'study').iterdir()] == ['config.yaml']


def test_a_full_disk_is_one_line(
  arguments: list[str], small_disk: pathlib.Path
) -> None:
  small_runs.fill(small_disk)
  command = small_runs.qmle('tune', *arguments, '--run', str(small_disk / 'study'))
  done = subprocess.run(command, capture_output=True, text=True)
  *_, last = done.stderr.splitlines()
  assert done.returncode == 2 and 'Traceback' not in done.stderr
  assert last.endswith('study: No space left on device')
