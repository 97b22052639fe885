"""Launchpad programs of tiny nodes, for the tests of supervision.

As a script, `supervised_programs.py <program> <launch type> <folder>` supervises one in
a process of its own, to which a test can send signals.
"""

import atexit
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import launchpad as lp

from qmle_acme import processes
from qmle_acme.errors import UserError
from qmle_acme.topology import supervision
from qmle_acme.topology.nursery import Nursery
from qmle_acme.topology.restarts import Restarts

PROCESSES = lp.LaunchType.LOCAL_MULTI_PROCESSING
THREADS = lp.LaunchType.LOCAL_MULTI_THREADING

# What the interpreter prints of an exception in a destructor while it shuts down.
IGNORED = """Exception ignored in: <function Session.__del__ at 0x7f6c5c>
Traceback (most recent call last):
TypeError: 'NoneType' object is not callable"""


class Adder:
  """A Courier server without a run(): serves until it is stopped."""

  def add(self, left: int, right: int) -> int:
    return left + right


class Caller:
  """Calls the adder once and returns."""

  def __init__(self, adder: Any, folder: pathlib.Path):
    self._adder = adder
    self._folder = folder

  def run(self) -> None:
    total = self._adder.add(40, 2)
    print(f'total {total}, THREADS={os.environ.get("THREADS")}')
    (self._folder / 'total').write_text(str(total))


def write_whole(path: pathlib.Path, text: str) -> None:
  """Writes a file that is never seen empty."""
  aside = path.with_suffix('.aside')
  aside.write_text(text)
  aside.rename(path)


class Saver:
  """Runs until it is stopped, then takes its time and writes down its name."""

  def __init__(self, name: str, folder: pathlib.Path, seconds: float = 0.0):
    self._name = name
    self._folder = folder
    self._seconds = seconds

  def run(self) -> None:
    write_whole(self._folder / f'{self._name}.pid', str(os.getpid()))
    lp.stop_event().wait()
    time.sleep(self._seconds)
    with (self._folder / 'saved').open('a') as saved:
      saved.write(f'{self._name}\n')


def after(seconds: float, folder: pathlib.Path) -> pathlib.Path:
  """Returns the folder, later."""
  time.sleep(seconds)
  return folder


class SlowToLoad:
  """A folder whose node needs seconds to come up: it is as slow to unpickle."""

  def __init__(self, seconds: float, folder: pathlib.Path):
    self._arguments = seconds, folder

  def __reduce__(self) -> tuple[Any, ...]:
    return after, self._arguments


class Stuck:
  """Ignores every request to stop. Has a child, as a simulator might."""

  def __init__(self, folder: pathlib.Path):
    self._folder = folder

  def run(self) -> None:
    child = subprocess.Popen(['sleep', '60'])
    write_whole(self._folder / 'child.pid', str(child.pid))
    write_whole(self._folder / 'stuck.pid', str(os.getpid()))
    threading.Event().wait(60)


class Raiser:
  """Raises, once a file is there or it is stopped, after an error that it handles."""

  def __init__(self, folder: pathlib.Path, after: str | None = None):
    self._folder = folder
    self._after = after

  def run(self) -> None:
    write_whole(self._folder / 'raiser.pid', str(os.getpid()))
    if self._after:
      Waiter(self._folder, self._after).run()
    else:
      lp.stop_event().wait()
    if threading.current_thread() is threading.main_thread():
      atexit.register(print, IGNORED)
    try:
      raise KeyError('handled')
    except KeyError as error:
      raise ValueError('no such task\nsecond line') from error


class Dying:
  """Ends without a word: with an exit code, or as when memory runs out."""

  def __init__(self, code: int | None = None):
    self._code = code

  def run(self) -> None:
    if self._code is not None:
      os._exit(self._code)
    os.kill(os.getpid(), signal.SIGKILL)


class DiesTwice:
  """Leaves by sys.exit(0) twice, as an environment may; the third time it returns."""

  def __init__(self, folder: pathlib.Path):
    self._folder = folder

  def run(self) -> None:
    for name in ('first', 'second'):
      if not (self._folder / name).exists():
        (self._folder / name).touch()
        sys.exit(0)
    (self._folder / 'third').touch()


class Refuser:
  """Raises an error of the user's, which no restart would change."""

  def run(self) -> None:
    raise UserError('reward is nan')


class Waiter:
  """Returns once all the files are there: the node that says when a run is complete."""

  def __init__(self, folder: pathlib.Path, *names: str):
    self._paths = [folder / name for name in names]

  def run(self) -> None:
    while not all(path.exists() for path in self._paths):
      time.sleep(0.02)


def make_program(**nodes: lp.PyClassNode) -> lp.Program:
  program = lp.Program('test')
  for label, node in nodes.items():
    program.add_node(node, label=label)
  return program


def supervise(
  program: lp.Program,
  folder: pathlib.Path,
  launch_type: lp.LaunchType = PROCESSES,
  done: str = 'done',
  actor_seconds: float = 10.0,
  on_tick: Callable[[], None] = lambda: None,
  restarts: int = 0,
) -> supervision.Outcome:
  policy = supervision.Policy(
    done=done,
    lasting=('server',),
    patience={'actor': actor_seconds, 'learner': 60.0},
    saving=('learner', 'done'),
    restarts=Restarts(restarts, window_seconds=600.0),
  )
  with processes.recorded_signals() as received, nursery_for(launch_type) as nursery:
    return supervision.supervise(
      program,
      policy,
      launch_type=launch_type,
      logs=folder / 'logs',
      environment={'caller': {'THREADS': '1'}},
      on_tick=lambda nodes: on_tick(),
      on_restart=lambda title, error: restarted(folder, title, error),
      received=received,
      nursery=nursery,
    )


def nursery_for(
  launch_type: lp.LaunchType,
) -> contextlib.AbstractContextManager[Nursery | None]:
  is_needed = launch_type is PROCESSES
  return contextlib.closing(Nursery()) if is_needed else contextlib.nullcontext()


def restarted(folder: pathlib.Path, title: str, error: str) -> None:
  """Writes down what was started again."""
  with (folder / 'restarted').open('a') as file:
    file.write(f'{title}: {error}\n')


def three_savers(folder: pathlib.Path) -> lp.Program:
  """Declared in the reverse of the order in which they are to be stopped."""
  return make_program(
    replay=lp.PyClassNode(Saver, 'replay', folder),
    learner=lp.PyClassNode(Saver, 'learner', folder, seconds=0.5),
    actor=lp.PyClassNode(Saver, 'actor', folder, seconds=0.2),
  )


def stuck_actor(folder: pathlib.Path) -> lp.Program:
  return make_program(
    learner=lp.PyClassNode(Saver, 'learner', folder, seconds=0.5),
    actor=lp.PyClassNode(Stuck, folder),
  )


def main(program: str, launch_type: str, folder: str) -> int:
  path = pathlib.Path(folder)
  programs = {'three_savers': three_savers, 'stuck_actor': stuck_actor}
  outcome = supervise(
    programs[program](path), path, lp.LaunchType(launch_type), done='learner'
  )
  return outcome.exit_code


if __name__ == '__main__':
  sys.exit(main(*sys.argv[1:]))
