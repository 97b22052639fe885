"""The `qmle` command: what is wrong with a command line is said in one line."""

import errno
import os
import pathlib
import re
import subprocess
import sys
from typing import NoReturn

import pytest
import small_runs

from qmle_acme.errors import EnvironmentCrash, RunFault
from qmle_acme.launch import main
from qmle_acme.runs import config as config_lib

RUN = ['--run', 'x']
# The settings that people change first.
FIRST = [
  *('run', 'env', 'agent', 'steps', 'seed', 'layout', 'actors', 'evaluation-period')
]


@pytest.fixture
def call(
  monkeypatch: pytest.MonkeyPatch,
  capsys: pytest.CaptureFixture[str],
  tmp_path: pathlib.Path,
) -> 'Call':
  monkeypatch.chdir(tmp_path)
  # With what it starts again for, lest it replaces the process of these tests.
  monkeypatch.setattr(os, 'environ', main.make_environment(os.environ))
  return Call(monkeypatch, capsys)


class Call:
  """Calls the command in this process."""

  def __init__(
    self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
  ):
    self._monkeypatch = monkeypatch
    self._capsys = capsys

  def __call__(self, *arguments: str) -> tuple[int, str, str]:
    """Returns the exit code, and what was printed."""
    self._monkeypatch.setattr(sys, 'argv', ['qmle', *arguments])
    try:
      main.main()
      code = 0
    except SystemExit as end:
      code = end.code if isinstance(end.code, int) else 1
    output = self._capsys.readouterr()
    return code, output.out, output.err


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (['trian'], "unknown command 'trian'; nearest: train"),
    (['train', *RUN, '--stpes', '3'], "unknown option '--stpes'; nearest: --steps, "),
    (['train', *RUN, '--stpes=3'], "unknown option '--stpes'; nearest: --steps, "),
    (
      ['train', *RUN, '--qmle.discont', '0.9'],
      "unknown option '--qmle.discont'; nearest: --qmle.discount, ",
    ),
    (
      ['train', *RUN, '--agent', 'qlme'],
      "unknown agent 'qlme'; nearest: qmle",
    ),
    (
      ['train', *RUN, '--env', 'control:walker:wlak'],
      "unknown environment 'control:walker:wlak'; nearest: control:walker:walk, ",
    ),
    (['train', '--run', 300 * 'x'], f'{300 * "x"}: File name too long'),
    (['evaluate', 300 * 'x'], f'{300 * "x"}/config.yaml: File name too long'),
    (['train'], 'qmle train needs --run PATH; see qmle train --help'),
    (['train', '--run'], '--run PATH lacks its value; see qmle train --help'),
    (['train', *RUN, '--steps', 'many'], "--steps INT: 'many' is no whole number"),
    (['train', *RUN, '--steps', '1.5'], "'1.5' is no whole number; see qmle train"),
    (['train', *RUN, '--steps', 'inf'], "'inf' is no whole number; see qmle train"),
    (['train', *RUN, '--config'], 'argument --config: expected one argument; see '),
    (
      ['train', *RUN, '--layout', 'lokal'],
      "unknown value of --layout 'lokal'; nearest: local",
    ),
    (
      ['train', *RUN, '--qmle.predictors', 'delta'],
      "--qmle.predictors FAMILY=RATIO: 'delta' is not of the form delta=0.01; see ",
    ),
    (
      ['train', *RUN, '--qmle.predictors', 'dleta=0.1'],
      "unknown predictor family 'dleta'; nearest: delta",
    ),
    (
      ['train', *RUN, '--qmle.predictors.0.ratio', '0.1'],
      "unknown option '--qmle.predictors.0.ratio'; nearest: --qmle.predictors, ",
    ),
    (['train', '--run', 'z\udcff'], "run is b'z\\xff': its name must be UTF-8"),
    (['evaluate'], 'qmle evaluate needs RUN; see qmle evaluate --help'),
    (['train', *RUN, '--qmle.bins', '1'], 'qmle.bins is 1: it must be at least 2'),
    (['train', *RUN, 'more'], "qmle train takes no argument 'more'; see "),
    (['train', *RUN, '--config', 'no.yaml'], 'cannot read no.yaml: '),
    (['train', *RUN, '--config', 'stong'], "unknown settings 'stong'; nearest: strong"),
    (['evaluate', 'nowhere'], 'nowhere is no run folder: '),
    (['evaluate', 'x', '--episodes', '0'], 'episodes is 0: it must be at least 1'),
    (['evaluate', 'x', '--episode', '1'], "unknown option '--episode'; nearest: --ep"),
    (['evaluate', '--bst', 'x'], "unknown option '--bst'; nearest: --best, "),
    (['train', '--run', ''], '--run PATH: is empty; see qmle train --help'),
    (['evaluate', 'x', '--seed', '-1'], 'seed is -1: it must be from 0 to 2147483647'),
    (['render', 'x', '--seed', '-1'], 'seed is -1: it must be from 0 to 2147483647'),
    (['render', 'x', '--width', '0'], 'width is 0: it must be at least 1'),
    (['speed', '--out', '/dev/null/x.json'], 'cannot write in /dev/null: '),
    (['speed', '--out', '.'], '. is a folder: name a file'),
    (
      ['speed', '--tasks', 'control:dog:wlak'],
      "unknown environment 'control:dog:wlak'",
    ),
    (
      ['benchmark', '--suite', 'quick', '--out', '/dev/null'],
      'cannot write in /dev/null: File exists',
    ),
    (['speed', '--secnds', '9'], "unknown option '--secnds'; nearest: --seconds"),
    (['speed', '--seconds', '0'], 'seconds is 0.0: it must be positive'),
    (['speed', '--actors', '2', '0'], 'actors is 0: it must be at least 1'),
    (['experiment'], 'qmle experiment needs NAME; see qmle experiment --help'),
    (['experiment', 'bandt'], "unknown experiment 'bandt'; nearest: bandit"),
    (['experiment', 'bandit', '--seeds', '0'], 'seeds is 0: it must be at least 1'),
    (['render', 'nowhere'], 'nowhere is no run folder: '),
    (['render', 'x', '--hieght', '9'], "unknown option '--hieght'; nearest: --height"),
  ],
)
def test_what_is_wrong_is_one_line(
  call: Call, arguments: list[str], message: str, tmp_path: pathlib.Path
) -> None:
  code, out, err = call(*arguments)

  assert code == 2
  assert out == ''
  assert err.startswith('qmle: ')
  assert message in err
  assert err.count('\n') == 1
  assert list(tmp_path.iterdir()) == []  # Nothing is left of it.


