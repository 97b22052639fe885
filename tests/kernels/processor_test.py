"""The kernels of processors that lack what this one may have."""

import os
import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).parents[1]
CPU = pathlib.Path('/proc/cpuinfo').read_text()

# Prints one value that sums in another order with wider vectors.
PROGRAM = """
import tensorflow as tf
from tests.networks.compiled_argmax_test import make_inputs, make_network
network = make_network(128, 6)
observations, actions = make_inputs(1, 30, 6)
_, value = network.argmax(network.embed(observations), actions)
print(float(value[0]).hex())
"""


def run(*arguments: str, **variables: str) -> str:
  """Returns what Python printed."""
  done = subprocess.run(
    [sys.executable, *arguments],
    env=os.environ | variables,
    cwd=TESTS.parent,
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stdout + done.stderr
  return done.stdout


@pytest.mark.skipif('avx512_vnni' not in CPU, reason='this processor has AVX2 alone')
def test_the_arg_max_and_random_numbers_hold_with_avx2_alone() -> None:
  files = [
    str(TESTS / 'networks/compiled_argmax_test.py'),
    str(TESTS / 'random_test.py'),
  ]
  run('-m', 'pytest', '-q', *files, QMLE_MAX_CPU_ISA='AVX2')


@pytest.mark.skipif('avx512_vnni' not in CPU, reason='this processor has AVX2 alone')
def test_a_variable_chooses_the_kernels() -> None:
  wide, narrow = run('-c', PROGRAM), run('-c', PROGRAM, QMLE_MAX_CPU_ISA='AVX2')
  assert narrow != wide
  assert float.fromhex(narrow) == pytest.approx(float.fromhex(wide), rel=1e-5)
