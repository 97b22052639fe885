"""What a trained agent is to whoever uses it: its greedy policy, and what it considers.

B states, N actions, A action dimensions, O flattened observation.
"""

import dataclasses
import os
import pathlib
from collections.abc import Callable
from typing import Any

import acme
import dm_env
import numpy as np
import tensorflow as tf
import tree
from dm_env import specs

from qmle_acme.agents import Actor
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.agents.qmle.scaling import RewardScale
from qmle_acme.environments import forms
from qmle_acme.environments.checked import shown
from qmle_acme.errors import UserError, check_path, check_range, check_whole
from qmle_acme.runs import best_checkpoint, checkpointing, factory
from qmle_acme.runs.records import ACTOR_STEPS, LEARNER_STEPS
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.types import Array, Seed

# A hundred thousand are scored in some seconds; memory goes with them.
_MOST_CANDIDATES = 1_000_000
_NO_ACTIONS = 'these are no actions of this environment'


@dataclasses.dataclass(frozen=True)
class Considered:
  """Actions that an arg max is taken over in one state, the best first.

  Attributes:
    actions: in the environment's own form, as an array or nest of arrays [N, ...].
    values: Q-values, float32 [N].
    proposers: who proposed each action: 'uniform', 'noop' or the name of a predictor;
      N.
  """

  actions: Any
  values: Array
  proposers: tuple[str, ...]


