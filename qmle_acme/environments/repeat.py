"""Actions that are held: an environment that takes each action several times.

'repeat:8:control:pendulum:swingup' is control:pendulum:swingup with every action taken
8 times, and its rewards summed. One step of it is 8 of the other, or fewer where the
episode ends.
"""

import dm_env
from acme import wrappers

from qmle_acme.environments import registry, variations

knows = variations.knows


class _Held(wrappers.ActionRepeatWrapper):
  """Acme's wrapper, which knows how long a step of it is."""

  def control_timestep(self) -> float:
    """Returns the seconds of the environment's own time in a step."""
    return self._num_repeats * self._environment.control_timestep()


def names() -> tuple[str, ...]:
  """Returns examples of names, which have the form <times>:<another environment>."""
  return ('8:control:pendulum:swingup',)


def make(name: str, seed: int) -> dm_env.Environment:
  """Returns the environment of that name.

  Raises:
    UserError: the number is out of range, or there is no such other environment.
  """
  times, other = variations.parse('repeat', name)
  held = _Held(registry.make(other, seed), times)
  return wrappers.SinglePrecisionWrapper(held)  # Of summed rewards, which are float64.
