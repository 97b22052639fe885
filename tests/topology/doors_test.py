"""Nobody on another machine reaches a port of a local run."""

import contextlib
import ipaddress
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from qmle_acme import processes
from qmle_acme.launch import main
from qmle_acme.topology import doors

# Of the two ends of a cable between this machine and the other one. The range is kept
# for measurements of networks, so it is nobody's (RFC 2544).
HERE, THERE = '198.18.77.1', '198.18.77.2'
CONNECT = """
import socket, sys
for port in map(int, sys.argv[2:]):
  try:
    socket.create_connection((sys.argv[1], port), timeout=5).close()
    print(port, 'open')
  except ConnectionRefusedError:
    print(port, 'refused')
"""
SMALL = '--steps 1000000 --layout distributed --actors 1 --qmle.min-replay-size 100 '
SMALL += '--qmle.batch-size 16 --qmle.hidden-size 16 --qmle.m-target 10'
# Replay, counter and learner are servers.
SERVERS = 3


@pytest.fixture
def neighbour() -> Iterator[str]:
  """Yields the name of a network namespace that a cable joins to this one."""
  ip, name = shutil.which('ip'), f'qmle{os.getpid()}'
  if ip is None:
    pytest.skip('needs the command `ip` (iproute2)')
  made = subprocess.run([ip, 'netns', 'add', name], capture_output=True, text=True)
  if made.returncode:
    pytest.skip(f'no network namespaces here: {made.stderr.strip()}')
  inside = [ip, '-n', name]
  try:
    for command in (
      [ip, 'link', 'add', f'h{name}', 'type', 'veth', 'peer', 'eth0', 'netns', name],
      [ip, 'addr', 'add', f'{HERE}/30', 'dev', f'h{name}'],
      [ip, 'link', 'set', f'h{name}', 'up'],
      [*inside, 'addr', 'add', f'{THERE}/30', 'dev', 'eth0'],
      [*inside, 'link', 'set', 'eth0', 'up'],
    ):
      done = subprocess.run(command, capture_output=True, text=True)
      if done.returncode:
        pytest.skip(f'no cable between namespaces here: {done.stderr.strip()}')
    yield name
  finally:
    subprocess.run([ip, 'netns', 'del', name], check=True)


def knock(neighbour: str, ports: list[int]) -> dict[int, str]:
  """Returns what each port says to a machine at the other end of the cable."""
  done = subprocess.run(
    ['ip', 'netns', 'exec', neighbour, sys.executable, '-c', CONNECT, HERE]
    + [str(port) for port in ports],
    capture_output=True,
    text=True,
    check=True,
  )
  pairs = (line.split() for line in done.stdout.splitlines())
  return {int(port): answer for port, answer in pairs}


def listening(root: psutil.Process) -> dict[int, str]:
  """Returns the TCP ports that a process and its descendants listen on."""
  found = {}
  for process in [root, *root.children(recursive=True)]:
    with contextlib.suppress(psutil.NoSuchProcess):
      for connection in process.net_connections('tcp'):
        if connection.status == psutil.CONN_LISTEN:
          found[connection.laddr.port] = connection.laddr.ip
  return found


def test_all_ports_of_a_run_are_refused_to_another_machine(
  neighbour: str, tmp_path: pathlib.Path
) -> None:
  arguments = ['train', '--run', str(tmp_path / 'run'), '--env', 'synthetic:box:2']
  run = processes.start_qmle([*arguments, *SMALL.split()], tmp_path / 'output')
  try:
    deadline = time.monotonic() + 120
    ports: dict[int, str] = {}
    while len(ports) < SERVERS and run.poll() is None:
      assert time.monotonic() < deadline, (tmp_path / 'output').read_text()
      time.sleep(1)
      ports = listening(psutil.Process(run.pid))
    assert len(ports) >= SERVERS, (tmp_path / 'output').read_text()
    # One that answers: the cable works.
    with socket.create_server(('', 0)) as control:
      open_port = control.getsockname()[1]
      answers = knock(neighbour, [*ports, open_port])
  finally:
    run.send_signal(signal.SIGTERM)
    run.wait(60)

  assert answers.pop(open_port) == 'open'
  assert set(answers.values()) == {'refused'} and answers.keys() == ports.keys()
  assert all(_is_loopback(address) for address in ports.values()), ports
  assert doors.WARNING not in (tmp_path / 'output').read_text()


def _is_loopback(address: str) -> bool:
  parsed = ipaddress.ip_address(address)
  mapped = getattr(parsed, 'ipv4_mapped', None)
  return (mapped or parsed).is_loopback


@pytest.mark.parametrize('is_open', [True, False])
def test_a_process_knows_whether_its_ports_are_closed(is_open: bool) -> None:
  script = 'from qmle_acme.topology import doors; print(doors.are_closed())'
  environment = main.make_environment(os.environ, is_open)
  command = [sys.executable, '-c', script]
  done = subprocess.run(command, env=environment, capture_output=True, text=True)

  assert done.stdout.strip() == str(not is_open), done.stderr
