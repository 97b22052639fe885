"""Whole runs in containers, on a real Docker Engine (tests/cluster/with_engines.sh)."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from launch import cluster
from qmle_acme.cluster import deployment, places
from qmle_acme.runs.recording import read_records
from qmle_acme.runs.run_folder import RunFolder

pytestmark = pytest.mark.cluster

IMAGE = 'qmle-acme'
MAX_IMAGE_BYTES = 2_200_000_000
STEPS = 12_000
PATIENCE_SECONDS = 420.0
# Small in everything that costs time.
SETTINGS = {
  'qmle': {
    'batch_size': 16,
    'samples_per_insert': 2.0,
    'min_replay_size': 100,
    'replay_size': 20_000,
    'm_target': 8,
    'm_greedy': 16,
    'hidden_size': 16,
  }
}


def docker(*arguments: str) -> str:
  result = subprocess.run(['docker', *arguments], capture_output=True, text=True)
  assert result.returncode == 0, result.stderr
  return result.stdout.strip()


class Deployment:
  """A generated file, and the containers that Compose makes of it."""

  def __init__(self, root: pathlib.Path):
    root.chmod(0o755)
    runs = root / 'runs'
    runs.mkdir()
    os.chown(runs, 1000, 1000)
    overlay, self.out = root / 'small.yaml', root / 'deploy'
    overlay.write_text(yaml.safe_dump(SETTINGS))
    arguments = (
      f'compose --config {overlay} --env control:cartpole:swingup --actors 2 '
      f'--run proof --steps {STEPS} --evaluation-period 6000 --evaluation-episodes 1 '
      f'--checkpoint-minutes 0.2 --out {self.out} --runs {runs}'
    )
    assert cluster.main(arguments.split()) == 0
    self.folder = RunFolder(runs / 'proof')

  def compose(self, *arguments: str) -> None:
    file = self.out / 'compose.yaml'
    subprocess.run(['docker-compose', '-f', str(file), *arguments], check=True)

  def container(self, service: str) -> str:
    return f'proof_{service}_1'

  def status(self) -> dict[str, Any]:
    return self.folder.read_status()

  def steps(self) -> int:
    return int(self.status().get('actor_steps', 0))

  def wait_until(self, condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
      assert time.monotonic() < deadline, f'{what}: {self.status()}'
      time.sleep(1.0)

  def wait_for_progress(self, what: str) -> None:
    """Waits until the run has taken more steps than now, or less and then more."""
    last = self.steps()

    def has_moved() -> bool:
      nonlocal last
      before, last = last, self.steps()
      return last > before or self.status().get('state') == 'finished'

    self.wait_until(has_moved, what)

  def wait_for_life(self, service: str, pid: int) -> None:
    """Waits until the engine has started a container again."""
    form = '{{.State.Pid}} {{.State.Running}}'

    def is_back() -> bool:
      now, running = docker('inspect', '-f', form, self.container(service)).split()
      return running == 'true' and int(now) != pid

    self.wait_until(is_back, f'{service} to be started again')

  def exit_codes(self) -> dict[str, int]:
    names = [self.container(service) for service in SERVICES]
    return {
      name: json.loads(docker('inspect', '-f', '{{json .State.ExitCode}}', name))
      for name in names
    }

  def is_over(self) -> bool:
    return docker('ps', '--quiet', '--filter', 'name=proof_') == ''


SERVICES = [*places.SINGLES, 'actor-0', 'actor-1']


@pytest.fixture
def run(tmp_path: pathlib.Path) -> Iterator[Deployment]:
  deployed = Deployment(tmp_path)
  try:
    yield deployed
  finally:
    for service in SERVICES:
      logs = deployed.folder.logs / f'{service}.log'
      print(service, logs.read_text()[-1500:] if logs.exists() else 'has no log')
    deployed.compose('down', '--timeout', '1')
    shutil.rmtree(deployed.folder.path, ignore_errors=True)


def test_image_is_small_and_not_of_root() -> None:
  size, user = docker('inspect', '-f', '{{.Size}} {{.Config.User}}', IMAGE).split()
  assert int(size) < MAX_IMAGE_BYTES
  assert user == 'qmle'
  health = docker('inspect', '-f', '{{json .Config.Healthcheck.Test}}', IMAGE)
  assert json.loads(health)[-1] == deployment.HEALTH


def test_run_goes_on_through_kills_and_a_stop(run: Deployment) -> None:
  run.compose('up', '--detach')
  run.wait_until(lambda: run.steps() > 0, 'the first steps')
  assert_strangers_reach_nothing()
  assert_confined(run)
  for service in ('actor-0', 'learner', 'replay', 'counter'):
    # `docker kill` would count as a stop by hand, after which nothing is restarted.
    pid = int(docker('inspect', '-f', '{{.State.Pid}}', run.container(service)))
    os.kill(pid, signal.SIGKILL)
    run.wait_for_life(service, pid)
    run.wait_for_progress(f'after the kill of {service}')
  run.compose('stop')
  stopped = run.status()
  assert (stopped['state'], stopped['error']) == ('stopped', None)
  assert stopped['actor_steps'] == stopped['saved_steps'] > 0
  run.compose('up', '--detach')
  run.wait_until(run.is_over, 'the end')
  assert set(run.exit_codes().values()) == {0}
  status = run.status()
  assert (status['state'], status['error']) == ('finished', None)
  assert STEPS <= status['actor_steps'] <= STEPS + 2 * 20
  last = read_records(run.folder.evaluations)[-1]
  assert last['actor_steps'] == status['actor_steps']
  logs = {path.name for path in run.folder.logs.iterdir()}
  assert {'main.log', 'actor-1.log', 'learner-0.log', 'replay-0.log'} <= logs


def assert_strangers_reach_nothing() -> None:
  """Tries every port of the run from a container on another network."""
  code = """
import socket, sys
reached = []
for host in sys.argv[1:]:
  for port in (7101, 7102, 7103):
    try:
      socket.create_connection((host, port), timeout=2.0).close()
      reached.append((host, port))
    except OSError:
      pass
print(reached)
"""
  form = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
  hosts = [docker('inspect', '-f', form, f'proof_{s}_1') for s in SERVICES]
  common = ('run', '--rm', '--entrypoint', 'python', '--network')
  inside = docker(*common, 'proof_run', IMAGE, '-c', code, 'learner')
  assert "('learner', 7103)" in inside  # The ports answer those who belong there.
  assert docker(*common, 'bridge', IMAGE, '-c', code, *hosts) == '[]'


def assert_confined(run: Deployment) -> None:
  """Tries what no node may: write to the image, be root, reach the world."""
  node = run.container('learner')
  assert docker('exec', node, 'id', '-u') == '1000'
  for command in ('touch /opt/x', 'touch /etc/x', 'cat /etc/shadow'):
    result = subprocess.run(['docker', 'exec', node, *command.split()])
    assert result.returncode != 0, command
  capabilities = docker('exec', node, 'grep', 'CapEff', '/proc/1/status').split()[1]
  assert int(capabilities, 16) == 0
