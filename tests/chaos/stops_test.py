"""Processes stand still for a while; runs get in each other's way."""

import contextlib
import os
import pathlib
import time

import pytest
import small_runs
from chaos_runs import Chaos, make_config

from qmle_acme.runs.config import FaultsConfig
from qmle_acme.runs.records import read_records

pytestmark = pytest.mark.chaos

STOP_SECONDS = float(os.environ.get('CHAOS_STOP_SECONDS', '60'))


@pytest.mark.parametrize(
  'label', ['actor', 'evaluator', 'replay', 'counter', 'learner']
)
def test_node_that_is_stopped_is_said_and_goes_on(
  tmp_path: pathlib.Path, label: str
) -> None:
  faults = FaultsConfig(stall_seconds=0.5 * STOP_SECONDS)
  chaos = Chaos(make_config(tmp_path / 'run', strides=6, actors=1, faults=faults))
  with contextlib.closing(chaos):
    chaos.wait_for_stride()
    node = chaos.training.node(label)
    node.suspend()
    time.sleep(STOP_SECONDS)
    node.resume()

    chaos.assert_whole()
    assert chaos.training.status()['restarts'] == 0
    (stall,) = read_records(chaos.training.folder.faults)
    assert (stall['what'], stall['node']) == ('stall', f'{label}/0')
    assert f'stall: {stall["error"]}' in chaos.training.output()


def test_second_run_in_a_folder_is_refused_and_the_first_goes_on(
  tmp_path: pathlib.Path,
) -> None:
  chaos = Chaos(make_config(tmp_path / 'run', strides=3))
  with contextlib.closing(chaos):
    chaos.wait_for_stride()
    overlay = str(tmp_path / 'run.yaml')
    second = small_runs.run_qmle(
      'train', '--config', overlay, '--run', str(chaos.config.run)
    )
    assert second.returncode == 2
    assert 'is in use by another `qmle train`' in second.stdout + second.stderr
    chaos.assert_whole()


def test_two_runs_side_by_side(tmp_path: pathlib.Path) -> None:
  both = [Chaos(make_config(tmp_path / name, strides=3)) for name in ('a', 'b')]
  with contextlib.ExitStack() as stack:
    for chaos in both:
      stack.enter_context(contextlib.closing(chaos))
    for chaos in both:
      chaos.assert_whole()
      assert chaos.training.status()['restarts'] == 0
