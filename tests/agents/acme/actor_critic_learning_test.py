"""Our learners take the very steps of learners that are built of Acme's classes alone.

These get Acme's default settings, so that a default of ours that is another shows.
"""

import copy
import itertools
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import acme
import baselines
import numpy as np
import pytest
import reverb
import sonnet as snt
import tensorflow as tf
from acme import types as acme_types
from acme.agents.tf import d4pg, dmpo
from acme.agents.tf.d4pg.agent import D4PGBuilder as AcmeD4PGBuilder
from acme.agents.tf.d4pg.agent import D4PGConfig as AcmeD4PGConfig
from acme.agents.tf.d4pg.agent import D4PGNetworks
from acme.tf import networks as acme_networks
from acme.tf import utils as tf2_utils
from acme.utils import loggers
from baselines import BATCH, SEED, SPEC
from dm_env import specs

from qmle_acme.agents import metrics
from qmle_acme.agents.acme import ActorCriticBuilder
from qmle_acme.agents.acme.d4pg import D4PGBuilder, D4PGConfig
from qmle_acme.agents.acme.dmpo import DMPOBuilder, DMPOConfig
from qmle_acme.agents.acme.learning import AcmeLearner, Batch
from qmle_acme.replay import RowFormat

STEPS = 5
PERIOD = 2  # Of targets: they are copied before steps 1, 3 and 5.
# What our agents see of the box.
ACME_SPEC = SPEC._replace(actions=specs.BoundedArray((2,), np.float32, -1.0, 1.0))
DISCOUNT = 0.99


def acme_d4pg(weights: D4PGNetworks) -> acme.Learner:
  """Returns Acme's D4PG as Acme's builder makes it, with a dataset of its own."""
  parts = d4pg.make_default_networks(ACME_SPEC.actions)
  networks = D4PGNetworks(parts['policy'], parts['critic'], parts['observation'])
  data = tf.data.Dataset.from_tensor_slices(stacked_batches()).map(to_acme)
  return AcmeD4PGBuilder(AcmeD4PGConfig(target_update_period=PERIOD)).make_learner(
    (with_weights(networks, weights), with_weights(copy.deepcopy(networks), weights)),
    iter(data),
    logger=loggers.NoOpLogger(),
  )


def acme_dmpo(weights: D4PGNetworks) -> acme.Learner:
  """Returns Acme's DMPO with the networks of Acme's control example."""
  policy = snt.Sequential(
    [
      acme_networks.LayerNormMLP((256, 256, 256)),
      acme_networks.MultivariateNormalDiagHead(2),
    ]
  )
  critic = snt.Sequential(
    [
      acme_networks.CriticMultiplexer(
        critic_network=acme_networks.LayerNormMLP((512, 512, 256)),
        action_network=acme_networks.ClipToSpec(ACME_SPEC.actions),
      ),
      acme_networks.DiscreteValuedHead(-150.0, 150.0, 51),
    ]
  )
  networks = D4PGNetworks(policy, critic, tf2_utils.batch_concat)
  target = with_weights(copy.deepcopy(networks), weights)
  online = with_weights(networks, weights)
  return dmpo.DistributionalMPOLearner(
    policy_network=online.policy_network,
    critic_network=online.critic_network,
    target_policy_network=target.policy_network,
    target_critic_network=target.critic_network,
    discount=DISCOUNT,
    num_samples=20,
    target_policy_update_period=PERIOD,
    target_critic_update_period=PERIOD,
    # What is sampled depends on the number of operations before: as many as ours.
    dataset=Fed(baselines.samples(seed=1, discount=1.0)),
    observation_network=online.observation_network,
    target_observation_network=target.observation_network,
    logger=loggers.NoOpLogger(),
    checkpoint=False,
  )


class Fed(Batch):
  """Batches for a learner of Acme's that is not in our adapter."""

  def __init__(self, samples: Iterator[baselines.Sample]):
    super().__init__(BATCH, RowFormat(3, 2))
    self.samples = samples


