"""A whole run in containers of a real Docker Engine (tests/cluster/with_engines.sh)."""

import os
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import yaml
from deployed import IMAGE, Deployment, output_of

pytestmark = pytest.mark.cluster

_PORTS = 4
_STRANGERS = 'strangers'
# Of the image.
_USER = 1000
_BAD_LINK = pathlib.Path(__file__).with_name('bad_link.py')
_ADDRESS = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'


class Containers(Deployment):
  """A run in the containers that Compose makes of a generated file.

  Attributes:
    services: names of its nodes.
  """

  def __init__(self, root: pathlib.Path, actors: int = 2):
    root.chmod(0o755)
    runs = root / 'runs'
    runs.mkdir()
    os.chown(runs, _USER, _USER)
    run = runs / 'proof'
    more = ('--run', 'proof', '--runs', str(runs))
    super().__init__('compose', root, run, *more, actors=actors)
    services = yaml.safe_load((self.out / 'compose.yaml').read_text())['services']
    self.services = [service for service in services if service != 'tensorboard']

  def compose(self, *arguments: str) -> None:
    """Runs docker-compose on the file."""
    file = self.out / 'compose.yaml'
    subprocess.run(['docker-compose', '-f', str(file), *arguments], check=True)

  def container(self, service: str) -> str:
    """Returns the name of the container of a service."""
    return f'proof_{service}_1'

  def inspect(self, service: str, form: str) -> str:
    """Returns what the engine says of the container of a service."""
    return output_of('docker', 'inspect', '-f', form, self.container(service))

  def pid(self, service: str) -> int:
    """Returns the process of a service; 0 if it does not run."""
    return int(self.inspect(service, '{{.State.Pid}}'))

  def kill(self, service: str) -> None:
    """Kills a node as anything but `docker kill` does, and waits for its next life.

    After `docker kill` the engine leaves a container be, as after `docker stop`.
    """
    pid = self.pid(service)
    os.kill(pid, signal.SIGKILL)
    self.wait_until(
      lambda: self.pid(service) not in (0, pid), f'{service} to be started again'
    )

  def exit_codes(self) -> dict[str, int]:
    """Returns the exit code of each service, once none runs."""
    self.wait_until(lambda: not any(map(self.pid, self.services)), 'the end')
    return {s: int(self.inspect(s, '{{.State.ExitCode}}')) for s in self.services}

  def resumed_at(self) -> int:
    """Returns the steps from which the learner has last gone on, as its log says."""
    log = (self.folder.logs / 'learner-0.log').read_text()
    counts = re.findall(r"goes on from .*'actor_steps': ([\d.]+)", log)
    return int(float(counts[-1])) if counts else 0


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Containers]:
  containers = Containers(tmp_path, *getattr(request, 'param', ()))
  try:
    yield containers
  finally:
    containers.show_logs()
    containers.compose('down', '--timeout', '1')


def test_run_reaches_its_end_through_kills_and_a_stop(run: Containers) -> None:
  run.compose('up', '--detach')
  run.wait_until(lambda: int(run.status().get('saved_steps', 0)) > 0, 'a checkpoint')
  assert_strangers_reach_nothing(run)
  assert_confined(run)
  assert_goes_on_over_a_bad_link(run, 'actor-1', others=['actor-0'])
  for service in ('actor-0', 'argmax-0'):
    run.kill(service)
    run.wait_for_progress(f'after the kill of {service}')
  for service in ('learner', 'replay', 'counter'):
    assert_goes_on_after(run, service, run.kill)
  assert_goes_on_after(run, 'learner', lambda service: move(run, service))
  run.compose('stop')
  stopped = run.status()
  assert (stopped['state'], stopped['error']) == ('stopped', None)
  assert stopped['actor_steps'] == stopped['saved_steps'] > 0
  steps = stopped['saved_steps'] + 2000
  run.set_end(steps)
  run.compose('up', '--detach')
  assert run.exit_codes() == dict.fromkeys(run.services, 0)
  assert run.resumed_at() == stopped['saved_steps']
  run.assert_whole(steps)


