"""Power grids: days, what they end with, and one line where Grid2Op is missing."""

import importlib.util
import sys

import numpy as np
import pytest

from qmle_acme.environments import make
from qmle_acme.errors import UserError

GRID = 'grid2op:l2rpn_case14_sandbox:discrete'
needs_grid2op = pytest.mark.skipif(
  importlib.util.find_spec('grid2op') is None, reason='Grid2Op is not installed'
)


def test_without_grid2op_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setitem(sys.modules, 'grid2op', None)
  with pytest.raises(UserError) as error:
    make(GRID, 0)
  message = str(error.value)
  assert 'needs Grid2Op and LightSim2grid, which are not installed' in message
  assert '\n' not in message


def test_a_name_of_another_form_is_unknown() -> None:
  with pytest.raises(UserError, match="unknown environment 'grid2op:a:b'"):
    make('grid2op:a:b', 0)


@needs_grid2op
def test_who_does_nothing_sees_the_day_end_undiscounted() -> None:
  with make(GRID, 0) as environment:
    assert environment.action_spec().num_values == 279
    timestep, total, steps = environment.reset(), 0.0, 0
    while not timestep.last():
      timestep = environment.step(0)
      total += timestep.reward
      steps += 1
    assert timestep.discount == 1.0 and steps in (287, 288)
    assert 15_000.0 < total < 25_000.0
    assert np.abs(timestep.observation).max() < 10.0


@needs_grid2op
def test_the_action_that_does_nothing_leaves_the_whole_grid_alone() -> None:
  whole = GRID.removesuffix(':discrete')
  with make(whole, 0) as environment, make(GRID, 0) as discrete:
    noop = {name: part.noop for name, part in environment.action_spec().items()}
    environment.reset(), discrete.reset()
    for _ in range(5):
      by_dict, by_index = environment.step(noop), discrete.step(0)
      assert by_dict.reward == by_index.reward > 50.0
      np.testing.assert_array_equal(by_dict.observation, by_index.observation)


@needs_grid2op
def test_days_are_either_trained_on_or_held_out() -> None:
  with make(GRID, 0) as training, make(f'{GRID}:held_out', 0) as held_out:
    adapters = [environment._environment for environment in (training, held_out)]
    days = [adapter._environment.days for adapter in adapters]
    assert sorted(days[0] + days[1]) == [(c, d) for c in range(3) for d in range(2)]
    assert len(days[0]) == 4 and not set(days[0]) & set(days[1])


@needs_grid2op
def test_a_grid_that_is_not_there_gets_the_nearest() -> None:
  with pytest.raises(UserError, match=r'unknown grid .* nearest: .*l2rpn_case14'):
    make('grid2op:l2rpn_case14', 0)
