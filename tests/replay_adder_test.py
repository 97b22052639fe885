"""The n-step adder against a plain slow twin, with real Reverb servers."""

import re
import threading

import dm_env
import numpy as np
import pytest
import reverb
from counting_environment import DISCOUNTS, CountingEnvironment, expected_rows
from replay_server import (
  DISCOUNT,
  Driver,
  make_adder,
  queue,
  read_items,
  read_rows,
  rows_of,
  serve,
)

from qmle_acme import replay
from qmle_acme.errors import RunFault


@pytest.mark.parametrize('n_step', [1, 2, 5])
def test_rows_are_those_of_the_slow_twin(n_step: int) -> None:
  environment = CountingEnvironment()
  with serve(queue()) as client:
    driver = Driver(environment, make_adder(client, n_step))
    for _ in range(2 * len(DISCOUNTS)):
      driver.run_episode()
    rows = read_rows(client, 2 * sum(map(len, DISCOUNTS)))
  expected = [expected_rows(e, n_step, DISCOUNT) for e in environment.episodes]
  np.testing.assert_allclose(rows, np.concatenate(expected), rtol=1e-6)
  np.testing.assert_array_equal(rows[:, 0], rows[:, 6])  # Never across episodes.


def test_three_step_rows_worked_out_by_hand() -> None:
  environment = CountingEnvironment([(1.0, 0.5, 1.0, 0.0)])  # Rewards -1, 2, -3, 4.
  with serve(queue()) as client:
    Driver(environment, make_adder(client, n_step=3)).run_episode()
    rows = read_rows(client, 4)
  np.testing.assert_array_equal(rows[:, [1, 7]], [[0, 3], [1, 4], [2, 4], [3, 4]])
  rewards = [
    -1 + 0.9 * 2 - 0.9 * 0.45 * 3,
    2 - 0.45 * 3 + 0.45 * 0.9 * 4,
    -3 + 0.9 * 4,
    4,
  ]
  np.testing.assert_allclose(rows[:, 4], rewards, rtol=1e-6)
  np.testing.assert_allclose(rows[:, 5], [0.9 * 0.45 * 0.9, 0, 0, 0], rtol=1e-6)


@pytest.mark.parametrize(('sign', 'n_step'), [(1, 4), (-1, 4), (1, 7)])
def test_sums_that_float32_cannot_hold_are_refused_and_not_written(
  sign: int, n_step: int
) -> None:
  """1 + 0.9 + 0.81 is 2.71; with 0.729 it is 3.439; the largest float32 is 3.403e38."""
  reward, action = np.float32(sign * 1e38), np.array([-2.0, 4.5], np.float32)
  observation = np.zeros(2, np.float32)
  step = dm_env.transition(reward, observation)
  with serve(queue()) as client:
    three = make_adder(client, n_step=3)
    three.add_first(dm_env.restart(observation))
    for _ in range(2):
      three.add(action, step)
    three.add(action, dm_env.termination(reward, observation))
    rows = read_rows(client, 3)
    np.testing.assert_allclose(rows[:, 4], sign * np.array([2.71, 1.9, 1.0]) * 1e38)

    more = make_adder(client, n_step)
    more.add_first(dm_env.restart(observation))
    for _ in range(3):
      more.add(action, step)
    line = f'rewards of 4 steps add up to {sign * 3.439e38:.4g}: .* finite in float32'
    with pytest.raises(RunFault, match=re.escape(line).replace(r'\.\*', '.*')):
      more.add(action, dm_env.termination(reward, observation))
    assert client.server_info()[replay.TABLE].current_size == 0


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
    cut, whole = environment.episodes
    expected = np.concatenate(
      [
        expected_rows(cut, n_step, DISCOUNT, is_over=False),
        expected_rows(whole, n_step, DISCOUNT),
      ]
    )
    rows = read_rows(client, len(expected))
  np.testing.assert_allclose(rows, expected, rtol=1e-6)


def test_an_episode_that_was_left_is_not_joined_to_the_next() -> None:
  environment = CountingEnvironment([(1.0,) * 6])
  with serve(queue()) as client:
    driver = Driver(environment, make_adder(client, n_step=5))
    driver.run_episode(max_steps=3)
    driver.run_episode()
    rows = read_rows(client, 6)
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
    assert client.server_info()[replay.TABLE].current_size == 0


def test_new_items_get_the_priority_of_the_moment() -> None:
  priorities: list[float] = []

  def priority() -> float:
    priorities.append(0.5 + len(priorities))
    return priorities[-1]

  with serve(queue()) as client:
    driver = Driver(CountingEnvironment(), make_adder(client, 2, priority))
    driver.run_episode()
    driver.run_episode()
    stored = [sample.info.priority for sample in read_items(client, 10)]
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
    rows = rows_of(list(samples))
  assert not is_stuck
  expected = [expected_rows(e, 1, DISCOUNT) for e in environment.episodes]
  np.testing.assert_allclose(rows, np.concatenate(expected), rtol=1e-6)


def test_steps_in_double_precision_are_stored_in_single() -> None:
  """As dm_env.termination gives them."""
  observation = np.zeros(2, np.float32)
  with serve(queue()) as client:
    adder = make_adder(client)
    adder.add_first(dm_env.restart(observation))
    adder.add(np.array([-2.0, 4.5]), dm_env.termination(np.float64(1.5), observation))
    (sample,) = read_items(client, 1)
  assert sample.data[0].dtype == np.float32
  np.testing.assert_array_equal(sample.data[0], [0, 0, 0, 0, 1.5, 0, 0, 0])
