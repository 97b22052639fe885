"""Processes that are forked from one that has loaded what they need."""

import contextlib
import functools
import os
import pathlib
import pickle
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import cloudpickle
import numpy as np
import psutil
import pytest
import reverb

from qmle_acme.topology import entry, nursery
from qmle_acme.topology.nursery import Child, Nursery, Request


@pytest.fixture(scope='module')
def shared() -> Iterator[Nursery]:
  with contextlib.closing(Nursery()) as opened:
    yield opened


def start(
  of: Nursery, folder: pathlib.Path, function: Callable[[], Any], **environment: str
) -> Child:
  """Starts a node of one function, as Launchpad has it."""
  data = folder / f'{len(list(folder.iterdir()))}.pkl'
  data.write_bytes(cloudpickle.dumps([function]))
  arguments = [
    '--lp_task_id=0',
    f'--data_file={data}',
    '--lp_termination_notice_secs=-1',
  ]
  log = data.with_suffix('.log')
  return of.start(Request(arguments, os.environ | environment, sys.path, log))


def draw(path: pathlib.Path) -> None:
  """Draws a number of numpy's, and the key of a row in replay."""
  selectors, limiter = reverb.selectors, reverb.rate_limiters.MinSize(1)
  table = reverb.Table('rows', selectors.Fifo(), selectors.Fifo(), 1, limiter)
  server = reverb.Server([table])
  client = reverb.Client(f'localhost:{server.port}')
  client.insert([0.0], {'rows': 1.0})
  ((row,),) = client.sample('rows')
  path.write_bytes(pickle.dumps((np.random.rand(), row.info.key)))


def test_nodes_do_not_draw_the_same(shared: Nursery, tmp_path: pathlib.Path) -> None:
  paths = [tmp_path / name for name in ('first', 'second')]
  nodes = [start(shared, tmp_path, functools.partial(draw, path)) for path in paths]
  assert [node.wait() for node in nodes] == [entry.RETURNED] * 2
  first, second = (pickle.loads(path.read_bytes()) for path in paths)
  assert first[0] != second[0]
  assert first[1] != second[1]


def test_node_has_its_own_name_environment_output_and_group(
  shared: Nursery, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setenv('SET_LATER', 'yes')
  names = ('SET_LATER', 'THREADS')

  def tell() -> None:
    print([os.environ.get(name) for name in names], os.getpgid(0) == os.getpid())
    print(pathlib.Path('/proc/self/comm').read_text(), file=sys.stderr, end='')

  node = start(shared, tmp_path, tell, THREADS='3')
  assert node.wait() == entry.RETURNED
  assert (tmp_path / '0.log').read_text() == "['yes', '3'] True\n0\n"


def test_exit_codes_are_told_once_and_for_all(
  shared: Nursery, tmp_path: pathlib.Path
) -> None:
  left = start(shared, tmp_path, lambda: os._exit(3))
  killed = start(shared, tmp_path, lambda: os.kill(os.getpid(), signal.SIGSEGV))
  stopped = start(shared, tmp_path, lambda: time.sleep(60))
  assert stopped.poll() is None
  stopped.kill()
  codes = [node.wait() for node in (left, killed, stopped)]
  assert codes == [3, -signal.SIGSEGV, -signal.SIGKILL]
  assert not psutil.pid_exists(stopped.pid)


def test_the_next_node_comes_from_a_new_process_if_it_is_killed(
  tmp_path: pathlib.Path,
) -> None:
  with contextlib.closing(Nursery()) as opened:
    node = start(opened, tmp_path, lambda: time.sleep(60))
    psutil.Process(psutil.Process(node.pid).ppid()).kill()
    assert node.wait() == -signal.SIGKILL
    assert start(opened, tmp_path, lambda: os._exit(4)).wait() == 4
    assert node.poll() == -signal.SIGKILL
  assert not psutil.pid_exists(node.pid)


def test_two_deaths_are_an_error_and_no_wait_and_the_next_node_starts(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  opened = Nursery._open
  deaths = iter(range(2))

  def open_and_die(self: Nursery) -> None:
    opened(self)
    if next(deaths, None) is not None:
      self._process.kill()
      self._process.wait()

  monkeypatch.setattr(Nursery, '_open', open_and_die)
  with contextlib.closing(Nursery()) as own:
    with pytest.raises(RuntimeError, match='ended with exit code -9'):
      start(own, tmp_path, lambda: None)
    assert start(own, tmp_path, lambda: os._exit(4)).wait() == 4


def test_what_cannot_be_loaded_is_an_error(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setattr(nursery, '_PROGRAM', 'no_such_module')
  with (
    contextlib.closing(Nursery()) as opened,
    pytest.raises(RuntimeError, match='ended with exit code 1'),
  ):
    start(opened, tmp_path, lambda: None)
