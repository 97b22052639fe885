"""The environment's form of actions in the graph, against that of one at a time."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tree
from dm_env import specs

from qmle_acme import actions

BOX = specs.BoundedArray(
  (2, 2), np.float64, [[-1.0, 3.0], [0.0, -2.0]], [[5.0, 3.0]] * 2
)
MASKS = specs.BoundedArray((3,), np.int32, [-1, 0, 4], [1, 999, 4])


@pytest.mark.parametrize(
  'spec',
  [
    BOX,
    MASKS,
    specs.DiscreteArray(1_000_003),
    {'turn': (BOX, specs.BoundedArray((2,), bool, False, True)), 'tool': MASKS},
  ],
)
def test_a_batch_has_the_form_that_each_action_has(spec: Any) -> None:
  space = actions.make(spec, bins=3)
  sampled = space.sample_uniform((20,), tf.constant([1, 2]))
  batch = tree.map_structure(lambda x: x.numpy(), space.to_environments(sampled))
  for i, action in enumerate(sampled.numpy()):
    expected = space.to_environment(action)
    one = tree.map_structure(lambda leaf, i=i: leaf[i], batch)
    for ours, own in zip(tree.flatten(one), tree.flatten(expected), strict=True):
      assert ours.dtype == np.asarray(own).dtype
      np.testing.assert_array_equal(ours, own)
