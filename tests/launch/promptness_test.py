"""What is refused is refused before TensorFlow is imported, which takes seconds."""

import os
import pathlib
import resource
import subprocess
import sys
import time

import pytest

from qmle_acme.launch import main

SCRIPT = """
import atexit, sys
atexit.register(lambda: print('tensorflow' in sys.modules))
from qmle_acme.launch import main
main.main()
"""
RUN = ['train', '--run', 'x']


@pytest.mark.parametrize(
  ('arguments', 'code'),
  [
    (['--help'], 0),
    (['trian'], 2),
    (['status', 'nowhere'], 2),
    (['evaluate', 'nowhere'], 2),
    (['render', 'nowhere'], 2),
    (['benchmark', '--suite', 'quik'], 2),
    (['report', '/nowhere'], 2),
    (['experiment', 'typo'], 2),
    (['experiment', 'bandit', '--out', '/dev/null/x'], 2),
    (['speed', 'typo'], 2),
    (['speed', '--tasks', 'control:walker:wlak'], 2),
    (['node', 'typo'], 2),
    (['node', '--role', 'main', '--settings', 'no.yaml', '--run', 'x'], 2),
    ([*RUN, '--stpes', '3'], 2),
    ([*RUN, '--qmle.bins', '1'], 2),
    ([*RUN, '--env', 'control:walker:wlak'], 2),
    ([*RUN, '--env', 'gymnasium:Hoper-v5'], 2),
    ([*RUN, '--env', 'q3c:Ant-v5'], 2),
    ([*RUN, '--env', 'restricted:2:control:cartpole:swingup'], 2),
    ([*RUN, '--env', 'restricted:0.3:control:walker:wlk'], 2),
    ([*RUN, '--config', 'no.yaml'], 2),
    (['train', '--run', '/dev/null/x'], 2),
    ([*RUN, '--steps', '9' * 12, '--qmle.replay-size', '9' * 12], 2),
    ([*RUN, '--env', 'gymnasium:CartPole-v1', '--agent', 'd4pg'], 2),
    (['train', 'runs/x'], 2),
    ([*RUN, '--layout', 'local', '--argmax-nodes', '2'], 2),
    ([*RUN, '--env', 'python:unusable:make'], 2),
    (['export', 'nowhere'], 2),
    (['watch', 'nowhere'], 2),
    (['tune', '--stpes', '3'], 2),
    (['cluster', 'typo'], 2),
    (['cluster', 'compose', '--run', 'x', '--layout', 'local'], 2),
  ],
)
def test_a_refusal_does_not_wait_for_tensorflow(
  arguments: list[str], code: int, tmp_path: pathlib.Path
) -> None:
  for _ in range(3):  # A machine that is busy may take twice its time once, not thrice.
    done, cpu = run(arguments, tmp_path)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-1] == 'False'
    assert list(tmp_path.iterdir()) == []
    if cpu < 2.0:
      return
  pytest.fail(f'qmle {" ".join(arguments)} took 2 s of CPU time three times')


def run(
  arguments: list[str], folder: pathlib.Path
) -> tuple[subprocess.CompletedProcess, float]:
  """Returns the command once it has ended in `folder`, and its seconds of CPU time."""
  environment = os.environ | {'PYTHONPATH': str(pathlib.Path(__file__).parent)}
  start, cpu_start = time.monotonic(), cpu_seconds()
  done = subprocess.run(
    [sys.executable, '-c', SCRIPT, *arguments],
    env=main.make_environment(environment),  # Or it would start again, without us.
    cwd=folder,
    capture_output=True,
    text=True,
  )
  cpu, wall = cpu_seconds() - cpu_start, time.monotonic() - start
  print(f'{cpu:.2f} s of CPU time, {wall:.2f} s: qmle {" ".join(arguments)}')
  return done, cpu


def cpu_seconds() -> float:
  """Returns the CPU time of all processes that have ended and were waited for."""
  usage = resource.getrusage(resource.RUSAGE_CHILDREN)
  return usage.ru_utime + usage.ru_stime
