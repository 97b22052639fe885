"""Advantage learning: the worth of the best action stays, that of others sinks."""

import numpy as np
import pytest

from qmle_acme.agents.qmle import losses


def test_what_an_action_loses_by_hand() -> None:
  penalty = losses.action_gap_penalty(0.5, np.array([3.0, 3.0]), np.array([1.0, 3.0]))
  np.testing.assert_allclose(penalty, [1.0, 0.0])


def test_an_action_above_all_candidates_loses_nothing() -> None:
  penalty = losses.action_gap_penalty(0.9, np.array([3.0]), np.array([3.5]))
  np.testing.assert_allclose(penalty, [0.0])


@pytest.mark.parametrize('share', [0.5, 0.75])
def test_iterated_the_gap_is_wider_and_the_best_value_the_same(share: float) -> None:
  reward, discount = np.array([1.0, 0.9]), 0.5
  q = np.zeros(2)
  for _ in range(200):
    penalty = losses.action_gap_penalty(share, np.full(2, q.max()), q)
    q = losses.bellman_target(reward - penalty, np.full(2, discount), q.max()).numpy()
  np.testing.assert_allclose(q, [2.0, 2.0 - 0.1 / (1 - share)], rtol=1e-6)
