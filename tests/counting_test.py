"""The road of a data item, from the environment to the learner and back.

The real agent acts in an environment that counts, and learns from a real Reverb server;
all that the learner gets is compared with what has happened in the environment.
"""

import threading
from collections.abc import Iterator
from typing import NamedTuple

import acme
import numpy as np
import pytest
import reverb
import tensorflow as tf
from counting_environment import DISCOUNTS, CountingEnvironment, expected_rows

from qmle_acme import replay
from qmle_acme.agents.qmle import QMLEBuilder, QMLEConfig
from qmle_acme.runs import loop
from qmle_acme.runs.counting import Counter
from qmle_acme.types import Sample, Tensor

CONFIG = QMLEConfig(
  n_step=3,
  discount=0.9,
  batch_size=8,
  replay_size=500,
  min_replay_size=1,
  priority_exponent=0.2,
  epsilon=0.5,
  m_target=5,
  m_greedy=6,
  hidden_size=16,
  variable_update_period=5,
)
ROUND = sum(map(len, DISCOUNTS))  # Steps until the episodes begin to repeat.
FIRST_STEPS = 2 * ROUND + 4  # Ends in the middle of an episode.
LEARNER_STEPS = 25
# The episodes of these steps, and those of another round of steps.
FINISHED, UNFINISHED, AGAIN = slice(0, 14), slice(14, 15), slice(15, None)

Item = tuple[int, float]  # The key and the priority of an item in replay.
Step = tuple[float, float]  # Episode and step within it, as observed.


class Run:
  """The parts of an agent around a server, and the record of what passed by.

  Attributes:
    environment: that it acts in.
    learner: the agent's.
    received: the batches that the learner got.
    sent: the last priority that was sent for each key.
    written: the episodes that were reported.
  """

  def __init__(self, server: reverb.Server, builder: QMLEBuilder):
    self.environment = CountingEnvironment()
    self.received: list[Sample] = []
    self.sent: dict[int, float] = {}
    self.written: list[dict[str, float]] = []
    self._client = reverb.Client(f'localhost:{server.port}')
    self._counter = Counter()
    address = self._client.server_address
    self.learner = builder.make_learner(
      self._receive(builder, address), address, 1, write_metrics=lambda _: None
    )
    self._actor = builder.make_actor(self.learner, self._client, seed=2)

  def act(self, steps: int) -> None:
    """Takes so many steps; an episode that is under way then stays unfinished."""
    total = self._counter.get_counts().get('actor_steps', 0) + steps
    never, source = threading.Event(), 'actor/0'
    is_over = loop.actors_have_taken(total)
    budget = loop.StepBudget(self._counter, source, 'actor_steps', is_over, 1, never)
    loop.run_episodes(
      self.environment,
      self._actor,
      after_step=[lambda: self._actor.update(wait=True), budget.count],
      write_episode=self.written.append,
    )

  def learn(self, steps: int) -> None:
    """Takes so many learner steps, and keeps the priorities that are sent."""
    send = replay.PriorityUpdater.__call__

    def keep(keys: np.ndarray, priorities: np.ndarray) -> None:
      uint64 = keys.view(np.uint64).tolist()
      self.sent.update(zip(uint64, priorities.tolist(), strict=True))

    def spy(self_: replay.PriorityUpdater, keys: Tensor, priorities: Tensor) -> None:
      send(self_, keys, priorities)
      tf.numpy_function(keep, [keys, priorities], [])

    with pytest.MonkeyPatch.context() as patch:
      patch.setattr(replay.PriorityUpdater, '__call__', spy)
      for _ in range(steps):
        self.learner.step()

  def items(self, count: int) -> dict[Step, Item]:
    """Returns the `count` items of the table, found by sampling it at length."""
    found: dict[Step, Item] = {}
    for _ in range(200):
      samples = self._client.sample(replay.TABLE, 100, emit_timesteps=False)
      for info, (row,) in samples:
        found[row[0], row[1]] = (info.key, info.priority)
      if len(found) >= count:
        break
    assert self._client.server_info()[replay.TABLE].current_size == len(found) == count
    return found

  def rows(self, episodes: slice, is_over: bool = True) -> dict[Step, np.ndarray]:
    """Returns the transitions that must come of some episodes, as rows."""
    rows = np.concatenate(
      [
        expected_rows(episode, CONFIG.n_step, CONFIG.discount, is_over)
        for episode in self.environment.episodes[episodes]
      ]
    )
    return {(row[0], row[1]): row for row in rows}

  def _receive(self, builder: QMLEBuilder, address: str) -> Iterator[Sample]:
    for sample in builder.make_dataset(address):
      self.received.append(sample)
      yield sample


