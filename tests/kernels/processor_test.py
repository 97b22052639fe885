"""The kernels of processors that lack what this one may have."""

import os
import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).parents[1]
CPU = pathlib.Path('/proc/cpuinfo').read_text()

# Prints values that are summed in another order with wider vectors.
PROGRAM = """
from tests.networks.compiled_argmax_test import make_inputs, make_network
for width in (16, 48, 128):  # Less than a tile, and parts of one beside whole ones.
  network = make_network(width, 6)
  observations, actions = make_inputs(20, 101, 6)
  _, values = network.argmax(network.embed(observations), actions)
  print(*(float(value).hex() for value in values))
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
@pytest.mark.parametrize('most', ['AVX2', 'AVX512'])
def test_the_arg_max_and_random_numbers_hold_with_less(most: str) -> None:
  files = [
    str(TESTS / 'networks/compiled_argmax_test.py'),
    str(TESTS / 'random_test.py'),
  ]
  run('-m', 'pytest', '-q', *files, QMLE_MAX_CPU_ISA=most)


@pytest.mark.skipif('avx512_vnni' not in CPU, reason='this processor has AVX2 alone')
def test_a_variable_chooses_the_kernels() -> None:
  wide = run('-c', PROGRAM, QMLE_MAX_CPU_ISA='AVX512')
  narrow = run('-c', PROGRAM, QMLE_MAX_CPU_ISA='AVX2')
  assert narrow != wide
  assert numbers(narrow) == pytest.approx(numbers(wide), rel=1e-5)


@pytest.mark.skipif('amx_int8' not in CPU, reason='this processor has no AMX')
def test_tiles_have_the_results_of_vectors_to_the_bit() -> None:
  assert run('-c', PROGRAM) == run('-c', PROGRAM, QMLE_MAX_CPU_ISA='AVX512')


def numbers(printed: str) -> list[float]:
  """Returns the numbers of all lines."""
  return [float.fromhex(word) for word in printed.split()]
