"""Ports and proxies: whether a run reaches its own servers, and who else does."""

import os
import socket
from collections.abc import Mapping

from qmle_acme.doctor.findings import Finding, Level, judge
from qmle_acme.topology import doors

# By which name Launchpad has the servers of a run called.
_HOST = 'localhost'
_SECONDS = 5.0
_PROXIES = ('http_proxy', 'https_proxy', 'all_proxy', 'grpc_proxy')


def free_ports() -> Finding:
  """Checks that a server can be opened at a port, and called by its name."""
  try:
    with socket.create_server(('', 0)) as server:
      port = server.getsockname()[1]
      socket.create_connection((_HOST, port), _SECONDS).close()
  except OSError as error:
    return Finding(
      'ports',
      f'a server of this machine is not reached as {_HOST}: {error.strerror or error}',
      Level.BAD,
      f'{_HOST} must lead to 127.0.0.1 (/etc/hosts), and the loopback device be up',
    )
  return Finding('ports', f'free ones are there, such as {port}, reached as {_HOST}')


def proxies(environment: Mapping[str, str] = os.environ) -> Finding:
  """Checks that no proxy stands between a run and its own servers.

  Args:
    environment: variables of this process.
  """
  lower = {name.lower(): value for name, value in environment.items()}
  found = [name for name in _PROXIES if lower.get(name)]
  text = f'{", ".join(found) or "none"}'
  is_well = environment.get('grpc_proxy') == '' or not found
  if found and is_well:
    text = f'{text}: our own servers are reached past them'
  advice = 'gRPC would look for our servers there: set grpc_proxy to nothing'
  return judge('proxies', text, Level.BAD, is_well, advice)


def visitors() -> Finding:
  """Says who can reach the ports of a run that starts here."""
  are_closed = doors.are_closed()
  whom = 'this machine alone' if are_closed else 'whoever reaches this machine'
  return judge(
    'visitors',
    f'ports of a run answer to {whom}',
    Level.WARNING,
    are_closed,
    'they know no passwords: start runs by `qmle`, which preloads _loopback.so, or '
    'have a firewall',
  )
