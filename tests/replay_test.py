"""Replay against real Reverb servers: rows, table, dataset and priorities."""

import time
from collections.abc import Sequence

import numpy as np
import pytest
import reverb
import tensorflow as tf
from counting_environment import DISCOUNTS, CountingEnvironment, expected_rows
from replay_server import (
  DISCOUNT,
  ROW,
  Driver,
  drawn_samples,
  make_adder,
  priorities_by_key,
  prioritized,
  serve,
  wait_for_inserts,
)

from qmle_acme import replay


def fill(client: reverb.Client, count: int) -> dict[int, float]:
  """Stores `count` transitions of priority 1; returns the priorities by key."""
  Driver(CountingEnvironment([(1.0,) * count]), make_adder(client)).run_episode()
  return priorities_by_key(client, count)


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
    wait_for_inserts(client, 30)
    assert client.server_info()[replay.TABLE].current_size == 10
    samples = client.sample(replay.TABLE, 200, emit_timesteps=False)
    steps = {int(sample.data[0][1]) for sample in samples}
  assert steps == set(range(20, 30))


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
    wait_for_inserts(client, len(expected))
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


def test_dataset_draws_no_batch_that_is_not_asked_for() -> None:
  batch_size, batches = 100, 3
  with serve(prioritized()) as client:
    fill(client, 16)
    before = drawn_samples(client)
    samples = iter(replay.make_dataset(client.server_address, ROW, batch_size))
    for _ in range(batches):
      next(samples)
    time.sleep(0.3)  # For whoever would draw more.
    ahead = drawn_samples(client) - before - batches * batch_size
    del samples
  assert 0 <= ahead <= replay.SAMPLES_IN_FLIGHT


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
    assert client.server_info()[replay.TABLE].current_size == 16
  assert max(before) >= 2**63


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_priority_updater_sends_nothing_that_is_not_finite(bad: float) -> None:
  with serve(prioritized(exponent=0.1)) as client:
    before = fill(client, 6)
    update = replay.PriorityUpdater(client.server_address)
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