@pytest.mark.parametrize(
  ('error', 'code', 'line'),
  [
    (EnvironmentCrash('x:y: step 3: OSError: gone'), 1, 'x:y: step 3: OSError: gone'),
    (RunFault('x:y: step 3: OSError: gone'), 1, 'x:y: step 3: OSError: gone'),
    (KeyboardInterrupt(), 130, 'interrupted'),
    (OSError(errno.ENOSPC, 'No space left', 'x/y'), 2, 'x/y: No space left'),
    (OSError(errno.ENOSPC, 'No space left'), 2, 'No space left'),
  ],
)
def test_what_ends_any_command_is_one_line(
  monkeypatch: pytest.MonkeyPatch,
  call: Call,
  error: BaseException,
  code: int,
  line: str,
) -> None:
  def fail(_: list[str]) -> NoReturn:
    raise error

  monkeypatch.setattr(main, '_answer', fail)
  assert call('train') == (code, '', f'qmle: {line}\n')


def test_what_a_user_preloads_stays_behind_ours() -> None:
  ours = main.make_environment({})['LD_PRELOAD']
  assert all(pathlib.Path(path).is_file() for path in ours.split(':'))

  environment = main.make_environment({'LD_PRELOAD': 'a.so', 'HOME': '/x'})

  assert environment['LD_PRELOAD'] == f'{ours}:a.so'
  assert environment['HOME'] == '/x'
  given = {'TF_CPP_MIN_LOG_LEVEL': '0'}
  assert main.make_environment(given)['TF_CPP_MIN_LOG_LEVEL'] == '0'


@pytest.mark.parametrize('arguments', [[], ['-h'], ['--help']])
def test_usage_lists_the_commands(call: Call, arguments: list[str]) -> None:
  code, out, err = call(*arguments)

  assert (code, err) == (0, '')
  for command, text in main.COMMANDS.items():
    assert f'qmle {command} ' in out
    assert text in out


def test_help_of_train_names_the_overlays(call: Call) -> None:
  code, out, _ = call('train', '--help')

  assert code == 0
  assert '`--config` takes a YAML file' in ' '.join(out.split())
  assert 'qmle train --help-all' in out
  shown = re.findall(r'^[^\w-]*--([a-z][\w.-]*)', out, re.M)
  assert shown == [*FIRST, 'qmle.n-step', 'qmle.replay-size']


@pytest.mark.parametrize('agent', ['qmle', 'd4pg'])
def test_whole_help_has_all_settings_of_the_chosen_agent(
  call: Call, agent: str
) -> None:
  code, out, _ = call('train', '--agent', agent, '--help-all')

  assert code == 0
  shown = set(re.findall(r'^[^\w-]*--([a-z][\w.-]*)', out, re.M))
  settings = config_lib.to_dict(config_lib.RunConfig(run=pathlib.Path('x')))
  of_agent = {f'{agent}.{name.replace("_", "-")}' for name in settings[agent]}
  assert {name for name in shown if '.' in name} - of_agent == {
    f'faults.{name.replace("_", "-")}' for name in settings['faults']
  }
  assert {*FIRST, 'label', 'checkpoint-minutes'} | of_agent < shown


def test_help_of_a_cluster_has_its_own_options_too(call: Call) -> None:
  code, out, _ = call('cluster', 'slurm', '--help')

  assert code == 0
  shown = re.findall(r'^[^\w-]*--([a-z][\w.-]*)', out, re.M)
  assert {*FIRST, 'out'} < set(shown) and 'qmle.m-target' not in shown


def test_nobody_who_stops_reading_the_help_is_told_of_it() -> None:
  command = pathlib.Path(sys.executable).parent / 'qmle'
  reading, writing = os.pipe()
  os.close(reading)
  done = subprocess.run(
    [command, 'train', '--help'], stdout=writing, stderr=subprocess.PIPE, text=True
  )
  os.close(writing)
  assert done.stderr == ''


def test_a_path_that_the_terminal_has_no_letters_for_is_shown(
  tmp_path: pathlib.Path,
) -> None:
  config = small_runs.make_config(tmp_path / 'é')
  config.run.mkdir()
  (config.run / 'config.yaml').write_text(small_runs.as_yaml(config))
  environment = {**os.environ, 'PYTHONIOENCODING': 'ascii'}

  result = small_runs.run_qmle('status', str(config.run), env=environment)

  assert (result.returncode, result.stderr) == (0, '')
  assert result.stdout.splitlines()[0].strip().endswith('/\\xe9')
