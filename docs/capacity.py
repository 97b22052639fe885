"""How many actors and arg max nodes a learner is worth: steps/s, and what limits them.

Reckoned from what the parts cost, and simulated: a learner that draws, sends ahead and
waits as `agents/qmle/flights.py` does, nodes that take one batch at a time, actors that
the rate limiter holds to the learner. Every actor and every node has a core of its own,
the learner two. Costs are in ms of walker, from docs/performance.md:

    .venv/bin/python docs/capacity.py
"""

import collections
import dataclasses

import tyro

_SIMULATED_STEPS = 4_000
_WARM_UP_STEPS = 400


@dataclasses.dataclass(frozen=True)
class Capacity:
  """What the parts cost, and what is reckoned."""

  actor_ms: float = 2.02
  """A step of an actor and its environment."""
  learner_ms: float = 8.0
  """A learner step without its arg max."""
  sending_ms: float = 1.5
  """What is added to it where nodes take the arg max: lookup, sending, receiving."""
  argmax_ms: float = 16.4
  """The arg max of a batch on one thread, with the drawing of its candidates."""
  threads: int = 2
  """Of the learner, over which its own arg max is spread."""
  sampling_ms: float = 4.2
  """What a batch takes to come from replay."""
  replay_ms: float = 0.3
  """Replay's part of an actor step: one row in, 25.6 out."""
  trip_ms: float = 1.0
  """From the learner to a node and back."""
  parameters_ms: float = 2.0
  """What the first batch after a copy takes longer, with the parameters."""
  period: int = 20
  """Learner steps between copies."""
  rows: float = 10.0
  """Actor steps for a learner step: batch size by samples per insert."""
  window: float = 57.0
  """Actor steps that the rate limiter lets actors be ahead: twice its error buffer."""
  actors: tuple[int, ...] = (1, 2, 4, 16, 64, 256)
  """Columns of the tables."""
  nodes: tuple[int, ...] = (0, 1, 2, 3, 4, 8, 64)
  """Rows of the tables."""


def reckon(costs: Capacity, actors: int, nodes: int) -> tuple[float, str]:
  """Returns steps/s, and the part that has no more to give."""
  if nodes:
    # After a copy the first batch is on its way while the learner has none.
    bubble = costs.argmax_ms + costs.trip_ms + costs.parameters_ms
    own = costs.learner_ms + costs.sending_ms + bubble / costs.period
    learners = {'learner': own, 'nodes': costs.argmax_ms / nodes}
  else:
    own = costs.learner_ms + costs.argmax_ms / costs.threads + costs.sampling_ms
    learners = {'learner': own}
  limits = {part: 1e3 * costs.rows / ms for part, ms in learners.items()}
  limits['actors'] = 1e3 * actors / costs.actor_ms
  limits['replay'] = 1e3 / costs.replay_ms
  part = min(limits, key=lambda part: limits[part])
  return limits[part], part


class Simulation:
  """Learner steps one after the other; all times are in ms."""

  def __init__(self, costs: Capacity, actors: int, nodes: int):
    self._costs = costs
    self._speed = min(actors / costs.actor_ms, 1.0 / costs.replay_ms)
    self._free = [0.0] * nodes  # When each node has no more to do.
    self._under_way = min(nodes + 1, 8) if nodes else 0
    self._flights: collections.deque[tuple[int, float]] = collections.deque()
    self._now = 0.0
    self._asked = 0.0  # When the next batch was asked for.
    self._rows, self._counted = 0.0, 0.0
    self._drawn = 0

  def run(self) -> float:
    """Returns the actor steps per second."""
    start = 0.0
    for step in range(_SIMULATED_STEPS):
      if step == _WARM_UP_STEPS:
        start = self._now
      self._take_step(step)
    steps = _SIMULATED_STEPS - _WARM_UP_STEPS
    return 1e3 * self._costs.rows * steps / (self._now - start)

  def _take_step(self, step: int) -> None:
    costs = self._costs
    if not self._flights:
      self._depart(step, self._arrival())
    while len(self._flights) < self._under_way:
      number = self._flights[-1][0] + 1
      # None crosses a copy; and a poll gives up after 50 ms.
      if number % costs.period == 0 or (arrival := self._arrival()) > self._now + 50.0:
        break
      self._depart(number, arrival)
    _, answered = self._flights.popleft()
    self._now = max(self._now, answered) + costs.learner_ms

  def _arrival(self) -> float:
    """Returns when the next batch comes: with its rows, after it is asked for."""
    asked = self._asked if self._free else self._now
    needed = self._costs.rows * (self._drawn + 1) - self._costs.window / 2
    while True:
      self._count(asked)
      missing = needed - self._rows
      if missing <= 1e-9:
        return asked + self._costs.sampling_ms
      asked += missing / self._speed

  def _count(self, now: float) -> None:
    """Lets actors act until now, as far as the rate limiter lets them."""
    if now > self._counted:
      most = self._costs.rows * self._drawn + self._costs.window / 2
      self._rows = min(self._rows + self._speed * (now - self._counted), most)
      self._counted = now

  def _depart(self, number: int, arrival: float) -> None:
    costs = self._costs
    self._now = max(self._now, arrival)
    self._count(self._now)
    self._drawn += 1
    self._asked = self._now
    if not self._free:
      self._flights.append((number, self._now + costs.argmax_ms / costs.threads))
      return
    self._now += costs.sending_ms
    node = min(range(len(self._free)), key=lambda i: self._free[i])
    extra = costs.parameters_ms if number % costs.period < len(self._free) else 0.0
    start = max(self._free[node], self._now + costs.trip_ms / 2) + extra
    self._free[node] = start + costs.argmax_ms
    self._flights.append((number, self._free[node] + costs.trip_ms / 2))


def main(costs: Capacity) -> None:
  """Prints the table, in Markdown: reckoned, simulated, and what saturates first."""
  print(f'| nodes | {" | ".join(f"{actors} actors" for actors in costs.actors)} |')
  print(f'|---|{"---|" * len(costs.actors)}')
  for nodes in costs.nodes:
    cells = []
    for actors in costs.actors:
      rate, part = reckon(costs, actors, nodes)
      simulated = Simulation(costs, actors, nodes).run()
      cells.append(f'{simulated:,.0f} ({rate:,.0f}) {part}')
    print(f'| {nodes} | {" | ".join(cells)} |')


if __name__ == '__main__':
  main(tyro.cli(Capacity))
