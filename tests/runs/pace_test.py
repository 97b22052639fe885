"""When learner steps are due, by hand, on a real table."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import acme
import numpy as np
import pytest
import reverb
import small_runs

from qmle_acme.agents.qmle import QMLEBuilder
from qmle_acme.environments import make
from qmle_acme.replay import TABLE
from qmle_acme.runs.pace import Pace

# After 10 transitions a learner step is due for every second one: 2 x 4 / 16.
CONFIG = dataclasses.replace(
  small_runs.QMLE, min_replay_size=10, samples_per_insert=8.0, batch_size=16
)


@dataclasses.dataclass
class CountingLearner:
  """A learner that does nothing but count its steps."""

  steps: int = 0


@pytest.fixture
def client() -> Iterator[reverb.Client]:
  """Of an empty replay."""
  server = reverb.Server(make_builder().make_tables(reverb.rate_limiters.MinSize(1)))
  yield server.localhost_client()
  server.stop()


def make_builder() -> QMLEBuilder:
  return QMLEBuilder(CONFIG, acme.make_environment_spec(make('bandit:bimodal', seed=0)))


def insert(client: reverb.Client, count: int) -> None:
  row = np.zeros(client.server_info()[TABLE].signature.shape, np.float32)
  with client.trajectory_writer(1) as writer:
    for _ in range(count):
      writer.append(row)
      writer.create_item(TABLE, 1.0, writer.history[-1])
    writer.flush()


def take_due(pace: Pace, learner: Any, actor_steps: int) -> int:
  """Returns how many steps the learner has after those that are due are taken."""
  while pace.is_due(actor_steps):
    learner.steps += 1
  return learner.steps


def test_begins_with_min_replay_size_and_keeps_samples_per_insert(
  client: reverb.Client,
) -> None:
  learner: Any = CountingLearner()
  pace = Pace(make_builder(), learner, client)
  insert(client, 12)
  due = [take_due(pace, learner, steps) for steps in (9, 10, 11, 12, 13, 14, 30)]
  assert due == [0, 0, 0, 1, 1, 2, 10]


def test_waits_for_the_first_chunk(client: reverb.Client) -> None:
  learner: Any = CountingLearner()
  pace = Pace(make_builder(), learner, client)
  assert take_due(pace, learner, 20) == 0
  insert(client, 20)
  assert take_due(pace, learner, 20) == 5


def test_goes_on_as_if_it_had_not_ended(client: reverb.Client) -> None:
  learner: Any = CountingLearner(steps=45)
  insert(client, 40)
  pace = Pace(make_builder(), learner, client, actor_steps=101)
  assert take_due(pace, learner, 101) == 45
  assert take_due(pace, learner, 102) == 46


def test_without_its_replay_it_fills_that_and_makes_nothing_up(
  client: reverb.Client,
) -> None:
  learner: Any = CountingLearner(steps=45)
  pace = Pace(make_builder(), learner, client, actor_steps=100)
  insert(client, 1)
  assert take_due(pace, learner, 110) == 45
  assert take_due(pace, learner, 112) == 46

  # Stopped before replay was full enough, and later once more.
  pace = Pace(make_builder(), learner, client, actor_steps=113)
  assert take_due(pace, learner, 122) == 46
  assert take_due(pace, learner, 124) == 47
  insert(client, 12)
  pace = Pace(make_builder(), learner, client, actor_steps=124)
  assert take_due(pace, learner, 124) == 47
  assert take_due(pace, learner, 126) == 48