class Policy:
  """A greedy policy, of one checkpoint of a run.

  It needs neither learner nor replay, and does not touch the run. It may be called from
  one thread at a time.

  Attributes:
    step: environment steps of the checkpoint.
    learner_step: learner steps of it.
    environment: one of the run's, for its specs; no step is taken in it.
    spec: of the environment.
    space: of its actions, as the agent sees them.
    observation_size: O.
    builder: of the parts of the agent.
    network: as the checkpoint has it.
  """

  def __init__(self, folder: RunFolder, seed: int, best: bool):
    """Loads the newest checkpoint, or the best one; `load_policy` says more."""
    config = folder.read_config()
    self.environment: dm_env.Environment = factory.make_environment(config, seed)
    self.spec = acme.make_environment_spec(self.environment)
    self.builder = builder = factory.make_builder(config, self.spec)
    self.space, self.observation_size = builder.space, builder.observation_size
    self.network = builder.make_network(seed)
    # Q-values are learned in a unit of their own.
    own = config.of_agent
    self._unit = RewardScale(own.n_step, own.discount)
    is_qmle = isinstance(self.network, QMLENetwork)
    parts = {'reward_scale': self._unit} if is_qmle else {}
    stored = best_checkpoint.find(folder) if best else checkpointing.newest(folder)
    checkpointing.restore_parts(stored, network=self.network, **parts)
    self.step = int(stored.counts[ACTOR_STEPS])
    self.learner_step = int(stored.counts[LEARNER_STEPS])
    # A trace for each number of states.
    self._act = tf.function(builder.make_greedy(self.network), autograph=False)
    self._m_greedy: int = getattr(own, 'm_greedy', QMLEConfig.m_greedy)
    self._random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))

  def __call__(self, observation: Any) -> Any:
    """Returns the greedy action, or actions, for an observation, or observations.

    Args:
      observation: in the environment's own form, or one vector [O] of floats; or B of
        them, stacked into one array [B, ...], or a list of nests.

    Returns:
      The action in the environment's own form; for B observations an array [B, ...],
      or a nest of such.

    Raises:
      UserError: it is no observation of this environment.
    """
    vectors, is_batch = forms.to_vectors(
      self.environment, self.observation_size, observation
    )
    actions = self.greedy(vectors, self._seed())
    return _stack(actions) if is_batch else actions[0]

  def select_action(self, observation: Array) -> Any:
    """Returns the action in the form of the spec for a vector [O].

    That is what environments of this package take, as `environment` is one.
    """
    action = self._act(tf.constant(observation[None], tf.float32), self._seed())
    return self.space.to_environment(action[0].numpy())

  def greedy(self, observations: Array, seed: Seed) -> list[Any]:
    """Returns the greedy actions in the environment's own form for vectors [B, O].

    Args:
      observations: float32 [B, O].
      seed: int32 [2], of the candidates that the arg max is taken over.
    """
    actions = self._act(tf.constant(observations, tf.float32), seed).numpy()
    return [self._to_own(action) for action in actions]

  def q(self, observation: Any, actions: Any) -> Any:
    """Returns the Q-values of actions in one state, in the unit of the rewards.

    Args:
      observation: one, as `__call__` takes it.
      actions: one in the environment's own form, or N of them, stacked.

    Returns:
      float32 [N], or a number for one action.

    Raises:
      UserError: the agent is not qmle, or these are no observation or no actions of
        this environment.
    """
    network = self._q_network()
    own, is_one = _actions(self.environment.action_spec(), actions)
    vectors = [self._from_own(action) for action in own]
    embedding = network.embed(tf.constant(self._one(observation)[None]))
    values = network.q_values(embedding, tf.constant(np.stack(vectors)[None]))[0]
    values = self._unit.numpy() * values.numpy()
    return float(values[0]) if is_one else values

  def candidates(self, observation: Any, n: int | None = None) -> Considered:
    """Returns the actions that an arg max over `n` candidates is taken over.

    They are drawn anew at each call. With a `second_round` they are a first round of
    `n`; the others lie around the best of these. Values are of the plain layers, in
    float32; the arg max that acts estimates most in 8 bits (docs/architecture.md).

    Args:
      observation: one, as `__call__` takes it.
      n: how many; by default as many as in acting, `m_greedy`.

    Raises:
      UserError: as of `q`, or `n` is less than 1 or more than a million.
    """
    network = self._q_network()
    count = self._m_greedy if n is None else n
    check_whole('n', count)
    check_range('n', count, 1, _MOST_CANDIDATES)
    embedding = network.embed(tf.constant(self._one(observation)[None]))
    proposed = network.ensemble.propose(embedding, count, self._seed())
    values = network.q_values(embedding, proposed.actions)[0].numpy()
    values *= self._unit.numpy()
    best_first = np.argsort(-values, kind='stable')
    actions = proposed.actions[0].numpy()[best_first]
    names = [network.proposers[i] for i in proposed.proposers.numpy()[best_first]]
    own = _stack([self._to_own(action) for action in actions])
    return Considered(own, values[best_first], tuple(names))

  def as_actor(self) -> Actor:
    """Returns an actor that acts by this policy and keeps nothing."""
    return _PolicyActor(self.select_action)

  def _seed(self) -> Seed:
    return tf.constant(self._random.integers(2**31, size=2, dtype=np.int32))

  def _q_network(self) -> QMLENetwork:
    if not isinstance(self.network, QMLENetwork):
      raise UserError(
        'only qmle has Q-values to ask for: d4pg and dmpo act by a policy'
      )
    return self.network

  def _one(self, observation: Any) -> Array:
    """Returns the vector [O] of one observation."""
    vectors, is_batch = forms.to_vectors(
      self.environment, self.observation_size, observation
    )
    if is_batch:
      raise UserError('one observation is needed here, not several')
    return vectors[0]

  def _to_own(self, action: Array) -> Any:
    return forms.to_own(self.environment, self.space.to_environment(action))

  def _from_own(self, action: Any) -> Array:
    in_spec_form = forms.from_own(self.environment, action)
    spec = self.environment.action_spec()
    _check_is_inside(spec, in_spec_form, action)
    return self.space.from_environment(in_spec_form)


class _PolicyActor(Actor):
  """Acts, and does not observe."""

  def __init__(self, select_action: Callable[[Array], Any]):
    self._select_action = select_action

  def select_action(self, observation: Array) -> Any:
    return self._select_action(observation)

  def observe_first(self, timestep: dm_env.TimeStep) -> None:
    """Keeps nothing."""

  def observe(self, action: Any, next_timestep: dm_env.TimeStep) -> None:
    """Keeps nothing."""

  def update(self, wait: bool = False) -> None:
    """Has nothing to fetch."""