class Story(NamedTuple):
  """A run, and what was in its table after each chapter."""

  run: Run
  acted: dict[Step, Item]  # After FIRST_STEPS.
  learned: dict[Step, Item]  # After LEARNER_STEPS.
  acted_again: dict[Step, Item]  # After another round of episodes.


@pytest.fixture(scope='module')
def story() -> Iterator[Story]:
  builder = QMLEBuilder(CONFIG, acme.make_environment_spec(CountingEnvironment()))
  tables = builder.make_tables(reverb.rate_limiters.MinSize(1))
  server = reverb.Server(tables, port=None)
  run = Run(server, builder)
  run.act(FIRST_STEPS)
  acted = run.items(2 * ROUND)  # The writer still holds what is unfinished.
  run.learn(LEARNER_STEPS)
  learned = run.items(2 * ROUND)
  run.act(ROUND)
  whole = 3 * ROUND + len(run.rows(UNFINISHED, is_over=False))
  yield Story(run, acted, learned, run.items(whole))
  server.stop()


def test_loop_takes_the_steps_and_reports_finished_episodes(story: Story) -> None:
  episodes = story.run.environment.episodes
  lengths = [len(episode.actions) for episode in episodes]
  assert lengths == [*map(len, DISCOUNTS * 2), 4, *lengths[15:]]
  assert sum(lengths) == FIRST_STEPS + ROUND
  # The run was over with the last step of the last one, before its report.
  written = story.run.written
  assert [(r['episode_return'], r['episode_length']) for r in written] == [
    (sum(episode.rewards), len(episode.rewards))
    for episode in episodes[FINISHED] + episodes[AGAIN][:-1]
  ]
  assert {record['epsilon'] for record in written} == {0.5}


def test_replay_holds_every_transition_under_a_key_of_its_own(story: Story) -> None:
  finished = story.run.rows(FINISHED)
  assert story.acted.keys() == finished.keys()
  assert {priority for _, priority in story.acted.values()} == {1.0}
  assert story.acted_again.keys() == (
    finished.keys()
    | story.run.rows(UNFINISHED, is_over=False).keys()
    | story.run.rows(AGAIN).keys()
  )
  assert len({key for key, _ in story.acted_again.values()}) == len(story.acted_again)


def test_learner_gets_what_has_happened(story: Story) -> None:
  expected = story.run.rows(FINISHED)
  for sample in story.run.received:
    o_tm1, a_tm1, r_t, d_t, o_t = (field.numpy() for field in sample.transition)
    rows = np.column_stack([o_tm1, a_tm1, r_t, d_t, o_t])
    steps = [(row[0], row[1]) for row in rows]
    np.testing.assert_allclose(rows, [expected[s] for s in steps], rtol=1e-6, atol=1e-6)
    keys = sample.keys.numpy().view(np.uint64).tolist()
    assert keys == [story.acted[step][0] for step in steps]
  assert len(story.run.received) == story.run.learner.steps == LEARNER_STEPS


def test_learner_writes_back_to_what_it_has_got(story: Story) -> None:
  sent = story.run.sent
  keys = {key for key, _ in story.acted.values()}
  assert len(keys) / 2 < len(sent) and sent.keys() <= keys
  assert dict(story.learned.values()) == dict.fromkeys(keys, 1.0) | sent
  assert len(story.run.learner.state['cache']) == len(sent)


def test_new_items_get_the_largest_priority_that_the_learner_has_seen(
  story: Story,
) -> None:
  (max_priority,) = story.run.learner.get_variables(['max_priority'])[0]
  assert max_priority > 1.0
  first = AGAIN.start + 1  # Of which some may come before the variables are fetched.
  late = [p for (episode, _), (_, p) in story.acted_again.items() if episode > first]
  assert len(late) > ROUND / 2 and set(late) == {float(max_priority)}
