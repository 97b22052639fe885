"""Delays and loses what a network namespace sends: `tc netem`, for kernels without it.

  nsenter --net --target PID python bad_link.py SECONDS SHARE

Until it is ended, packets to the network of eth0 go through here: each leaves late by
so many seconds, and this share of them never.
"""

import collections
import fcntl
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_DEVICE = 'bad0'


def main(seconds: float, share: float) -> None:
  """Forwards packets for ever."""
  tunnel = os.open('/dev/net/tun', os.O_RDWR)
  fcntl.ioctl(
    tunnel, _TUNSETIFF, struct.pack('16sH', _DEVICE.encode(), _IFF_TUN | _IFF_NO_PI)
  )
  _route_through_tunnel()
  out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
  out.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'eth0')
  print('up', flush=True)
  late: collections.deque[tuple[float, bytes]] = collections.deque()
  while True:
    wait = max(late[0][0] - time.monotonic(), 0.0) if late else None
    if select.select([tunnel], [], [], wait)[0]:
      packet = os.read(tunnel, 65535)
      if packet[0] >> 4 == 4 and random.random() >= share:
        late.append((time.monotonic() + seconds, packet))
    while late and late[0][0] <= time.monotonic():
      _, packet = late.popleft()
      out.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))


def _route_through_tunnel() -> None:
  """Prefers the tunnel to eth0; when it is gone, eth0 is what is left."""
  kernel = ('proto', 'kernel', 'scope', 'link')
  (route,) = json.loads(_run('ip', '-json', 'route', 'show', 'dev', 'eth0', *kernel))
  source = ('src', route['prefsrc'])
  # Answers come in by eth0, where the kernel would expect none.
  for device in ('all', 'eth0'):
    _run('sysctl', '--quiet', '--write', f'net.ipv4.conf.{device}.rp_filter=0')
  _run('ip', 'link', 'set', _DEVICE, 'up')
  _run('ip', 'route', 'add', route['dst'], 'dev', 'eth0', 'metric', '200', *source)
  _run('ip', 'route', 'add', route['dst'], 'dev', _DEVICE, 'metric', '100', *source)
  _run('ip', 'route', 'del', route['dst'], 'dev', 'eth0', 'metric', '0')


def _run(*command: str) -> str:
  return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == '__main__':
  main(float(sys.argv[1]), float(sys.argv[2]))
