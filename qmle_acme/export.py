"""A policy as a TensorFlow SavedModel: plain layers, which TensorFlow alone can run.

Candidates are drawn by the same random numbers, and compared by the layers that learn,
not by our kernel. B states, O flattened observation, A action dimensions.
"""

import dataclasses
import pathlib
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tree

from qmle_acme import random
from qmle_acme.agents.builder import GreedyFunction
from qmle_acme.agents.qmle import QMLEBuilder, QMLEConfig
from qmle_acme.environments import forms
from qmle_acme.errors import UserError
from qmle_acme.files import check_is_new, make_folder
from qmle_acme.policy import Policy
from qmle_acme.types import Array, Seed, Tensor

# Random observations on which the file must act as the policy does.
_CHECKED = 64
_LEAST_ALIKE = 0.9
# The kernel estimates in 8 bits, so it may take another one of nearly the best: that is
# as good if Q of the two differs by no more than this share of what candidates span.
_NEAR = 0.01


class _Exported(tf.Module):
  """What is saved.

  `model(observations)` draws new candidates at each call; `model.seeded(observations,
  seed)` is a function of both. Observations are float32 [B, O], seeds int32 [2]; what
  they return are actions in the environment's own form, in arrays [B, ...].
  """

  def __init__(self, policy: Policy):
    super().__init__()
    self.network, act = _plain(policy)
    observations = tf.TensorSpec([None, policy.observation_size], tf.float32)
    shift = _shift(policy)
    action = tf.TensorSpec([policy.space.size], tf.float32)

    def seeded(observations: Tensor, seed: Seed) -> Any:
      with random.without_kernel():
        actions = tf.map_fn(
          lambda one: act(one[None], seed)[0], observations, fn_output_signature=action
        )
      nest = policy.space.to_environments(actions)
      return tree.map_structure(lambda x, by: x + tf.cast(by, x.dtype), nest, shift)

    def draw(observations: Tensor) -> Any:
      seed = tf.random.uniform([2], maxval=2**31 - 1, dtype=tf.int32)
      return seeded(observations, seed)

    def serve(observations: Tensor) -> dict[str, Tensor]:
      """Returns a tensor for each leaf, by its place in the nest."""
      paths, leaves = zip(*tree.flatten_with_path(draw(observations)), strict=True)
      return dict(zip(output_names(paths), leaves, strict=True))

    seed = tf.TensorSpec([2], tf.int32)
    self.seeded = tf.function(seeded, [observations, seed], autograph=False)
    self.__call__ = tf.function(draw, [observations], autograph=False)
    self.serve = tf.function(serve, [observations], autograph=False)


def output_names(paths: Iterable[Sequence[Any]]) -> list[str]:
  """Returns a name for each leaf, by its path, such as 'action_turn'.

  Of paths that would be called alike the later ones get an underscore more.
  """
  names: list[str] = []
  for path in paths:
    name = '_'.join(map(str, ('action', *path)))
    while name in names:
      name += '_'
    names.append(name)
  return names


def export(policy: Policy, out: pathlib.Path) -> None:
  """Writes a policy as a SavedModel, once it is seen to act as the policy does.

  Args:
    policy: of `load_policy`.
    out: folder to write; nothing may be there.

  Raises:
    UserError: something is there, there is no writing beside it, or what was written
      does not act as the policy does; nothing is left behind then.
  """
  check_is_new(out)
  make_folder(out.parent)
  aside = pathlib.Path(tempfile.mkdtemp(prefix=f'.{out.name}.', dir=out.parent))
  try:
    model = _Exported(policy)
    tf.saved_model.save(model, str(aside), {'serving_default': model.serve})
    _check(policy, tf.saved_model.load(str(aside)))
    aside.chmod(0o755)
    aside.rename(out)
  finally:
    shutil.rmtree(aside, ignore_errors=True)


def _plain(policy: Policy) -> tuple[tf.Module, GreedyFunction]:
  """Returns the policy's network without kernels, and how it acts."""
  builder = policy.builder
  if isinstance(builder.config, QMLEConfig):
    plain = dataclasses.replace(builder.config, argmax='plain')
    builder = QMLEBuilder(plain, policy.spec)
  network = builder.make_network(seed=0)
  for variable, value in zip(network.variables, policy.network.variables, strict=True):
    variable.assign(value)
  return network, builder.make_greedy(network)


def _shift(policy: Policy) -> Any:
  """Returns what the environment's own form adds to each leaf of the spec's form.

  Gymnasium's `Discrete` may begin at another number than 0.
  """
  action = policy.space.to_environment(np.zeros(policy.space.size, np.float32))
  own = forms.to_own(policy.environment, action)
  return tree.map_structure(lambda ours, of_spec: ours - of_spec, own, action)


def _check(policy: Policy, model: Any) -> None:
  """Raises UserError unless a model acts as a policy does, on random observations."""
  draw = np.random.default_rng(0)
  size = (_CHECKED, policy.observation_size)
  observations = draw.standard_normal(size).astype(np.float32)
  alike = 0
  for observation in observations:
    seed = tf.constant(draw.integers(2**31, size=2, dtype=np.int32))
    ours = policy.greedy(observation[None], seed)[0]
    batch = model.seeded(tf.constant(observation[None]), seed)
    theirs = tree.map_structure(lambda leaf: leaf.numpy()[0], batch)
    alike += _is_equal(ours, theirs) or _is_near(policy, observation, ours, theirs)
  if alike < _LEAST_ALIKE * _CHECKED:
    raise UserError(
      f'the exported policy acts as the run does in {alike} of {_CHECKED} random '
      'states only, so it was not kept; from Python, load_policy acts by the run itself'
    )


def _is_equal(ours: Any, theirs: Any) -> bool:
  """Returns whether two actions are the same, but for rounding."""
  pairs = zip(tree.flatten(ours), tree.flatten(theirs), strict=True)
  return all(np.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in pairs)


def _is_near(policy: Policy, observation: Array, ours: Any, theirs: Any) -> bool:
  """Returns whether the run itself, if it has a Q, values two actions the same."""
  if not isinstance(policy.builder.config, QMLEConfig):
    return False
  both = tree.map_structure(lambda *leaves: np.stack(leaves), ours, theirs)
  gap = np.ptp(policy.q(observation, both))
  return bool(gap <= _NEAR * np.ptp(policy.candidates(observation).values))