def with_weights(networks: D4PGNetworks, weights: D4PGNetworks) -> D4PGNetworks:
  """Returns Acme's networks with their variables, equal to those of others."""
  networks.init(ACME_SPEC)
  for new, old in zip(variables(networks), variables(weights), strict=True):
    new.assign(old)
  return networks


def variables(networks: D4PGNetworks) -> list[tf.Variable]:
  return [*networks.policy_network.variables, *networks.critic_network.variables]


def run(learner: acme.Learner) -> None:
  """Takes the steps of a learner of Acme's."""
  tf.random.set_seed(SEED)
  for _ in range(STEPS):
    iterator = learner._iterator
    if isinstance(iterator, Fed):
      iterator.assign(next(iterator.samples).transition)
    learner.step()


def stacked_batches() -> baselines.Transition:
  batches = itertools.islice(baselines.transitions(seed=1), STEPS)
  return baselines.Transition(*map(np.stack, zip(*batches, strict=True)))


def to_acme(fields: baselines.Transition) -> reverb.ReplaySample:
  return reverb.ReplaySample(info=(), data=acme_types.Transition(*fields))


def arrays(modules: Sequence[snt.Module]) -> list[np.ndarray]:
  return [variable.numpy() for module in modules for variable in module.variables]


def our_d4pg() -> ActorCriticBuilder:
  return D4PGBuilder(D4PGConfig(batch_size=BATCH, target_update_period=PERIOD), SPEC)


def our_dmpo() -> ActorCriticBuilder:
  config = DMPOConfig(
    batch_size=BATCH,
    target_policy_update_period=PERIOD,
    target_critic_update_period=PERIOD,
  )
  return DMPOBuilder(config, SPEC)


class Learned(NamedTuple):
  """One of our learners after STEPS steps.

  Attributes:
    learner: with Acme's default settings, but for small batches and periods.
    start: copies of its online networks before the first step.
    records: what it has written.
    losses: of the critic in each step.
  """

  learner: AcmeLearner
  start: D4PGNetworks
  records: list[dict[str, float]]
  losses: list[float]


def learn(agent: str, seed: int = SEED) -> Learned:
  """Returns a learner after some steps."""
  records: list[dict[str, float]] = []
  batches = baselines.samples(seed=1, discount=DISCOUNT)
  learner = baselines.make_learner(BUILDERS[agent], batches, seed, records.append)
  start = D4PGNetworks(
    copy.deepcopy(learner.state['policy']),
    copy.deepcopy(learner.state['critic']),
    tf2_utils.batch_concat,
  )
  tf.random.set_seed(0)  # As an actor does that is made in the same process.
  losses = []
  for _ in range(STEPS):
    learner.step()
    losses.append(float(learner._metrics.latest['critic_loss']))
  learner.write_metrics()
  learner.write_metrics()  # Of no steps.
  return Learned(learner, start, records, losses)


BUILDERS: dict[str, ActorCriticBuilder] = {'d4pg': our_d4pg(), 'dmpo': our_dmpo()}


@pytest.fixture(scope='module', params=list(BUILDERS))
def learned(request: pytest.FixtureRequest) -> Iterator[Learned]:
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(metrics, 'PERIOD_SECONDS', 1e9)
    yield learn(request.param)


def of_d4pg(learned: Learned) -> bool:
  return 'dual_optimizer' not in learned.learner.state


def test_takes_the_very_steps_of_acmes_learner(learned: Learned) -> None:
  acmes = (acme_d4pg if of_d4pg(learned) else acme_dmpo)(learned.start)
  run(acmes)

  ours = learned.learner
  online = arrays([ours.state['policy'], ours.state['critic']])
  before = [variable.numpy() for variable in variables(learned.start)]
  expected = arrays([acmes._policy_network, acmes._critic_network])
  for old, new, value in zip(before, online, expected, strict=True):
    np.testing.assert_allclose(new, value, rtol=1e-5, atol=1e-7)
    assert not np.array_equal(new, old)
  names = ['policy', 'critic']  # Of the targets, copied before the last step.
  targets, expected_targets = (
    [*itertools.chain(*learner.get_variables(names))] for learner in (ours, acmes)
  )
  for target, new, value in zip(targets, online, expected_targets, strict=True):
    np.testing.assert_allclose(target, value, rtol=1e-5, atol=1e-7)
    assert not np.array_equal(target, new)


