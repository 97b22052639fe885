"""What the checks of environments cost: an actor with and without them, in turns.

python docs/edge_checks.py [TASK] [TURNS]

The actor of QMLE, by its defaults but for epsilon, adds to a real replay server. CPU
times are of its process, in blocks of 50 steps; those of a pair stand side by side.
"""

import dataclasses
import statistics
import sys
import time

import dm_env

from qmle_acme import environments
from qmle_acme.agents import Actor
from qmle_acme.speed import actor_step

_BLOCK = 50


def main(task: str = 'control:walker:walk', turns: str = '20') -> None:
  """Measures, and prints a line for each figure."""
  with actor_step.acting(task) as (config, actor):
    checked, other = (environments.make(config.env, actor_step.SEED) for _ in range(2))
    loops = [Loop(checked, actor), Loop(other.unchecked, actor)]
    pairs = [[loop.run() for loop in loops] for _ in range(1 + int(turns))][1:]
  ratios = [with_checks.step / without.step for with_checks, without in pairs]
  # The environments' own steps alone: less noise, as the rest is the same.
  costs = [a.environment - b.environment for a, b in pairs]
  step, cost = statistics.median(b.step for _, b in pairs), statistics.median(costs)
  print(f'a step without the checks: {1e6 * step:,.0f} us')
  print(f'the checks: {1e6 * cost:,.1f} us, {cost / step:.2%} of it')
  low, middle, high = statistics.quantiles(ratios)
  print(f'steps with to without, quartiles: {low:.4f} {middle:.4f} {high:.4f}')


@dataclasses.dataclass(frozen=True)
class Block:
  """Mean CPU seconds of a step, and of the environment in it."""

  step: float
  environment: float


class Loop:
  """An environment that an actor acts in, block by block."""

  def __init__(self, environment: dm_env.Environment, actor: Actor):
    self._environment = environment
    self._actor = actor

  def run(self) -> Block:
    """Takes a block of steps, in an episode of its own."""
    timestep = self._environment.reset()
    self._actor.observe_first(timestep)
    inside, start = 0.0, time.process_time()
    for _ in range(_BLOCK):
      action = self._actor.select_action(timestep.observation)
      entered = time.process_time()
      timestep = self._environment.step(action)
      inside += time.process_time() - entered
      self._actor.observe(action, timestep)
      self._actor.update()
    return Block((time.process_time() - start) / _BLOCK, inside / _BLOCK)


if __name__ == '__main__':
  main(*sys.argv[1:])