# More than 16 have a publisher, by which alone they get variables.
@pytest.mark.slow
@pytest.mark.parametrize('run', [(17,)], indirect=True)
def test_many_actors_reach_the_end(run: Containers) -> None:
  assert 'publisher' in run.services
  run.set_end(4000)
  run.compose('up', '--detach')
  assert run.exit_codes() == dict.fromkeys(run.services, 0)
  run.assert_whole(4000)
  assert run.status()['restarts'] == 0


def assert_goes_on_after(
  run: Containers, service: str, disturb: Callable[[str], None]
) -> None:
  """Disturbs a service, and asserts that the run goes on from no less than is saved."""
  saved, generation = run.status()['saved_steps'], run.generation()
  disturb(service)
  run.wait_for_progress(f'after the loss of {service}', generation=generation + 1)
  assert run.resumed_at() >= saved or service == 'replay'


def move(run: Containers, service: str) -> None:
  """Has a container come back with another address."""
  name, address = run.container(service), run.inspect(service, _ADDRESS)
  output_of('docker', 'kill', name)
  # Who comes first gets the lowest address that is free: that of the one that is gone.
  squatter = output_of(
    'docker', 'run', '--rm', '--detach', '--network', 'proof_run',
    '--entrypoint', 'sleep', IMAGE, '3600',
  )  # fmt: skip
  try:
    output_of('docker', 'start', name)
    assert run.inspect(service, _ADDRESS) != address
    run.wait_for_progress(f'{service} at another address')
  finally:
    output_of('docker', 'kill', squatter)


def assert_goes_on_over_a_bad_link(
  run: Containers, service: str, others: list[str]
) -> None:
  """Has the run go on by one actor, whose link has 100 ms of delay and 1 % of loss."""
  enter = ('nsenter', '--net', '--target', str(run.pid(service)))
  link = subprocess.Popen(
    [*enter, sys.executable, str(_BAD_LINK), '0.1', '0.01'], stdout=subprocess.PIPE
  )
  try:
    assert link.stdout is not None and link.stdout.readline() == b'up\n'
    for other in others:
      output_of('docker', 'pause', run.container(other))
    run.wait_for_progress(f'{service} alone, over a bad link', steps=300)
    assert link.poll() is None
  finally:
    link.kill()
    link.wait()
    for other in others:
      subprocess.run(['docker', 'unpause', run.container(other)])


def assert_strangers_reach_nothing(run: Containers) -> None:
  """Tries every port of the run from a container on another network."""
  code = """
import socket, sys
reached = []
for host in sys.argv[1:]:
  for port in (7101, 7102, 7103, 7105):
    try:
      socket.create_connection((host, port), timeout=1.0).close()
      reached.append((host, port))
    except OSError:
      pass
print(reached)
"""
  hosts = [run.inspect(service, _ADDRESS) for service in run.services]
  common = ('docker', 'run', '--rm', '--entrypoint', 'python', '--network')
  inside = output_of(*common, 'proof_run', IMAGE, '-c', code, *hosts)
  assert inside.count('(') == _PORTS  # They answer those who belong there.
  output_of('docker', 'network', 'create', _STRANGERS)
  try:
    assert output_of(*common, _STRANGERS, IMAGE, '-c', code, *hosts) == '[]'
  finally:
    output_of('docker', 'network', 'rm', _STRANGERS)


def assert_confined(run: Containers) -> None:
  """Tries what no node may: be root, write to the image, read what is root's."""
  node = run.container('learner')
  assert output_of('docker', 'exec', node, 'id', '-u') == str(_USER)
  for command in ('touch /opt/x', 'touch /etc/x', 'cat /etc/shadow'):
    result = subprocess.run(['docker', 'exec', node, *command.split()])
    assert result.returncode != 0, command
  capabilities = output_of('docker', 'exec', node, 'grep', 'CapEff', '/proc/1/status')
  assert int(capabilities.split()[1], 16) == 0
