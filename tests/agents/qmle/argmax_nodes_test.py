"""Arg max nodes: the learner learns the same with them, and without them when they die.

Each node is a process with a real Courier server.
"""

import signal
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from argmax_process import CONFIGS, NodeProcess
from tiny_agent import (
  OBSERVATION_SIZE,
  SPACE,
  Priorities,
  Store,
  all_equal,
  arrays,
  make_learner,
  make_network,
)

from qmle_acme.agents import metrics
from qmle_acme.agents.qmle import QMLEConfig, argmax_nodes
from qmle_acme.agents.qmle.argmax_nodes import ArgmaxNodes, ArgmaxServer, Pending
from qmle_acme.agents.qmle.learning import QMLELearner
from qmle_acme.agents.qmle.parameters import Parameters
from qmle_acme.runs.batches import BatchQueue
from qmle_acme.types import Sample

# Batches in a row that share no item: no more are under way at once.
APART = 10
PATIENCE_SECONDS = 120.0


@pytest.fixture(autouse=True)
def metrics_of_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setattr(metrics, 'PERIOD_SECONDS', 0.0)


class Fed(NamedTuple):
  """A learner, what it has sent to replay, and what it has written."""

  learner: QMLELearner
  priorities: Priorities
  written: list[dict[str, float]]

  @property
  def by_nodes(self) -> list[float]:
    """Of each step whether a node took its arg max."""
    return [record['argmax_by_nodes'] for record in self.written]


def batches(config: QMLEConfig) -> Iterator[Sample]:
  """Yields the same batches each time; every item comes back after `APART` of them.

  The reward of one of the twelfth batch is the largest, so that the unit of Q changes
  while others are under way.
  """
  size = config.batch_size
  store = Store(seed=1, size=APART * size)
  number = 0
  while True:
    first = number % APART * size
    sample = store.draw(range(first, first + size))
    r_t = np.clip(sample.transition.r_t, -2.0, 2.0)
    if number == 12:
      r_t[0] = 50.0
    transition = sample.transition._replace(r_t=tf.constant(r_t))
    yield sample._replace(transition=transition)
    number += 1


def make(config: QMLEConfig, nodes: ArgmaxNodes | None = None) -> Fed:
  samples = BatchQueue(batches(config), check=lambda: None)
  written: list[dict[str, float]] = []
  learner, priorities = make_learner(samples, 7, config, written.append, nodes)
  return Fed(learner, priorities, written)


@pytest.fixture(scope='module')
def processes() -> Iterator[list[NodeProcess]]:
  """Two nodes, which serve the settings of all tests: it takes seconds to start one."""
  processes = [NodeProcess() for _ in range(2)]
  yield processes
  for process in processes:
    process.kill()


def wait_until(condition: Callable[[], bool]) -> None:
  deadline = time.monotonic() + PATIENCE_SECONDS
  while not condition():
    assert time.monotonic() < deadline
    time.sleep(0.05)


def make_nodes(processes: list[NodeProcess], name: str) -> ArgmaxNodes:
  """Returns the nodes once all of them are up."""
  nodes = ArgmaxNodes([process.clients[name] for process in processes])
  wait_until(lambda: nodes.batches_under_way() == len(processes) + 1)
  return nodes


def assert_same(a: Fed, b: Fed) -> None:
  """Asserts that two learners are the same to the last bit."""
  for (keys, sent), (other_keys, other_sent) in zip(
    a.priorities.sent, b.priorities.sent, strict=True
  ):
    assert all_equal([keys, sent], [other_keys, other_sent])
  for name in ('network', 'target_network', 'second_network'):
    if name in a.learner.state:
      pair = arrays(a.learner.state[name]), arrays(b.learner.state[name])
      assert all_equal(*pair), name
  exported = [fed.learner.state['cache']._actions.export() for fed in (a, b)]
  tables = [
    dict(zip(k.numpy(), map(bytes, v.numpy()), strict=True)) for k, v in exported
  ]
  assert tables[0] == tables[1]


# All of them take minutes.
FAST = 'tiny'


@pytest.mark.parametrize(
  'name',
  [FAST, *(pytest.param(n, marks=pytest.mark.slow) for n in CONFIGS if n != FAST)],
)
def test_learner_is_the_same_to_the_bit_with_nodes(
  name: str, processes: list[NodeProcess]
) -> None:
  config, steps = CONFIGS[name], 45
  fed, alone = make(config, make_nodes(processes, name)), make(config)
  for _ in range(steps):
    fed.learner.step()
    alone.learner.step()
  assert_same(fed, alone)
  # The first reward and the large one change the unit: the learner has to do those.
  assert fed.by_nodes[0] == fed.by_nodes[12] == 0.0
  assert np.mean(fed.by_nodes[13:]) == 1.0
  assert np.mean(fed.by_nodes) > 0.7
  assert 'argmax_by_nodes' not in alone.written[0]


def test_several_batches_are_under_way_but_none_crosses_a_copy(
  processes: list[NodeProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
  config = CONFIGS['tiny']
  sent: list[tuple[int, int]] = []
  send = ArgmaxNodes.send

  def spy(self: ArgmaxNodes, rows: np.ndarray, seed: tuple[int, int]) -> Pending | None:
    sent.append((seed[1], fed.learner.steps))
    return send(self, rows, seed)

  monkeypatch.setattr(ArgmaxNodes, 'send', spy)
  fed = make(config, make_nodes(processes, 'tiny'))
  for _ in range(60):
    fed.learner.step()
  ahead = [step - taken for step, taken in sent]
  assert max(ahead) == 2  # Of three under way the first is that of the step itself.
  period = config.target_update_period
  assert all(step // period == taken // period for step, taken in sent)


def test_node_refuses_to_maximise_with_other_parameters() -> None:
  network = make_network(CONFIGS['tiny'], seed=0)
  server = ArgmaxServer(network, OBSERVATION_SIZE, m_target=8)
  parameters = Parameters(network.variables).numpy().tobytes()
  rows = np.zeros([4, OBSERVATION_SIZE + SPACE.size], np.float32).tobytes()
  with pytest.raises(ValueError, match='this node has just started'):
    server.argmax(999, None, rows, 4, (7, 0))
  server.argmax(999, parameters, rows, 4, (7, 0))
  with pytest.raises(ValueError, match='this node has parameters 999, not 1000'):
    server.argmax(1000, None, rows, 4, (7, 0))


def test_learner_does_it_itself_while_a_node_is_dead_or_hangs(
  processes: list[NodeProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
  config, process = CONFIGS['tiny'], processes[0]
  fed, alone = make(config, make_nodes([process], 'tiny')), make(config)

  def take_steps(count: int) -> list[float]:
    for _ in range(count):
      fed.learner.step()
      alone.learner.step()
    return fed.by_nodes[-count:]

  def step_by_node() -> bool:
    return take_steps(1) == [1.0]

  wait_until(step_by_node)
  process.kill()
  # What was under way may have been answered before.
  assert take_steps(10)[2:] == [0.0] * 8
  process.start()
  wait_until(step_by_node)
  monkeypatch.setattr(argmax_nodes, '_PATIENCE_SECONDS', 3.0)
  process.send(signal.SIGSTOP)
  start = time.monotonic()
  assert take_steps(10)[2:] == [0.0] * 8
  assert time.monotonic() - start < 5.0  # The first of two batches under way waits.
  process.send(signal.SIGCONT)
  monkeypatch.undo()
  monkeypatch.setattr(metrics, 'PERIOD_SECONDS', 0.0)
  wait_until(step_by_node)
  assert_same(fed, alone)
