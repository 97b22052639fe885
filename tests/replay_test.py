"""Replay against real Reverb servers, and the adder against a plain slow twin."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

import dm_env
import numpy as np
import pytest
import reverb
import tensorflow as tf
from counting_environment import DISCOUNTS, CountingEnvironment, encode, expected_rows

from qmle_acme import replay

ROW = replay.RowFormat(observation_size=2, action_size=2)
DISCOUNT = 0.9


@contextlib.contextmanager
def serve(table: reverb.Table) -> Iterator[reverb.Client]:
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
  return replay.make_table(ROW, max_size, exponent, reverb.rate_limiters.MinSize(1))


def make_adder(
  client: reverb.Client,
  n_step: int = 1,
  priority: Callable[[], float] = lambda: 1.0,
) -> replay.NStepAdder:
  return replay.NStepAdder(client, n_step, DISCOUNT, encode, priority)


def size(client: reverb.Client) -> int:
  return client.server_info()[replay.TABLE].current_size


def read_all(client: reverb.Client) -> list[reverb.ReplaySample]:
  """Returns all items of a queue."""
  samples = client.sample(replay.TABLE, size(client), emit_timesteps=False)
  return [sample for sample in samples]


def rows_of(samples: Sequence[reverb.ReplaySample]) -> np.ndarray:
  return np.asarray([sample.data[0] for sample in samples]).reshape(-1, 8)


def priorities_by_key(client: reverb.Client, count: int) -> dict[int, float]:
  """Returns the priorities of all items of a table that never empties."""
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
    timestep = self._environment.reset()
    self._adder.add_first(timestep)
    for _ in range(max_steps):
      if timestep.last():
        return
      action = self._random.uniform([-3.0, 0.5], [-1.0, 8.5]).astype(np.float32)
      timestep = self._environment.step(action)
      self._adder.add(action, timestep)


def test_rows_are_packed_in_order_and_unpacked_again() -> None:
  row = replay.RowFormat(observation_size=3, action_size=2)
  assert row.spec.shape == (10,) and row.spec.dtype == tf.float32
  rows = np.arange(20, dtype=np.float32).reshape(2, 10)
  transition = row.unpack(tf.constant(rows))
  np.testing.assert_array_equal(transition.o_tm1, [[0, 1, 2], [10, 11, 12]])
  np.testing.assert_array_equal(transition.a_tm1, [[3, 4], [13, 14]])
  np.testing.assert_array_equal(transition.r_t, [5, 15])
  np.testing.assert_array_equal(transition.d_t, [6, 16])
  np.testing.assert_array_equal(transition.o_t, [[7, 8, 9], [17, 18, 19]])


def test_table_is_what_was_asked_for() -> None:
  limiter = reverb.rate_limiters.SampleToInsertRatio(4.0, 7, 100.0)
  info = replay.make_table(ROW, 123, 0.25, limiter).info
  assert (info.name, info.max_size) == (replay.TABLE, 123)
  assert info.sampler_options.prioritized.priority_exponent == 0.25
  assert info.remover_options.fifo and info.max_times_sampled == 0
  assert info.rate_limiter_info.min_size_to_sample == 7
  assert info.signature == ROW.spec


def test_table_drops_the_oldest() -> None:
  environment = CountingEnvironment([(1.0,) * 30])
  with serve(prioritized(max_size=10)) as client:
    Driver(environment, make_adder(client)).run_episode()
    assert size(client) == 10
    samples = client.sample(replay.TABLE, 200, emit_timesteps=False)
    steps = {int(sample.data[0][1]) for sample in samples}
  assert steps == set(range(20, 30))


@pytest.mark.parametrize('n_step', [1, 2, 5])
def test_rows_are_those_of_the_slow_twin(n_step: int) -> None:
  environment = CountingEnvironment()
  with serve(queue()) as client:
    driver = Driver(environment, make_adder(client, n_step))
    for _ in range(2 * len(DISCOUNTS)):
      driver.run_episode()
    rows = rows_of(read_all(client))
  expected = [expected_rows(e, n_step, DISCOUNT) for e in environment.episodes]
  assert len(rows) == 2 * sum(map(len, DISCOUNTS))
  np.testing.assert_allclose(rows, np.concatenate(expected), rtol=1e-6)
  np.testing.assert_array_equal(rows[:, 0], rows[:, 6])  # Never across episodes.


def test_three_step_rows_worked_out_by_hand() -> None:
  environment = CountingEnvironment([(1.0, 0.5, 1.0, 0.0)])  # Rewards -1, 2, -3, 4.
  with serve(queue()) as client:
    Driver(environment, make_adder(client, n_step=3)).run_episode()
    rows = rows_of(read_all(client))
  np.testing.assert_array_equal(rows[:, [1, 7]], [[0, 3], [1, 4], [2, 4], [3, 4]])
  rewards = [
    -1 + 0.9 * 2 - 0.9 * 0.45 * 3,
    2 - 0.45 * 3 + 0.45 * 0.9 * 4,
    -3 + 0.9 * 4,
    4,
  ]
  np.testing.assert_allclose(rows[:, 4], rewards, rtol=1e-6)
  np.testing.assert_allclose(rows[:, 5], [0.9 * 0.45 * 0.9, 0, 0, 0], rtol=1e-6)


@pytest.mark.parametrize('n_step', [1, 2, 5])
@pytest.mark.parametrize('steps', [1, 4, 7])
def test_reset_forgets_what_is_not_complete(n_step: int, steps: int) -> None:
  environment = CountingEnvironment([(1.0,) * 9])
  with serve(queue()) as client:
    adder = make_adder(client, n_step)
    driver = Driver(environment, adder)
    driver.run_episode(max_steps=steps)
    adder.reset()
    driver.run_episode()
    rows = rows_of(read_all(client))
  cut, whole = environment.episodes
  expected = np.concatenate(
    [
      expected_rows(cut, n_step, DISCOUNT, is_over=False),
      expected_rows(whole, n_step, DISCOUNT),
    ]
  )
  np.testing.assert_allclose(rows, expected, rtol=1e-6)


def test_an_episode_that_was_left_is_not_joined_to_the_next() -> None:
  environment = CountingEnvironment([(1.0,) * 6])
  with serve(queue()) as client:
    driver = Driver(environment, make_adder(client, n_step=5))
    driver.run_episode(max_steps=3)
    driver.run_episode()
    rows = rows_of(read_all(client))
  expected = expected_rows(environment.episodes[1], 5, DISCOUNT)
  np.testing.assert_allclose(rows, expected, rtol=1e-6)


def test_add_first_refuses_a_step_that_is_not_the_first() -> None:
  environment = CountingEnvironment([(1.0, 1.0)])
  first = environment.reset()
  middle = environment.step(np.array([-2.0, 1.0], np.float32))
  last = environment.step(np.array([-2.0, 1.0], np.float32))
  with serve(queue()) as client:
    adder = make_adder(client)
    for timestep in (middle, last):
      with pytest.raises(ValueError, match='first'):
        adder.add_first(timestep)
    adder.add_first(first)
    assert size(client) == 0


def test_new_items_get_the_priority_of_the_moment() -> None:
  priorities: list[float] = []

  def priority() -> float:
    priorities.append(0.5 + len(priorities))
    return priorities[-1]

  with serve(queue()) as client:
    driver = Driver(CountingEnvironment(), make_adder(client, 2, priority))
    driver.run_episode()
    driver.run_episode()
    stored = [sample.info.priority for sample in read_all(client)]
  assert stored == priorities == [0.5 + i for i in range(10)]


@pytest.mark.parametrize('length', [1, 5])
def test_adder_returns_while_the_table_holds_it_back(length: int) -> None:
  environment = CountingEnvironment([(1.0,) * length])
  limiter = reverb.rate_limiters.Queue(2)  # Two inserts, no more until one is sampled.
  with serve(queue(limiter)) as client:
    driver = Driver(environment, make_adder(client))

    def run() -> None:
      while sum(len(e.actions) for e in environment.episodes) < 5:
        driver.run_episode()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout=20.0)
    is_stuck = thread.is_alive()
    samples = client.sample(replay.TABLE, 5, emit_timesteps=False)
    rows = rows_of([sample for sample in samples])
  assert not is_stuck
  expected = [expected_rows(e, 1, DISCOUNT) for e in environment.episodes]
  np.testing.assert_allclose(rows, np.concatenate(expected), rtol=1e-6)


def test_dataset_gives_what_is_stored_with_the_keys_of_reverb() -> None:
  environment = CountingEnvironment()
  batch_size, exponent = 4, 0.6
  numbers = iter(range(1, 100))
  with serve(prioritized(exponent=exponent)) as client:
    driver = Driver(environment, make_adder(client, 2, lambda: float(next(numbers))))
    for _ in DISCOUNTS:
      driver.run_episode()
    expected = np.concatenate(
      [expected_rows(e, 2, DISCOUNT) for e in environment.episodes]
    )
    chances = np.arange(1, len(expected) + 1) ** exponent
    chances /= chances.sum()
    by_step = {tuple(row[:2]): i for i, row in enumerate(expected)}
    key_by_step = {
      tuple(sample.data[0][:2]): sample.info.key
      for sample in client.sample(replay.TABLE, 2_000, emit_timesteps=False)
    }
    dataset = replay.make_dataset(client.server_address, ROW, batch_size)
    for sample in dataset.take(100):
      assert sample.keys.dtype == tf.int64 and sample.keys.shape == [batch_size]
      assert sample.probabilities.dtype == tf.float64
      o_tm1, a_tm1, r_t, d_t, o_t = (x.numpy() for x in sample.transition)
      rows = np.column_stack([o_tm1, a_tm1, r_t, d_t, o_t])
      steps = [tuple(step) for step in o_tm1]
      indices = [by_step[step] for step in steps]
      np.testing.assert_allclose(rows, expected[indices], rtol=1e-6)
      np.testing.assert_allclose(sample.probabilities, chances[indices], rtol=1e-6)
      keys = sample.keys.numpy().view(np.uint64)
      assert keys.tolist() == [key_by_step[step] for step in steps]
  assert len(key_by_step) == len(expected)
  assert max(key_by_step.values()) >= 2**63  # Some do not fit an int64 as they are.


def fill(client: reverb.Client, count: int) -> dict[int, float]:
  """Stores `count` transitions of priority 1; returns the priorities by key."""
  Driver(CountingEnvironment([(1.0,) * count]), make_adder(client)).run_episode()
  return priorities_by_key(client, count)


def as_int64(keys: Sequence[int]) -> tf.Tensor:
  return tf.constant(np.asarray(keys, np.uint64).view(np.int64))


def test_priority_updater_changes_priorities_and_ignores_unknown_keys() -> None:
  with serve(prioritized(exponent=0.1)) as client:
    before = fill(client, 16)
    assert set(before.values()) == {1.0}
    changed = {key: 2.0 + i / 4 for i, key in enumerate(list(before)[:10])}
    unknown = next(key for key in range(100) if key not in before)
    keys = as_int64([*changed, unknown])
    update = replay.PriorityUpdater(client.server_address)
    update(keys, tf.constant([*changed.values(), 9.0]))
    assert priorities_by_key(client, 16) == {**before, **changed}
    assert size(client) == 16
  assert max(before) >= 2**63


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_priority_updater_refuses_what_is_not_finite(bad: float) -> None:
  with serve(prioritized(exponent=0.1)) as client:
    before = fill(client, 6)
    update = replay.PriorityUpdater(client.server_address)
    with pytest.raises(tf.errors.InvalidArgumentError, match='priorities'):
      update(as_int64(list(before)), tf.constant([3.0, 3.0, bad, 3.0, 3.0, 3.0]))
    assert priorities_by_key(client, 6) == before


def test_sampling_follows_changed_priorities() -> None:
  """Three items of priorities 1, 4 and 9, exponent 1/2: shares 1/6, 2/6 and 3/6."""
  with serve(prioritized(exponent=0.5)) as client:
    keys = list(fill(client, 3))
    update = replay.PriorityUpdater(client.server_address)
    update(as_int64(keys), tf.constant([1.0, 4.0, 9.0]))
    infos = [
      sample.info for sample in client.sample(replay.TABLE, 3_000, emit_timesteps=False)
    ]
  for key, share in zip(keys, (1 / 6, 2 / 6, 3 / 6), strict=True):
    mine = [info for info in infos if info.key == key]
    assert len(mine) / len(infos) == pytest.approx(share, abs=0.04)
    assert {round(info.probability, 6) for info in mine} == {round(share, 6)}


def test_sampled_first_step_is_typed_for_writers() -> None:
  """A float64 reward, as dm_env.termination gives it, is stored all the same."""
  observation = np.zeros(2, np.float32)
  with serve(queue()) as client:
    adder = make_adder(client)
    adder.add_first(dm_env.restart(observation))
    adder.add(np.array([-2.0, 4.5]), dm_env.termination(np.float64(1.5), observation))
    (sample,) = read_all(client)
  assert sample.data[0].dtype == np.float32
  np.testing.assert_array_equal(sample.data[0], [0, 0, 0, 0, 1.5, 0, 0, 0])
