"""Other runs, started by the same `qmle` command that a person types."""

import functools
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence

from qmle_acme.experiments.nodes import die_with


def start(arguments: Sequence[str], output: pathlib.Path) -> subprocess.Popen[bytes]:
  """Starts `qmle` with these arguments; it does not outlive this process.

  It has a session of its own: Ctrl-C does not reach it, and the caller has to stop it.

  Args:
    arguments: the words after `qmle`.
    output: file to which what it prints is added.
  """
  qmle = pathlib.Path(sys.executable).with_name('qmle')
  with output.open('a') as file:
    return subprocess.Popen(
      [str(qmle), *arguments],
      stdin=subprocess.DEVNULL,
      stdout=file,
      stderr=subprocess.STDOUT,
      start_new_session=True,
      preexec_fn=functools.partial(die_with, os.getpid()),
    )
