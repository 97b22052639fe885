"""How often random actions reach a sparse reward, by how long each of them lasts.

python docs/random_policies.py control:finger:turn_hard --episodes 40
"""

import dataclasses
import statistics

import numpy as np
import tyro

from qmle_acme import environments


@dataclasses.dataclass(frozen=True)
class Settings:
  """What is measured."""

  env: tyro.conf.Positional[str]
  """Environment by its name, with a box of actions."""
  episodes: int = 40
  """Episodes of each form."""
  steps: tuple[int, ...] = (1, 8, 32)
  """How many steps an action lasts."""


def returns(name: str, episodes: int, lasts: int, at_bounds: bool) -> list[float]:
  """Returns the returns of episodes of random actions, or of their signs."""
  draw = np.random.default_rng(0)
  with environments.make(name, seed=1) as environment:
    spec = environment.action_spec()
    found = []
    for _ in range(episodes):
      timestep, total, step = environment.reset(), 0.0, 0
      while not timestep.last():
        if step % lasts == 0:
          action = draw.uniform(spec.minimum, spec.maximum)
          if at_bounds:
            middle = (spec.minimum + spec.maximum) / 2
            action = np.where(action > middle, spec.maximum, spec.minimum)
        timestep = environment.step(action)
        total, step = total + float(timestep.reward), step + 1
      found.append(total)
  return found


def main(settings: Settings) -> None:
  """Prints a line for each form."""
  for at_bounds in (False, True):
    for lasts in settings.steps:
      found = returns(settings.env, settings.episodes, lasts, at_bounds)
      reached = statistics.fmean(value > 0 for value in found)
      print(
        f'{"at the bounds" if at_bounds else "uniform":14} {lasts:3} steps: '
        f'mean {statistics.fmean(found):6.1f}, more than 0 in {reached:.0%}'
      )


if __name__ == '__main__':
  main(tyro.cli(Settings))
