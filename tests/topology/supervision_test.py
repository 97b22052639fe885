"""Real Launchpad programs of tiny nodes, run to every kind of end."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import launchpad as lp
import psutil
import pytest
import supervised_programs as programs
from supervised_programs import PROCESSES, THREADS, make_program, supervise

from qmle_acme.topology import supervision

both = pytest.mark.parametrize(
  'launch_type', [PROCESSES, pytest.param(THREADS, marks=pytest.mark.slow)]
)


def eventually(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
  deadline = time.monotonic() + seconds
  while not condition() and time.monotonic() < deadline:
    time.sleep(0.02)
  return condition()


def is_alive(pid_file: pathlib.Path) -> bool:
  try:
    process = psutil.Process(int(pid_file.read_text()))
    return process.status() != psutil.STATUS_ZOMBIE
  except psutil.NoSuchProcess:
    return False


@pytest.fixture(autouse=True)
def no_node_is_left() -> Iterator[None]:
  yield
  assert psutil.Process().children(recursive=True) == []


@both
def test_finished(tmp_path: pathlib.Path, launch_type: lp.LaunchType) -> None:
  program = lp.Program('test')
  adder = program.add_node(lp.CourierNode(programs.Adder), label='adder')
  program.add_node(lp.PyClassNode(programs.Caller, adder, tmp_path), label='caller')
  handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
  threads: list[threading.Thread] = []

  outcome = supervise(
    program,
    tmp_path,
    launch_type,
    done='caller',
    on_tick=lambda: threads.append(threading.current_thread()),
  )

  assert outcome == supervision.Outcome('finished', 0, None)
  assert (tmp_path / 'total').read_text() == '42'
  assert set(threads) == {threading.main_thread()}
  assert handlers == [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
  if launch_type is PROCESSES:
    log = (tmp_path / 'logs' / 'caller-0.log').read_text()
    assert 'total 42, THREADS=1' in log


@both
def test_raising_node_fails_the_run_and_the_learner_still_saves(
  tmp_path: pathlib.Path, launch_type: lp.LaunchType
) -> None:
  (tmp_path / 'logs').mkdir()
  log = tmp_path / 'logs' / 'actor-0.log'
  log.write_text('of an earlier run\n')
  program = make_program(
    done=lp.PyClassNode(programs.Saver, 'learner', tmp_path),
    actor=lp.PyClassNode(programs.Raiser, tmp_path, after='learner.pid'),
  )

  outcome = supervise(program, tmp_path, launch_type)

  where = f' ({log})' if launch_type is PROCESSES else ''
  error = f'actor/0 failed: ValueError: no such task{where}'
  assert outcome == supervision.Outcome('failed', 1, error)
  assert (tmp_path / 'saved').read_text() == 'learner\n'
  assert log.read_text().startswith('of an earlier run\n')


@pytest.mark.parametrize(
  ('code', 'cause'), [(None, 'killed by SIGKILL'), (3, 'exit code 3')]
)
def test_node_that_dies_without_a_word_fails_the_run(
  tmp_path: pathlib.Path, code: int | None, cause: str
) -> None:
  log = tmp_path / 'logs' / 'done-0.log'
  log.parent.mkdir()
  log.write_text('Traceback (most recent call last):\nOldError: of an earlier run\n')
  program = make_program(done=lp.PyClassNode(programs.Dying, code))

  outcome = supervise(program, tmp_path)

  assert outcome == supervision.Outcome('failed', 1, f'done/0 failed: {cause} ({log})')


@both
def test_node_that_others_need_must_not_end_by_itself(
  tmp_path: pathlib.Path, launch_type: lp.LaunchType
) -> None:
  program = make_program(
    server=lp.PyClassNode(programs.Waiter, tmp_path, 'learner.pid'),
    done=lp.PyClassNode(programs.Saver, 'learner', tmp_path),
  )

  outcome = supervise(program, tmp_path, launch_type)

  error = 'server/0 ended before the run did'
  assert outcome == supervision.Outcome('failed', 1, error, lost='server/0')
  assert (tmp_path / 'saved').read_text() == 'learner\n'


@both
def test_failure_while_stopping_fails_a_finished_run(
  tmp_path: pathlib.Path, launch_type: lp.LaunchType
) -> None:
  program = make_program(
    learner=lp.PyClassNode(programs.Raiser, tmp_path),
    done=lp.PyClassNode(programs.Waiter, tmp_path, 'raiser.pid'),
  )

  outcome = supervise(program, tmp_path, launch_type)

  assert (outcome.state, outcome.exit_code) == ('failed', 1)
  assert outcome.error is not None
  assert outcome.error.startswith('learner/0 failed: ValueError: no such task')


@both
def test_what_on_tick_raises_comes_out_after_an_orderly_end(
  tmp_path: pathlib.Path, launch_type: lp.LaunchType
) -> None:
  def on_tick() -> None:
    if (tmp_path / 'learner.pid').exists():
      raise RuntimeError('disk full')

  program = make_program(done=lp.PyClassNode(programs.Saver, 'learner', tmp_path))

  with pytest.raises(RuntimeError, match='disk full'):
    supervise(program, tmp_path, launch_type, on_tick=on_tick)
  assert (tmp_path / 'saved').read_text() == 'learner\n'


def test_stuck_actor_does_not_cost_the_learner_its_checkpoint(
  tmp_path: pathlib.Path,
) -> None:
  program = programs.stuck_actor(tmp_path)
  waiter = lp.PyClassNode(programs.Waiter, tmp_path, 'stuck.pid', 'learner.pid')
  program.add_node(waiter, label='done')

  outcome = supervise(program, tmp_path, actor_seconds=1.25)

  assert outcome == supervision.Outcome('finished', 0, None, killed=('actor',))
  assert (tmp_path / 'saved').read_text() == 'learner\n'
  assert not is_alive(tmp_path / 'stuck.pid')
  assert not is_alive(tmp_path / 'child.pid')


def test_stuck_thread_is_left_behind(tmp_path: pathlib.Path) -> None:
  program = make_program(
    learner=lp.PyClassNode(programs.Saver, 'learner', tmp_path),
    actor=lp.PyClassNode(programs.Waiter, tmp_path, 'never'),
    done=lp.PyClassNode(programs.Waiter, tmp_path, 'learner.pid'),
  )
  started = time.monotonic()

  outcome = supervise(program, tmp_path, THREADS, actor_seconds=0.5)
  seconds = time.monotonic() - started
  (tmp_path / 'never').touch()

  assert outcome == supervision.Outcome('finished', 0, None, killed=('actor',))
  assert (tmp_path / 'saved').read_text() == 'learner\n'
  assert 0.5 <= seconds < 3.0


def test_unknown_done_label_is_refused(tmp_path: pathlib.Path) -> None:
  with pytest.raises(ValueError, match='no node is labelled'):
    supervise(lp.Program('test'), tmp_path)


@pytest.fixture
def start(tmp_path: pathlib.Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
  """Starts a program by its script and waits until its nodes are up."""
  started: list[subprocess.Popen[bytes]] = []

  def start(program: str, launch_type: lp.LaunchType) -> subprocess.Popen[bytes]:
    command = [
      sys.executable,
      programs.__file__,
      program,
      launch_type.value,
      str(tmp_path),
    ]
    started.append(subprocess.Popen(command))
    count = {'three_savers': 3, 'stuck_actor': 3}[program]
    assert eventually(lambda: len(list(tmp_path.glob('*.pid'))) == count)
    return started[0]

  yield start
  for process in started:
    process.kill()
    process.wait()


@pytest.mark.parametrize(
  ('launch_type', 'number', 'code'),
  [
    (PROCESSES, signal.SIGTERM, 143),
    pytest.param(THREADS, signal.SIGTERM, 143, marks=pytest.mark.slow),
    (THREADS, signal.SIGINT, 130),
  ],
)
def test_signal_stops_in_order(
  tmp_path: pathlib.Path,
  start: Callable[..., subprocess.Popen[bytes]],
  launch_type: lp.LaunchType,
  number: int,
  code: int,
) -> None:
  process = start('three_savers', launch_type)

  process.send_signal(number)

  assert process.wait(60) == code
  assert (tmp_path / 'saved').read_text().split() == ['actor', 'learner', 'replay']
  for log in tmp_path.glob('logs/*'):  # Launchpad's countdown to SIGKILL is off.
    assert 'Waiting for workers to stop' not in log.read_text()


def test_process_may_be_stopped_before_it_is_up(tmp_path: pathlib.Path) -> None:
  slow = programs.SlowToLoad(10.0, tmp_path)
  program = make_program(done=lp.PyClassNode(programs.Saver, 'learner', slow))

  outcome = supervise(
    program, tmp_path, on_tick=lambda: os.kill(os.getpid(), signal.SIGTERM)
  )

  assert outcome == supervision.Outcome('stopped', 143, None)
  assert not (tmp_path / 'saved').exists()


def test_second_interrupt_kills_at_once(
  tmp_path: pathlib.Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
  process = start('stuck_actor', PROCESSES)
  process.send_signal(signal.SIGINT)
  with pytest.raises(subprocess.TimeoutExpired):
    process.wait(1.5)

  process.send_signal(signal.SIGINT)

  assert process.wait(2) == 130
  assert not is_alive(tmp_path / 'stuck.pid')


def test_nodes_die_with_a_killed_supervisor(
  tmp_path: pathlib.Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
  process = start('three_savers', PROCESSES)
  pids = list(tmp_path.glob('*.pid'))
  assert all(is_alive(pid) for pid in pids)

  process.kill()

  assert eventually(lambda: not any(is_alive(pid) for pid in pids), seconds=2.0)


@both
@pytest.mark.parametrize('restarts', [2, pytest.param(1, marks=pytest.mark.slow)])
def test_node_that_can_be_spared_is_started_again_as_often_as_it_may_be(
  tmp_path: pathlib.Path, launch_type: lp.LaunchType, restarts: int
) -> None:
  program = make_program(
    actor=lp.PyClassNode(programs.DiesTwice, tmp_path),
    done=lp.PyClassNode(programs.Waiter, tmp_path, 'third'),
  )

  outcome = supervise(program, tmp_path, launch_type, restarts=restarts)

  restarted = (tmp_path / 'restarted').read_text().splitlines()
  assert [line.split(':')[0] for line in restarted] == ['actor/0'] * restarts
  if restarts == 2:
    assert outcome == supervision.Outcome('finished', 0, None)
    return
  assert (outcome.state, outcome.exit_code) == ('failed', 1)
  own_errors = ('SystemExit', 'exit code 0 before its work was done')
  assert outcome.error is not None
  assert outcome.error.startswith(tuple(f'actor/0 failed: {e}' for e in own_errors))


@both
def test_node_that_refuses_is_not_started_again(
  tmp_path: pathlib.Path, launch_type: lp.LaunchType
) -> None:
  program = make_program(
    actor=lp.PyClassNode(programs.Refuser),
    done=lp.PyClassNode(programs.Waiter, tmp_path, 'never'),
  )

  outcome = supervise(program, tmp_path, launch_type, restarts=5)
  (tmp_path / 'never').touch()

  assert outcome.state == 'failed'
  assert str(outcome.error).startswith('actor/0 failed: reward is nan')
  assert not (tmp_path / 'restarted').exists()


def test_death_of_a_lasting_node_ends_the_others_at_once(
  tmp_path: pathlib.Path,
) -> None:
  program = make_program(
    server=lp.PyClassNode(programs.Dying),
    actor=lp.PyClassNode(programs.Waiter, tmp_path, 'never'),
    done=lp.PyClassNode(programs.Saver, 'learner', tmp_path),
  )
  start = time.monotonic()

  outcome = supervise(program, tmp_path, actor_seconds=60.0, restarts=5)

  assert outcome.lost == 'server/0'
  assert str(outcome.error).startswith('server/0 failed: killed by SIGKILL')
  assert time.monotonic() - start < 60.0  # The actor had a minute to itself.


def test_what_nodes_have_started_dies_with_a_killed_supervisor(
  tmp_path: pathlib.Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
  process = start('stuck_actor', PROCESSES)
  assert is_alive(tmp_path / 'child.pid')

  process.kill()

  assert eventually(lambda: not is_alive(tmp_path / 'child.pid'), seconds=5.0)
