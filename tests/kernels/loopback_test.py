"""What is preloaded has servers answer on this machine alone, and changes no other."""

import json
import os
import subprocess
import sys

from qmle_acme.launch import main

SCRIPT = """
import json, socket
def bound(family, kind, address, v6_only=0):
  with socket.socket(family, kind) as server:
    if family == socket.AF_INET6:
      server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6_only)
    server.bind(address)
    name = server.getsockname()
    return name[0] if family != socket.AF_UNIX else name.decode()[1:]
STREAM = socket.SOCK_STREAM
print(json.dumps([
  bound(socket.AF_INET, STREAM, ('', 0)),
  bound(socket.AF_INET6, STREAM, ('::', 0)),
  bound(socket.AF_INET6, STREAM, ('::', 0), 1),
  bound(socket.AF_INET, STREAM, ('127.0.0.2', 0)),
  bound(socket.AF_INET, socket.SOCK_DGRAM, ('', 0)),
  bound(socket.AF_UNIX, STREAM, chr(0) + 'qmle-loopback-test'),
]))
"""


def addresses(is_open: bool) -> list[str]:
  """Returns where sockets of a new process are bound to."""
  done = subprocess.run(
    [sys.executable, '-c', SCRIPT],
    env=main.make_environment(os.environ, is_open),
    capture_output=True,
    text=True,
    check=True,
  )
  assert 'LD_PRELOAD' not in done.stderr  # The loader found it.
  return json.loads(done.stdout)


def test_streams_on_all_addresses_become_loopback() -> None:
  found = addresses(is_open=False)

  assert found[:3] == ['127.0.0.1', '::ffff:127.0.0.1', '::1']
  assert found[3:] == ['127.0.0.2', '0.0.0.0', 'qmle-loopback-test']


def test_a_node_of_a_cluster_answers_everywhere() -> None:
  assert addresses(is_open=True)[:3] == ['0.0.0.0', '::', '::']


def test_what_was_preloaded_for_a_run_is_not_for_a_node() -> None:
  closed = main.make_environment({'LD_PRELOAD': 'a.so'})
  assert closed['LD_PRELOAD'].count('_loopback.so') == 1

  again = main.make_environment(closed)
  opened = main.make_environment(closed, is_open=True)

  assert again == closed
  assert '_loopback.so' not in opened['LD_PRELOAD']
  assert opened['LD_PRELOAD'].endswith('_stored.so:a.so')
