"""Watches a run in a terminal of its own: memory, files and threads of its processes.

python docs/soak.py MINUTES --run RUN [other options of qmle train]

A line for each process at the start, and every tenth of the time from then on. The run
is stopped at the end, as by Ctrl-C.
"""

import os
import pty
import signal
import sys
import threading
import time

import psutil

_WARM_UP_SECONDS = 120.0


def main(minutes: float, options: list[str]) -> int:
  """Runs and watches; returns the exit code of the run."""
  screen, terminal = pty.openpty()
  command = [os.path.join(os.path.dirname(sys.executable), 'qmle'), 'train', *options]
  process = psutil.Popen(
    command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
  )
  os.close(terminal)
  threading.Thread(target=_drain, args=[screen], daemon=True).start()
  start = time.monotonic()
  time.sleep(min(_WARM_UP_SECONDS, 6.0 * minutes))
  while process.poll() is None and time.monotonic() < start + 60.0 * minutes:
    _show(process, (time.monotonic() - start) / 60.0)
    time.sleep(6.0 * minutes)
  process.send_signal(signal.SIGINT)
  return process.wait()


def _show(process: psutil.Popen, minute: float) -> None:
  for p in [process, *process.children(recursive=True)]:
    try:
      names = [os.path.basename(file.path) for file in p.open_files()]
      logs = [name[:-4] for name in names if name.endswith('.log')]
      mib = p.memory_info().rss / 2**20
      print(
        f'{minute:6.1f} min  {(*logs, p.name())[0]:12}  {mib:7.1f} MiB  '
        f'{p.num_fds():4} files  {p.num_threads():4} threads',
        flush=True,
      )
    except psutil.Error:  # It has just ended.
      continue


def _drain(screen: int) -> None:
  """Reads what is shown, as a terminal does."""
  try:
    while os.read(screen, 65536):
      pass
  except OSError:  # The run has ended.
    return


if __name__ == '__main__':
  sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
