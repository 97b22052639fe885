"""Who may reach the ports of a run: what `kernels/preload/loopback.c` has come to."""

import ipaddress
import socket


def are_closed() -> bool:
  """Returns whether a server of this process answers on this machine alone.

  It asks what became of an address: what is preloaded can be lacking for many reasons.
  """
  with socket.socket() as server:
    server.bind(('', 0))
    return ipaddress.ip_address(server.getsockname()[0]).is_loopback


WARNING = (
  'WARNING: THE PORTS OF THIS RUN ANSWER TO THE NETWORK, without a password, and who '
  'reaches them can run code here: start it by `qmle train`, or behind a firewall'
)