def load_policy(
  run: str | os.PathLike[str], *, seed: int = 0, best: bool = False
) -> Policy:
  """Returns the greedy policy of a run's newest checkpoint, or of its best one.

  The run may be going on: it is not disturbed, and a policy that was loaded stays as it
  is. `policy.step` says of how many environment steps it is.

  Args:
    run: folder of the run.
    seed: of the candidates that the arg max is taken over, 0 to 2^31 - 1.
    best: whether it is the one of the highest mean return in an evaluation, with the
      very variables that were evaluated, in the place of the newest.

  Raises:
    UserError: this is no run folder, it has no checkpoint yet or a damaged one, or its
      environment cannot be made here.
  """
  check_path('run', run)
  return Policy(RunFolder(pathlib.Path(run)), seed, best)


def _actions(spec: Any, given: Any) -> tuple[list[Any], bool]:
  """Returns actions as a list of them, and whether only one was given.

  Args:
    spec: of actions.
    given: one in the environment's own form, or several, stacked.

  Raises:
    UserError: they are none.
  """
  owns = tree.flatten(spec)
  try:
    leaves = [np.asarray(x) for x in tree.flatten_up_to(spec, given, check_types=False)]
    pairs = list(zip(leaves, owns, strict=True))
  except (TypeError, ValueError) as error:
    raise UserError(f'{_NO_ACTIONS}: {shown(given)} has another form') from error
  is_one = all(leaf.shape == own.shape for leaf, own in pairs)
  are_several = all(leaf.size and leaf.shape[1:] == own.shape for leaf, own in pairs)
  if not is_one and not are_several:
    shapes = ', '.join(f'{leaf.shape} for {own.shape}' for leaf, own in pairs)
    raise UserError(f'{_NO_ACTIONS}: shapes {shapes}')
  for leaf in leaves:
    if leaf.dtype.kind not in 'fiub' or not np.isfinite(leaf).all():
      raise UserError(f'{_NO_ACTIONS}: not all of {shown(given)} are finite numbers')
  actions = tree.unflatten_as(spec, leaves)
  return ([actions] if is_one else _unstack(actions, len(leaves[0]))), is_one


def _check_is_inside(spec: Any, in_spec_form: Any, action: Any) -> None:
  """Checks that every part of an action is one of its spec.

  Args:
    spec: of actions.
    in_spec_form: the action.
    action: the same in the environment's own form, for the error.

  Raises:
    UserError: a part is none; the message names it.
  """
  leaves = tree.flatten_up_to(spec, in_spec_form, check_types=False)
  own = tree.flatten_with_path_up_to(spec, action, check_types=False)
  for part, leaf, (path, value) in zip(tree.flatten(spec), leaves, own, strict=True):
    if not _lies_inside(part, leaf):
      place = 'action' + ''.join(f'[{key!r}]' for key in path)
      told = shown(np.asarray(value).tolist())
      raise UserError(f'{_NO_ACTIONS}: {place} is {told}, outside of the space')


def _lies_inside(spec: specs.BoundedArray, given: Array) -> bool:
  """Returns whether a part of an action is one of its spec.

  Args:
    spec: of the part.
    given: finite, in the shape of the spec.
  """
  is_real = np.issubdtype(spec.dtype, np.floating)
  # Bounds of a spec are rounded too.
  values = np.asarray(given).astype(spec.dtype if is_real else np.float64)
  is_inside = np.all((spec.minimum <= values) & (values <= spec.maximum))
  return bool(is_inside and (is_real or np.all(values == np.floor(values))))


def _stack(actions: list[Any]) -> Any:
  """Returns one nest of arrays [B, ...] for B nests."""
  return tree.map_structure(lambda *leaves: np.stack(leaves), *actions)


def _unstack(actions: Any, count: int) -> list[Any]:
  """Returns the nests whose arrays lie in one nest; undoes `_stack`."""
  return [tree.map_structure(lambda x, i=i: x[i], actions) for i in range(count)]
