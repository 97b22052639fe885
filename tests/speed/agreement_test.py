"""How far two arg maxima agree, where it is known."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf
from dm_env import specs

from qmle_acme import actions
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.errors import UserError
from qmle_acme.networks import ActionInQNetwork
from qmle_acme.speed import agreement, sections
from qmle_acme.speed.config import SpeedConfig
from qmle_acme.types import Tensor

SPACE = actions.make(specs.BoundedArray((2,), np.float32, -1.0, 1.0), 3)
OBSERVATIONS = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)


class SecondBest(ActionInQNetwork):
  """Takes the second best candidate for the best."""

  def argmax(self, embeddings: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    values, order = tf.math.top_k(self(embeddings, actions), 2)
    return order[:, 1], values[:, 1]


def compare(q_class: type[ActionInQNetwork], count: int) -> dict[str, float]:
  network = QMLENetwork.make(SPACE, 3, QMLEConfig(hidden_size=16), seed=1)
  network.q = q_class(SPACE, 16)
  network.q(network.embed(OBSERVATIONS[:1]), tf.zeros([1, 1, 2]))
  return agreement._compare(network, OBSERVATIONS, count)


@pytest.mark.parametrize('count', [2, 24])
def test_the_compiled_arg_max_takes_the_best(count: int) -> None:
  assert compare(ActionInQNetwork, count) == {
    'same_winner': 1.0,
    'lack_of_range_mean': 0.0,
    'lack_of_range_99': 0.0,
    'lack_of_range_max': 0.0,
  }


def test_the_worse_of_two_lacks_the_whole_range() -> None:
  found = compare(SecondBest, count=2)
  assert found.pop('same_winner') == 0.0
  assert list(found.values()) == pytest.approx([1.0, 1.0, 1.0])


def test_the_second_best_of_many_lacks_a_part_of_the_range() -> None:
  found = compare(SecondBest, count=24)
  assert found['same_winner'] == 0.0
  assert 0.0 < found['lack_of_range_mean'] < found['lack_of_range_max'] < 0.9


def test_what_is_no_run_is_refused_before_anything_is_measured(
  tmp_path: pathlib.Path,
) -> None:
  config = SpeedConfig(trained=(tmp_path,), tasks=('bandit:bimodal',))
  with pytest.raises(UserError, match='no run folder'):
    next(sections.measure(config))


def test_agreement_alone_needs_a_run() -> None:
  with pytest.raises(UserError, match='--trained'):
    SpeedConfig(sections=('agreement',))
