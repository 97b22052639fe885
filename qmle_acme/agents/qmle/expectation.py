"""What Q promises at the start of an episode, beside what the episode then brings."""

from collections.abc import Callable

import dm_env


class Expectation:
  """Compares max Q(s_0, a) with the discounted return that follows.

  Their difference over many greedy episodes is the bias of Q. An episode that a time
  limit ends brings less than Q promises: what would have come later is missing.

  Attributes:
    is_open: whether the value of the episode's first observation is still to come.
  """

  def __init__(self, discount: float, unit: Callable[[], float]):
    """Initialises.

    Args:
      discount: of the agent.
      unit: returns that of Q, in the unit of the rewards.
    """
    self._agent_discount = discount
    self._unit = unit
    self.is_open = False
    self._value = 0.0
    self._discounted_return, self._discount = 0.0, 1.0

  def begin(self) -> None:
    """Begins an episode, whose first value is still to come."""
    self.is_open = True
    self._discounted_return, self._discount = 0.0, 1.0

  def expect(self, value: float) -> None:
    """Takes the value of the first observation."""
    # A plain number: a Courier call that is given one of numpy's never comes back.
    self.is_open, self._value = False, float(self._unit() * value)

  def add(self, timestep: dm_env.TimeStep) -> None:
    """Adds the reward of a step, and its discount for those to come."""
    self._discounted_return += self._discount * float(timestep.reward)
    self._discount *= self._agent_discount * float(timestep.discount)

  def record(self) -> dict[str, float]:
    """Returns both of the episode so far, in the unit of the rewards."""
    if self.is_open:  # Nobody has acted in it yet.
      return {}
    return {'q_start': self._value, 'discounted_return': self._discounted_return}
