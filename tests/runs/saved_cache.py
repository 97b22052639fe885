"""The cache of best actions in the newest checkpoint of a run, looked through."""

import numpy as np
import tensorflow as tf

from qmle_acme.agents.qmle.argmax import ArgmaxCache
from qmle_acme.runs import checkpointing, factory, variable_files
from qmle_acme.runs.run_folder import RunFolder


def assert_whole(folder: RunFolder) -> int:
  """Asserts that all of a cache may be where it is; returns how many keys it has.

  Actions lie in the space, and a key is known once, as one of the newest that came.
  Reverb gives a key to one item alone, so none of them can stand for another item.
  """
  config = folder.read_config()
  capacity = config.qmle.replay_size
  space = factory.make_builder(config, factory.make_spec(config)).space
  cache = ArgmaxCache(capacity, space.size)
  stored = checkpointing.newest(folder)
  variable_files.read(stored, tf.train.Checkpoint(cache=cache))
  found, actions = cache._actions.export()
  keys = found.numpy().tolist()
  added = int(cache._added)
  came = cache._keys.numpy()[: min(added, capacity)].tolist()

  assert len(set(came)) == len(came)
  assert sorted(keys) == sorted(came)
  assert np.isfinite(actions).all()
  np.testing.assert_allclose(space.clip(actions), actions, atol=1e-6)
  return len(keys)
