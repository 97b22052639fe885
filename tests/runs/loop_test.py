"""Acme's loop under a budget of steps, with real environments."""

import threading

import dm_env
import numpy as np
import pytest

from qmle_acme import environments
from qmle_acme.agents import Actor
from qmle_acme.runs import loop
from qmle_acme.runs.counting import Counter


class Still(Actor):
  """Always takes the same action; remembers the rewards."""

  def __init__(self) -> None:
    self.rewards: list[float] = []

  def select_action(self, observation: np.ndarray) -> np.ndarray:
    return np.zeros(2, np.float32)

  def observe_first(self, timestep: dm_env.TimeStep) -> None:
    pass

  def observe(self, action: np.ndarray, next_timestep: dm_env.TimeStep) -> None:
    self.rewards.append(float(next_timestep.reward))

  def update(self, wait: bool = False) -> None:
    raise AssertionError('fetching variables is up to after_step')


def make_budget(
  counter: Counter, total: int, period: int, source: str = 'actor/0'
) -> tuple[loop.StepBudget, threading.Event]:
  stop = threading.Event()
  is_over = loop.actors_have_taken(total)
  return loop.StepBudget(counter, source, 'actor_steps', is_over, period, stop), stop


def test_budget_reports_every_period() -> None:
  counter = Counter()
  budget, _ = make_budget(counter, total=100, period=20)

  for _ in range(59):
    budget.count()
  assert counter.get_counts() == {'actor_steps': 40}

  budget.check()
  assert counter.get_counts() == {'actor_steps': 59}


def test_budgets_overshoot_by_less_than_a_period_each() -> None:
  counter = Counter()
  running = [make_budget(counter, 100, 20, f'actor/{i}')[0] for i in range(3)]
  taken = 0
  while running:
    for budget in list(running):
      taken += 1
      try:
        budget.count()
      except loop.RunOver:
        running.remove(budget)

  assert counter.get_counts() == {'actor_steps': taken}  # None is lost.
  assert 100 <= taken < 100 + 3 * 20


def test_budget_may_end_by_any_count() -> None:
  counter = Counter()
  budget = loop.StepBudget(
    counter,
    'learner',
    'learner_steps',
    lambda counts: 'done' in counts,
    period=5,
    stop=threading.Event(),
  )
  for _ in range(500):
    budget.count()
  counter.increment(done=1)

  with pytest.raises(loop.RunOver):
    for _ in range(5):
      budget.count()
  assert counter.get_counts()['learner_steps'] == 505


def test_stop_ends_a_budget_at_the_next_step_and_reports_it() -> None:
  counter = Counter()
  budget, stop = make_budget(counter, total=100, period=20)
  budget.count()
  stop.set()

  with pytest.raises(loop.RunOver):
    budget.count()
  assert counter.get_counts() == {'actor_steps': 2}


def test_episodes_are_written_whole_and_the_last_stays_unfinished() -> None:
  written: list[dict[str, float]] = []
  calls: list[int] = []
  actor = Still()

  def count() -> None:
    calls.append(len(written))
    if len(calls) == 3:
      raise loop.RunOver

  loop.run_episodes(
    environments.make('bandit:bimodal', seed=1),
    actor,
    after_step=[lambda: None, count],
    write_episode=written.append,
  )

  assert calls == [0, 1, 2]
  assert written == [
    {'episode_return': pytest.approx(reward), 'episode_length': 1}
    for reward in actor.rewards[:2]
  ]
  assert actor.rewards[0] == pytest.approx(0.7 * np.exp(-0.5 * 0.32 / 0.25))


def test_other_errors_are_not_swallowed() -> None:
  def fail() -> None:
    raise ValueError('broken')

  with pytest.raises(ValueError, match='broken'):
    loop.run_episodes(
      environments.make('bandit:bimodal', seed=1),
      Still(),
      after_step=[fail],
      write_episode=lambda _: None,
    )


def test_successor_of_a_budget_goes_on_from_its_last_report() -> None:
  counter = Counter()
  first, _ = make_budget(counter, total=100, period=20)
  for _ in range(50):
    first.count()  # Its process is killed now: ten steps were never reported.

  second, _ = make_budget(counter, total=100, period=20)
  for _ in range(20):
    second.count()

  assert counter.get_counts() == {'actor_steps': 60}


def test_steps_are_reported_by_time_where_they_are_slow(
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  now = [0.0]
  monkeypatch.setattr(loop.time, 'monotonic', lambda: now[0])
  counter = Counter()
  budget, _ = make_budget(counter, total=100, period=20)
  for _ in range(2):
    now[0] += 3.0
    budget.count()

  assert counter.get_counts() == {'actor_steps': 2}
