"""Actions that are held: rewards, ends of episodes, and what is refused."""

import dm_env
import numpy as np
import pytest
from absl.testing import absltest
from dm_env import specs, test_utils

from qmle_acme.environments import bandit, make, repeat, video
from qmle_acme.errors import UserError


class RepeatContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """What dm_env asks of every environment."""

  def make_object_under_test(self) -> dm_env.Environment:
    return make('repeat:3:bandit:bimodal', seed=0)


class Scripted(bandit.Bandit):
  """Gives rewards and discounts by a script; its actions are large integers."""

  SCRIPT = ((1.0, 0.5), (2.0, 0.5), (4.0, 0.0))

  def __init__(self) -> None:
    super().__init__()
    self.taken: list[np.ndarray] = []

  def reset(self) -> dm_env.TimeStep:
    self.taken.clear()
    return super().reset()

  def step(self, action: np.ndarray) -> dm_env.TimeStep:
    self.taken.append(action)
    reward, discount = map(np.float32, self.SCRIPT[len(self.taken) - 1])
    is_last = len(self.taken) == len(self.SCRIPT)
    kind = dm_env.StepType.LAST if is_last else dm_env.StepType.MID
    return dm_env.TimeStep(kind, reward, discount, self._observation())

  def action_spec(self) -> specs.BoundedArray:
    return specs.BoundedArray((), np.int64, 2**40, 2**40 + 9, 'action')


def test_a_step_is_several_of_the_other_environment() -> None:
  held = make('repeat:8:control:cartpole:swingup', 1)
  other = make('control:cartpole:swingup', 1)
  assert held.action_spec() == other.action_spec()
  assert held.observation_spec().shape == other.observation_spec().shape
  held.reset()
  other.reset()
  action = np.array([0.3])
  timestep = held.step(action)
  singles = [other.step(action) for _ in range(8)]
  assert timestep.reward == np.float32(sum(single.reward for single in singles))
  np.testing.assert_array_equal(timestep.observation, singles[-1].observation)
  types = {np.asarray(part).dtype for part in timestep[1:]}
  assert types == {np.dtype(np.float32)}
  steps = 1
  while not timestep.last():
    timestep = held.step(action)
    steps += 1
  assert steps == 1_000 // 8 and timestep.discount == 1.0
  # So that its videos run at the speed of the environment's own time.
  assert video.frames_per_second(held) == video.frames_per_second(other) / 8
  held.close()
  other.close()


def test_rewards_are_discounted_within_a_step() -> None:
  scripted = Scripted()
  held = repeat.Held(scripted, times=2)
  assert held.action_spec() == scripted.action_spec()
  held.reset()
  action = np.array(2**40 + 1)
  timestep = held.step(action)
  assert timestep.mid()
  assert (timestep.reward, timestep.discount) == (1.0 + 0.5 * 2.0, 0.5 * 0.5)
  timestep = held.step(action)
  assert timestep.last() and (timestep.reward, timestep.discount) == (4.0, 0.0)
  assert scripted.taken == [action] * 3


def test_it_does_not_go_over_the_end_of_an_episode() -> None:
  held, other = make('repeat:3:bandit:bimodal', 0), make('bandit:bimodal', 0)
  held.reset()
  other.reset()
  action = np.array([0.5, 0.5], np.float32)
  timestep = held.step(action)
  assert timestep.last() and timestep.discount == 0.0
  assert timestep.reward == other.step(action).reward


@pytest.mark.parametrize('times', ['1', '1001', '-3'])
def test_number_out_of_range_is_refused(times: str) -> None:
  with pytest.raises(UserError, match=f': {times} must be from 2 to 1,000'):
    make(f'repeat:{times}:bandit:bimodal', seed=0)


def test_number_must_be_whole() -> None:
  with pytest.raises(UserError, match=r'repeat:2.5:bandit:bimodal: 2.5 must be whole'):
    make('repeat:2.5:bandit:bimodal', seed=0)
