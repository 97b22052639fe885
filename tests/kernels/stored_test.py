"""What is preloaded leaves the compression of everybody but TensorFlow alone."""

import os
import subprocess
import sys

from qmle_acme.launch import main

SCRIPT = """
import zlib
import qmle_acme.kernels
data = bytes(10_000)
assert zlib.decompress(zlib.compress(data)) == data
print(len(zlib.compress(data)))
"""


def test_zlib_of_python_still_compresses() -> None:
  environment = main.make_environment(os.environ)
  done = subprocess.run(
    [sys.executable, '-c', SCRIPT], env=environment, capture_output=True, text=True
  )
  assert int(done.stdout) < 100, done.stderr
  assert 'LD_PRELOAD' not in done.stderr  # The loader found it.
