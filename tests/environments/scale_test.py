"""Rewards of another unit: they alone change, and what is refused."""

import dm_env
import numpy as np
import pytest
from absl.testing import absltest
from dm_env import test_utils

from qmle_acme.environments import make, video
from qmle_acme.errors import UserError


class ScaleContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """What dm_env asks of every environment."""

  def make_object_under_test(self) -> dm_env.Environment:
    return make('scale:0.5:bandit:bimodal', seed=0)


@pytest.mark.parametrize('factor', ['1000', '0.001', '2.5e3', '.5', '+2'])
def test_rewards_alone_are_multiplied(factor: str) -> None:
  scaled = make(f'scale:{factor}:control:cartpole:swingup', 1)
  other = make('control:cartpole:swingup', 1)
  assert scaled.action_spec() == other.action_spec()
  assert scaled.reset().reward is None
  other.reset()
  for action in ([0.3], [-1.0], [1.0]):
    timestep, single = scaled.step(np.array(action)), other.step(np.array(action))
    assert timestep.reward.dtype == np.float32
    assert timestep.reward == np.float32(float(factor) * float(single.reward)) > 0
    np.testing.assert_array_equal(timestep.observation, single.observation)
    assert timestep.discount == single.discount
    assert scaled.reward_spec().validate(timestep.reward) == timestep.reward
  assert video.frames_per_second(scaled) == video.frames_per_second(other)
  scaled.close()
  other.close()


def test_variations_may_be_nested() -> None:
  nested = make('scale:3:repeat:2:control:cartpole:swingup', 1)
  other = make('repeat:2:control:cartpole:swingup', 1)
  nested.reset()
  other.reset()
  action = np.array([0.3])
  assert nested.step(action).reward == np.float32(3.0) * other.step(action).reward
  nested.close()
  other.close()


@pytest.mark.parametrize('factor', ['0', '1e-10', '1e10', '-1', '-.5'])
def test_factor_out_of_range_is_refused(factor: str) -> None:
  with pytest.raises(UserError, match=r'must be from 1e-09 to 1e\+09'):
    make(f'scale:{factor}:bandit:bimodal', seed=0)


@pytest.mark.parametrize('factor', ['1e', '.', '٣', 'inf', 'nan'])
def test_what_is_no_number_is_no_name(factor: str) -> None:
  with pytest.raises(UserError, match='unknown environment'):
    make(f'scale:{factor}:bandit:bimodal', seed=0)
