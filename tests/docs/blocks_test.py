"""What the docs tell people to type: Python runs, commands are understood.

Python runs in a folder in which every run that a block names is one of 50 steps. It is
compiled alone where it trains, which takes minutes.
"""

import importlib
import pathlib
import re
import shlex
from collections.abc import Iterator

import pytest
import yaml

from qmle_acme import environments
from qmle_acme.launch import arguments, main
from qmle_acme.runs import config as config_lib

_ROOT = pathlib.Path(__file__).parents[2]
_PAGES = [_ROOT / 'README.md', *sorted((_ROOT / 'docs').glob('*.md'))]
# Words that stand for what a reader puts there.
_STAND_INS = {'PERIOD': '5', 'NAME': 'bandit', 'COMMAND': 'train', 'N': '3'}
_TRAINS = 'qmle_acme.train('
# The same code, on an environment that is installed.
_REPLACED = {
  'grid2op:l2rpn_case14_sandbox:discrete:held_out': 'control:cartpole:swingup'
}


class _Understood(Exception):
  """The command line was parsed; nothing runs."""


def _blocks(language: str) -> Iterator[tuple[str, str]]:
  """Yields the page of each fenced block of a language, and the block."""
  for page in _PAGES:
    for found in re.finditer(rf'```{language}\n(.*?)```', page.read_text(), re.S):
      yield page.name, found[1]


def _commands() -> Iterator[tuple[str, str]]:
  """Yields the page and the text of each command in an indented or fenced block."""
  for page in _PAGES:
    text = re.sub(r'\\\n\s*', ' ', page.read_text())
    for line in re.findall(r'^(?: {4}|)(?:\.venv/bin/)?(qmle .*)$', text, re.M):
      if re.match(r'qmle [a-z]+( |$)(?!and|writes)', line):
        yield page.name, line


_COMMANDS = [
  pytest.param(line, id=f'{page}: {line[:60]}')
  for page, line in dict.fromkeys(_commands())
]
_PYTHON = [
  pytest.param(block, id=f'{page}-{i}')
  for i, (page, block) in enumerate(_blocks('python'))
]


def test_there_is_something_to_test() -> None:
  assert len(_COMMANDS) > 30
  assert len(_PYTHON) >= 3


@pytest.mark.parametrize('line', _COMMANDS)
def test_commands_are_understood(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.chdir(_ROOT)
  parse = arguments.parse

  def parse_alone(*args: object, **options: object) -> None:
    parsed = parse(*args, **options)
    name = getattr(parsed, 'env', '')
    if name and not name.startswith('python:'):  # A module of the reader's own.
      environments.check(name)
    raise _Understood

  monkeypatch.setattr(arguments, 'parse', parse_alone)
  _, name, *words = [_STAND_INS.get(w, w) for w in shlex.split(line, comments=True)]
  assert name in main.COMMANDS
  if words:
    with pytest.raises(_Understood):
      importlib.import_module(f'qmle_acme.launch.{name}').main(words)


@pytest.mark.parametrize('block', _PYTHON)
def test_python_runs(
  block: str,
  trained_run: pathlib.Path,
  tmp_path: pathlib.Path,
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  code = compile(_replaced(block), 'block', 'exec')
  if _TRAINS in block:
    return
  (tmp_path / 'runs').mkdir()
  for name in set(re.findall(r"'runs/([\w-]+)'", block)):
    (tmp_path / 'runs' / name).symlink_to(trained_run)
  monkeypatch.chdir(tmp_path)
  exec(code, {'__name__': '__main__'})


def _replaced(block: str) -> str:
  for old, new in _REPLACED.items():
    block = block.replace(old, new)
  return block


@pytest.mark.parametrize('block', [block for _, block in _blocks('yaml')])
def test_settings_in_yaml_are_known(block: str) -> None:
  default = config_lib.RunConfig(run=pathlib.Path('run'))
  assert config_lib.overlay(default, yaml.safe_load(block), 'block') != default


def test_make_commands_name_targets() -> None:
  targets = re.findall(r'^([a-z-]+):', (_ROOT / 'Makefile').read_text(), re.M)
  named = [
    target
    for page in _PAGES
    for target in re.findall(r'^    make ([a-z-]+)', page.read_text(), re.M)
  ]
  assert named and set(named) <= set(targets)


def test_errors_in_the_questions_are_ours() -> None:
  source = ' '.join(
    re.sub(r"['\"]\s*\n\s*f?['\"]", '', path.read_text())
    for path in (_ROOT / 'qmle_acme').rglob('*.py')
  )
  text = (_ROOT / 'docs' / 'faq.md').read_text().partition('## Training')[0]
  titles = re.findall(r'^### `+(.*?)`+$', text, re.M)
  assert len(titles) > 8
  for part in [part for title in titles for part in title.split('…')]:
    words = part.strip(' ():;,`')
    assert not words or words in source, words
