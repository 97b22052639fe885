"""What is refused is refused before TensorFlow is imported, which takes seconds."""

import os
import pathlib
import subprocess
import sys

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
    ([*RUN, '--config', 'no.yaml'], 2),
    (['train', '--run', '/dev/null/x'], 2),
  ],
)
def test_a_refusal_does_not_wait_for_tensorflow(
  arguments: list[str], code: int, tmp_path: pathlib.Path
) -> None:
  done = subprocess.run(
    [sys.executable, '-c', SCRIPT, *arguments],
    env=main.make_environment(os.environ),  # Or it would start again, without us.
    cwd=tmp_path,
    capture_output=True,
    text=True,
  )

  assert done.returncode == code, done.stderr
  assert done.stdout.splitlines()[-1] == 'False'
  assert list(tmp_path.iterdir()) == []
