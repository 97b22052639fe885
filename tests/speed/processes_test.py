"""Functions in processes of their own."""

import os
import pathlib
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from qmle_acme.errors import UserError
from qmle_acme.speed import processes


def describe(text: str, number: int) -> Iterator[Any]:
  print('chatter')
  yield {'text': text, 'number': number, 'pid': os.getpid()}
  yield os.environ['OMP_NUM_THREADS']
  os.write(1, b'more of it')
  raise ValueError('out of things')


def refuse(text: str) -> Iterator[Any]:
  yield 1
  raise UserError(f'no {text}')


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setenv('PYTHONPATH', str(pathlib.Path(__file__).parent))


def test_yields_come_back_and_an_end_is_an_error_that_says_why() -> None:
  with processes.start(describe, 'x', 3, threads=5) as worker:
    assert worker.receive() == {'text': 'x', 'number': 3, 'pid': worker.pid}
    assert worker.receive() == '5'
    with pytest.raises(RuntimeError, match=r'describe: (.*\n)*.*out of things'):
      worker.receive()


def test_bad_input_is_the_same_error_as_here() -> None:
  with processes.start(refuse, 'x', threads=1) as worker:
    assert worker.receive() == 1
    with pytest.raises(UserError, match=r'^no x$'):
      worker.receive()


def test_the_process_ends_with_the_block() -> None:
  with (
    pytest.raises(KeyboardInterrupt),
    processes.start(describe, 'x', 3, threads=1) as worker,
  ):
    process = psutil.Process(worker.pid)
    raise KeyboardInterrupt
  assert not process.is_running()
