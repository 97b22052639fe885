"""The QMLE learner: one step is the algorithm box of arXiv 2410.06317.

B batch, A action dimensions, O observation.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from qmle_acme.agents import divergence
from qmle_acme.agents.builder import MetricsWriter, TFLearner
from qmle_acme.agents.metrics import MeanMetrics
from qmle_acme.agents.qmle import losses
from qmle_acme.agents.qmle.argmax import ArgmaxCache
from qmle_acme.agents.qmle.argmax_nodes import ArgmaxNodes
from qmle_acme.agents.qmle.bounds import ValueBounds
from qmle_acme.agents.qmle.config import QMLEConfig
from qmle_acme.agents.qmle.critic import Critic, follow
from qmle_acme.agents.qmle.flights import Flights, Known
from qmle_acme.agents.qmle.networks import QNetwork
from qmle_acme.agents.qmle.parameters import Parameters
from qmle_acme.agents.qmle.scaling import RewardScale, rescale
from qmle_acme.graphs import SingleGraph
from qmle_acme.replay import PriorityUpdater
from qmle_acme.types import ArgmaxResult, Array, Sample, Tensor, Transition

# Names of what the learner publishes: the networks by which actors explore and by which
# the greedy policy acts, the priority of new items, and the unit of Q-values.
ONLINE = 'online'
POLICY = 'policy'
MAX_PRIORITY = 'max_priority'
REWARD_SCALE = 'reward_scale'


class Fit(NamedTuple):
  """What the losses came to in one step of the optimiser."""

  q_tm1: Tensor  # [B]
  td_error: Tensor  # [B]
  q_losses: Tensor  # [B]
  predictor_losses: Tensor  # [B]


class QMLELearner(TFLearner):
  """Learns Q by prioritised Q-learning, and where its maxima lie by likelihood."""

  def __init__(
    self,
    critics: Sequence[Critic],
    cache: ArgmaxCache,
    samples: Iterator[Sample],
    update_priorities: PriorityUpdater,
    config: QMLEConfig,
    seed: int,
    write_metrics: MetricsWriter,
    argmax_nodes: ArgmaxNodes | None = None,
    average: QNetwork | None = None,
  ):
    """Initialises.

    Args:
      critics: one, or two of which the second moderates the first, by which actors act.
      cache: the best known action of each replay item.
      samples: batches from replay.
      update_priorities: sends priorities back to replay, from within the step.
      config: the agent's settings.
      seed: of the candidates; with the step number it gives each step its own.
      write_metrics: receives mean metrics every few seconds.
      argmax_nodes: take the arg max of the target networks, as far as they are up.
      average: network that becomes an average of the online one, by which the greedy
        policy acts; without it that acts by the online one.
    """
    self._critics = tuple(critics)
    self._network, self._target_network = critics[0].network, critics[0].target_network
    self._cache = cache
    self._update_priorities = update_priorities
    self._config = config
    self._seed = seed
    self._metrics = MeanMetrics(write_metrics, self._probe)
    self._last_o_t: Tensor | None = None
    self._average = average
    if average:
      follow(self._network, average, rate=1.0)
    self._steps = tf.Variable(0, dtype=tf.int64, name='learner_steps')
    self._max_priority = tf.Variable(1.0, name='max_priority')
    self._reward_scale = RewardScale(config.n_step, config.discount)
    self._published = {
      ONLINE: Parameters(self._network.variables),
      POLICY: Parameters((average or self._network).variables),
      MAX_PRIORITY: self._max_priority,
      REWARD_SCALE: self._reward_scale,
    }
    self._bounds = ValueBounds() if config.bound_values else None
    self._argmax_nodes = argmax_nodes
    self._learn = SingleGraph(self._maximize_and_improve)
    self._learn_from = SingleGraph(self._improve_by)
    self._flights = Flights(
      samples,
      argmax_nodes or ArgmaxNodes(()),
      cache,
      self._reward_scale,
      Parameters(self._target_network.variables),
      config,
      seed,
    )

  @property
  def steps(self) -> int:
    """Learner steps taken, over all resumed parts of the run."""
    return int(self._steps)

  @property
  def state(self) -> dict[str, Any]:
    """Networks, optimiser, cache and counters, for `tf.train.Checkpoint`."""
    first, *others = (critic.state for critic in self._critics)
    average = self._average
    second = {
      f'second_{name}': part for other in others for name, part in other.items()
    }
    return {
      **first,
      **second,
      # The greedy policy's is 'network', whichever that is.
      **({'network': average, 'online_network': self._network} if average else {}),
      'cache': self._cache,
      'steps': self._steps,
      'max_priority': self._max_priority,
      'reward_scale': self._reward_scale,
      **({'value_bounds': self._bounds} if self._bounds else {}),
    }

  def get_variables(self, names: Sequence[str]) -> list[list[Array]]:
    """Returns an array of each: all parameters [P] of a network, or a number."""
    return [[self._published[name].numpy()] for name in names]

  def step(self) -> None:
    """Takes one batch from replay and one step of the optimiser."""
    steps = self.steps
    flight = self._flights.next(steps)
    sample = flight.sample
    best = flight.pending.wait() if flight.pending else None
    if best is None:
      metrics = self._learn(sample)
    else:
      metrics = self._learn_from(sample, flight.known, best)
    steps += 1
    divergence.check_step(steps, metrics, sample)
    self._last_o_t = sample.transition.o_t
    by_nodes = {'argmax_by_nodes': float(best is not None)}
    self._metrics.add(steps, metrics | (by_nodes if self._argmax_nodes else {}))

  def write_metrics(self) -> None:
    """See base class."""
    self._metrics.write()

  def _maximize_and_improve(self, sample: Sample) -> dict[str, Tensor]:
    """Maximises, then improves; returns metrics, scalars.

    Args:
      sample: the batch.
    """
    transition = self._in_own_unit(sample.transition)
    known = Known(*self._cache.lookup(sample.keys, default=transition.a_tm1))
    cached = known.action if self._config.use_cache else None
    best = self.best_actions(transition.o_t, cached)
    return self._improve(sample, transition, known, best)

  def _improve_by(
    self, sample: Sample, known: Known, best: ArgmaxResult
  ) -> dict[str, Tensor]:
    """Does what `_maximize_and_improve` does, where a node has maximised.

    Args:
      sample: the batch; it does not change the unit of Q.
      known: what the node was told of the cache.
      best: the arg max.
    """
    transition = self._in_own_unit(sample.transition)
    return self._improve(sample, transition, known, best)

  def _improve(
    self,
    sample: Sample,
    transition: Transition,
    known: Known,
    best: ArgmaxResult,
  ) -> dict[str, Tensor]:
    """Fits both losses; updates priorities, cache and target; returns metrics, scalars.

    Args:
      sample: the batch.
      transition: of it, with rewards in the unit of Q.
      known: what the cache knew of it.
      best: the target network's arg max.
    """
    value = self._value(transition.o_t, best)
    target = losses.bellman_target(transition.r_t, transition.d_t, value)
    target = self._bounded(target, transition) - self._gap_penalty(transition)
    is_improved = self._config.mle_target == 'improved'
    mle_target = best.action if is_improved else known.action
    weights = losses.importance_weights(
      sample.probabilities, self._config.importance_exponent
    )
    for critic in self._critics:
      critic.network.count_in(transition.o_tm1)
    fit = self.fit(transition, target, mle_target, weights)

    priorities = losses.priorities(fit.td_error)
    self._max_priority.assign(tf.maximum(self._max_priority, tf.reduce_max(priorities)))
    self._update_priorities(sample.keys, priorities)
    if self._config.use_cache:
      self._cache.update(sample.keys, best.action, best.value)
    self._steps.assign_add(1)
    tf.cond(
      self._steps % self._config.target_update_period == 0,
      self._move_followers,
      tf.no_op,
    )

    unit = self._reward_scale.value
    return {
      'q_tm1': unit * tf.reduce_mean(fit.q_tm1),
      'q_max': unit * tf.reduce_mean(best.value),
      'td_error': unit * tf.reduce_mean(tf.abs(fit.td_error)),
      'reward_scale': unit,
      'q_loss': tf.reduce_mean(fit.q_losses),
      'predictor_loss': tf.reduce_mean(fit.predictor_losses),
      'priority_mean': tf.reduce_mean(priorities),
      'priority_max': self._max_priority.read_value(),
      'importance_weight': tf.reduce_mean(weights),
      'cache_hit_rate': tf.reduce_mean(tf.cast(known.is_hit, tf.float32)),
      **self._winner_shares(best.winners),
    }

  def _in_own_unit(self, transition: Transition) -> Transition:
    """Returns the batch with rewards in the unit of Q, after it has adapted to them."""
    if not self._config.scale_rewards:
      return transition
    factor = self._reward_scale.include(transition.r_t)
    for critic in self._critics:
      rescale((critic.network, critic.target_network), factor)
    if self._average:
      rescale([self._average], factor)
    self._max_priority.assign(tf.maximum(1.0, factor * self._max_priority))
    return transition._replace(r_t=transition.r_t / self._reward_scale.value)

  def best_actions(self, observations: Tensor, cached: Tensor | None) -> ArgmaxResult:
    """Returns the target network's arg max over candidates and cached actions.

    Args:
      observations: [B, O].
      cached: [B, A], if they are kept.
    """
    seed = tf.stack([tf.constant(self._seed, tf.int64), self._steps])
    m_target = self._config.m_target
    return self._target_network.argmax(observations, m_target, seed, cached)

  def _value(self, observations: Tensor, best: ArgmaxResult) -> Tensor:
    """Returns what the best actions are worth, [B].

    Of two critics the lower value counts: the first one chose actions that it overrates
    (Fujimoto et al., arXiv 1802.09477, section 4.2).

    Args:
      observations: [B, O].
      best: by the target network of the first critic.
    """
    values = [best.value] + [
      _q_values(critic.target_network, observations, best.action)
      for critic in self._critics[1:]
    ]
    return tf.reduce_min(values, axis=0)

  def _bounded(self, target: Tensor, transition: Transition) -> Tensor:
    """Returns targets [B], in the unit of Q, that the rewards so far can bring."""
    if self._bounds is None:
      return target
    unit = self._reward_scale.value
    self._bounds.include(unit * transition.r_t, transition.d_t)
    return self._bounds.clip(unit * target) / unit

  def _gap_penalty(self, transition: Transition) -> Tensor:
    """Returns what each action loses for not being the best one at o_tm1, [B] or 0."""
    if not self._config.action_gap:
      return tf.constant(0.0)
    network = self._target_network
    seed = tf.stack([tf.constant(~self._seed, tf.int64), self._steps])
    best = network.argmax(transition.o_tm1, self._config.m_target, seed)
    q_tm1 = _q_values(network, transition.o_tm1, transition.a_tm1)
    return losses.action_gap_penalty(self._config.action_gap, best.value, q_tm1)

  def _move_followers(self) -> tf.Operation:
    """Has the target networks, and the average, follow the online ones."""
    config = self._config
    rate = config.target_update_rate
    moves = [follow(c.network, c.target_network, rate) for c in self._critics]
    if self._average:
      moves.append(follow(self._network, self._average, config.policy_average_rate))
    return tf.group(*moves)

  @tf.function(autograph=False, jit_compile=True)
  def fit(
    self,
    transition: Transition,
    target: Tensor,
    mle_target: Tensor,
    weights: Tensor,
  ) -> Fit:
    """Takes one step of Adam on the sum of both losses.

    A second critic is fitted to the same target, and its Q-values alone.

    Args:
      transition: the batch.
      target: [B] what Q(o_tm1, a_tm1) is fitted to.
      mle_target: [B, A] what the predictors are fitted to at o_t.
      weights: [B] of the Q losses.

    Returns:
      What the losses of the first critic came to.
    """
    first, *others = self._critics
    o_tm1, a_tm1 = transition.o_tm1, transition.a_tm1
    with tf.GradientTape() as tape:
      q_tm1 = _q_values(first.network, o_tm1, a_tm1)
      q_losses, td_error = losses.q_loss(q_tm1, target, weights)
      predictor_losses = self.predictor_losses(transition, mle_target)
      loss = tf.reduce_mean(q_losses) + tf.reduce_mean(predictor_losses)
    first.descend(tape, loss)
    for other in others:
      with tf.GradientTape() as tape:
        q_values = _q_values(other.network, o_tm1, a_tm1)
        loss = tf.reduce_mean(losses.q_loss(q_values, target, weights)[0])
      other.descend(tape, loss)
    return Fit(q_tm1, td_error, q_losses, predictor_losses)

  def predictor_losses(self, transition: Transition, mle_target: Tensor) -> Tensor:
    """Returns the predictors' losses, [B], whose gradient ends at the predictors."""
    network = self._network
    return network.predictor_losses(network.embed(transition.o_t), mle_target)

  def _winner_shares(self, winners: Tensor) -> dict[str, Tensor]:
    """Returns the share of the batch that each proposer has won, alone or with others.

    Args:
      winners: [B, P].
    """
    names = self._network.proposers
    shares = tf.unstack(
      tf.reduce_mean(tf.cast(winners, tf.float32), axis=0), len(names)
    )
    return {f'winner/{name}': share for name, share in zip(names, shares, strict=True)}

  def _probe(self) -> dict[str, Tensor | float]:
    """Returns what predictors add to max Q in the last batch, and the step size."""
    rate = self._critics[0].learning_rate
    return {'learning_rate': rate, **self._gains(self._last_o_t)}

  @tf.function(autograph=False)
  def _gains(self, observations: Tensor) -> dict[str, Tensor]:
    """Returns each predictor's gain in Q over uniform sampling alone."""
    seed = tf.stack([tf.constant(self._seed, tf.int64), self._steps])
    gains = self._target_network.gains(observations, self._config.m_target, seed)
    unit = self._reward_scale.value
    return {f'gain/{name}': unit * gain for name, gain in gains.items()}


def _q_values(network: QNetwork, observations: Tensor, actions: Tensor) -> Tensor:
  """Returns Q(o, a), [B], of observations [B, O] and an action [B, A] for each."""
  return network.q_values(network.embed(observations), actions[:, None])[:, 0]