@pytest.mark.parametrize('learned', ['dmpo'], indirect=True)
def test_sampling_is_a_function_of_the_seed(learned: Learned) -> None:
  again = learn('dmpo').learner
  other = baselines.make_learner(BUILDERS['dmpo'], iter(()), SEED + 1)
  policies = [
    arrays([learner.state['policy']]) for learner in (learned.learner, again, other)
  ]
  assert all(map(np.array_equal, policies[0], policies[1]))
  assert not all(map(np.array_equal, policies[0], policies[2]))


def test_layers_of_a_shape_start_apart(learned: Learned) -> None:
  weights = [v.numpy() for v in variables(learned.start) if v.shape.rank == 2]
  for one, other in itertools.combinations(weights, 2):
    count = min(one.size, other.size)
    assert not np.allclose(one.flat[:count], other.flat[:count], rtol=1e-3, atol=0)


def test_metrics_are_means_of_acmes(learned: Learned) -> None:
  (record,) = learned.records
  assert record['learner_steps'] == learned.learner.steps == STEPS
  assert record['critic_loss'] == pytest.approx(np.mean(learned.losses))
  assert len(set(learned.losses)) == STEPS
  assert all(np.isfinite(value) for value in record.values())
  assert not {'steps', 'walltime'} & record.keys()


def saved(learner: AcmeLearner, path: pathlib.Path) -> dict[str, np.ndarray]:
  """Saves a learner; returns all that is in the file."""
  reader = tf.train.load_checkpoint(tf.train.Checkpoint(**learner.state).save(path))
  return {
    name: reader.get_tensor(name)
    for name in reader.get_variable_to_shape_map()
    if name.endswith('VALUE') and not name.startswith('save_counter')
  }


def test_checkpoint_holds_all_that_a_step_reads_or_writes(
  learned: Learned, tmp_path: pathlib.Path
) -> None:
  learner = learned.learner
  first = saved(learner, tmp_path / 'first')
  # Acme's own graph says what that is; the batch is not the learner's.
  acmes: Any = learner._learner
  graph = acmes._step.get_concrete_function().graph
  batch = {variable.ref() for variable in learner._batch._variables}
  assert len({v.ref() for v in graph.variables} - batch) == len(first)

  builder = BUILDERS['d4pg' if of_d4pg(learned) else 'dmpo']
  other = baselines.make_learner(builder, iter(()), seed=8)
  path = tf.train.latest_checkpoint(str(tmp_path))
  tf.train.Checkpoint(**other.state).restore(path).assert_consumed()
  again = saved(other, tmp_path / 'again')  # Before any step.

  assert other.steps == STEPS
  assert first.keys() == again.keys()
  for name, value in first.items():
    np.testing.assert_array_equal(again[name], value)


def test_restored_learner_goes_on_as_the_other(tmp_path: pathlib.Path) -> None:
  tf.config.run_functions_eagerly(True)  # No graph is built for a few steps.
  try:
    builder = baselines.AGENTS['d4pg']()
    batches = list(itertools.islice(baselines.samples(1, 0.5), 4))
    learner = baselines.make_learner(builder, iter(batches))
    learner.step()
    learner.step()
    path = tf.train.Checkpoint(**learner.state).save(tmp_path / 'ours')
    other = baselines.make_learner(builder, iter(batches[2:]), seed=8)
    tf.train.Checkpoint(**other.state).restore(path)
    for _ in range(2):
      learner.step()
      other.step()
  finally:
    tf.config.run_functions_eagerly(False)

  names = ('network', 'policy', 'critic', 'target_critic')
  ours, others = (arrays([who.state[n] for n in names]) for who in (learner, other))
  for value, expected in zip(others, ours, strict=True):
    np.testing.assert_array_equal(value, expected)
