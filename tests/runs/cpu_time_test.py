"""CPU time of a process and its children, while they run and once they are gone."""

import json
import pathlib
import subprocess
import sys

import pytest

from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.cpu_time import tree_cpu_seconds
from qmle_acme.runs.run_folder import RunFolder

# Takes half a second of CPU, says so, and waits.
WORK = """
import time
while time.process_time() < 0.5: pass
print(flush=True)
input()
"""


def test_children_count_while_they_run_and_after() -> None:
  before = tree_cpu_seconds()
  child = subprocess.Popen(
    [sys.executable, '-c', WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE
  )
  assert child.stdout is not None
  child.stdout.readline()
  running = tree_cpu_seconds() - before
  child.communicate(b'\n')
  over = tree_cpu_seconds() - before

  # Clocks of the kernel tick every hundredth of a second; this process takes some too.
  assert running == pytest.approx(0.5, abs=0.2)
  assert running - 0.02 <= over == pytest.approx(0.5, abs=0.2)


def test_cpu_time_adds_up_over_the_parts_of_a_run(tmp_path: pathlib.Path) -> None:
  config = RunConfig(run=tmp_path / 'run')
  first = RunFolder(config.run)
  with first.open(config):
    subprocess.run([sys.executable, '-c', WORK], input=b'\n', check=True)
    first.write_status('stopped', {}, None)
    taken = first.read_status()['cpu_seconds']
    assert taken == pytest.approx(0.5, abs=0.2)  # Not what this process took before.
  status = first.read_status() | {'cpu_seconds': 1000.0}
  first.status.write_text(json.dumps(status))

  second = RunFolder(config.run)
  with second.open(config):
    for _ in range(2):  # Not once more for each status.
      second.write_status('running', {}, None)

  assert second.read_status()['cpu_seconds'] == pytest.approx(1000, abs=0.2)
