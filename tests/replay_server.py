"""Real Reverb servers, and a driver that fills them by the counting environment."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import reverb
from counting_environment import CountingEnvironment, encode

from qmle_acme import replay

ROW = replay.RowFormat(observation_size=2, action_size=2)
DISCOUNT = 0.9


@contextlib.contextmanager
def serve(table: reverb.Table) -> Iterator[reverb.Client]:
  """Serves a table, and gives a client that talks to it as from another process."""
  server = reverb.Server([table], port=None)
  yield reverb.Client(f'localhost:{server.port}')
  server.stop()


def queue(
  rate_limiter: reverb.rate_limiters.RateLimiter | None = None,
) -> reverb.Table:
  """Returns a table that gives each item once, in the order of their insertion."""
  return reverb.Table(
    name=replay.TABLE,
    sampler=reverb.selectors.Fifo(),
    remover=reverb.selectors.Fifo(),
    max_size=10_000,
    max_times_sampled=1,
    rate_limiter=rate_limiter or reverb.rate_limiters.MinSize(1),
    signature=ROW.spec,
  )


def prioritized(max_size: int = 1_000, exponent: float = 0.6) -> reverb.Table:
  """Returns the table of the agent."""
  return replay.make_table(ROW, max_size, exponent, reverb.rate_limiters.MinSize(1))


def make_adder(
  client: reverb.Client,
  n_step: int = 1,
  priority: Callable[[], float] = lambda: 1.0,
) -> replay.NStepAdder:
  """Returns an adder with the discount `DISCOUNT`."""
  return replay.NStepAdder(client, n_step, DISCOUNT, encode, priority)


def wait_for_inserts(client: reverb.Client, count: int) -> None:
  """Returns when so many items have come: an adder does not wait for all of its own."""
  deadline = time.monotonic() + 20.0
  while time.monotonic() < deadline:
    info = client.server_info()[replay.TABLE].rate_limiter_info
    if info.insert_stats.completed >= count:
      return
    time.sleep(0.01)


def drawn_samples(client: reverb.Client) -> int:
  """Returns how many samples the table has given, to whomever."""
  info = client.server_info()[replay.TABLE].rate_limiter_info
  return info.sample_stats.completed


def read_rows(client: reverb.Client, count: int) -> np.ndarray:
  """Returns the rows of all items of a queue, in which there should be `count`."""
  return rows_of(read_items(client, count))


def read_items(client: reverb.Client, count: int) -> list[reverb.ReplaySample]:
  """Returns all items of a queue, in which there should be `count`."""
  wait_for_inserts(client, count)
  size = client.server_info()[replay.TABLE].current_size
  return list(client.sample(replay.TABLE, size, emit_timesteps=False))


def rows_of(samples: Sequence[reverb.ReplaySample]) -> np.ndarray:
  """Returns the rows [items, 2 O + A + 2] of items."""
  return np.asarray([sample.data[0] for sample in samples]).reshape(-1, 8)


def priorities_by_key(client: reverb.Client, count: int) -> dict[int, float]:
  """Returns the priorities of all items of a table that never empties."""
  wait_for_inserts(client, count)
  priorities: dict[int, float] = {}
  for _ in range(200):
    for sample in client.sample(replay.TABLE, 20, emit_timesteps=False):
      priorities[sample.info.key] = sample.info.priority
    if len(priorities) == count:
      return priorities
  raise AssertionError(f'found {len(priorities)} items of {count}')


class Driver:
  """Acts at random in the counting environment, and tells an adder."""

  def __init__(self, environment: CountingEnvironment, adder: replay.NStepAdder):
    self._environment = environment
    self._adder = adder
    self._random = np.random.default_rng(0)

  def run_episode(self, max_steps: int = 1_000) -> None:
    """Acts until the episode is over, or leaves it after some steps."""
    timestep = self._environment.reset()
    self._adder.add_first(timestep)
    for _ in range(max_steps):
      if timestep.last():
        return
      action = self._random.uniform([-3.0, 0.5], [-1.0, 8.5]).astype(np.float32)
      timestep = self._environment.step(action)
      self._adder.add(action, timestep)
