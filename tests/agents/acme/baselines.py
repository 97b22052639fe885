"""D4PG and DMPO in small, and batches for them.

B = 8 batch, O = 3 observation, A = 2 action dimensions.
"""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from acme import specs as acme_specs
from dm_env import specs

from qmle_acme.agents.acme import ActorCriticBuilder
from qmle_acme.agents.acme.d4pg import D4PGBuilder, D4PGConfig
from qmle_acme.agents.acme.dmpo import DMPOBuilder, DMPOConfig
from qmle_acme.agents.acme.learning import AcmeLearner
from qmle_acme.agents.builder import MetricsWriter
from qmle_acme.types import Sample, Transition

BATCH = 8
SEED = 7
SPEC = acme_specs.EnvironmentSpec(
  observations=specs.Array((3,), np.float32),
  actions=specs.BoundedArray((2,), np.float32, [-3.0, 0.5], [-1.0, 8.5]),
  rewards=specs.Array((), np.float32),
  discounts=specs.BoundedArray((), np.float32, 0.0, 1.0),
)
SMALL = {
  'batch_size': BATCH,
  'n_step': 2,
  'discount': 0.5,
  'min_replay_size': 5,
  'replay_size': 64,
  'policy_layer_sizes': (16, 16),
  'critic_layer_sizes': (16, 16),
  'variable_update_period': 4,
}
AGENTS: dict[str, Callable[[], ActorCriticBuilder]] = {
  'd4pg': lambda: D4PGBuilder(D4PGConfig(**SMALL), SPEC),  # type: ignore[arg-type]
  'dmpo': lambda: DMPOBuilder(DMPOConfig(**SMALL), SPEC),  # type: ignore[arg-type]
}


def transitions(seed: int) -> Iterator[Transition]:
  """Yields random batches without end; d_t is that of the environment alone."""
  random = np.random.default_rng(seed)
  while True:
    fields = Transition(
      o_tm1=random.normal(size=(BATCH, 3)),
      a_tm1=random.uniform(-1.0, 1.0, size=(BATCH, 2)),
      r_t=20.0 * random.normal(size=BATCH),
      d_t=random.choice([0.0, 0.5, 1.0], size=BATCH),
      o_t=random.normal(size=(BATCH, 3)),
    )
    yield Transition(*(field.astype(np.float32) for field in fields))


def samples(seed: int, discount: float) -> Iterator[Sample]:
  """Yields the same batches as replay hands them out: d_t has the agent's discount."""
  for fields in transitions(seed):
    fields = fields._replace(d_t=np.float32(discount) * fields.d_t)
    keys = tf.zeros([BATCH], tf.int64)
    yield Sample(keys, keys, Transition(*map(tf.constant, fields)))


def make_learner(
  builder: ActorCriticBuilder,
  batches: Iterator[Sample],
  seed: int = SEED,
  write_metrics: MetricsWriter = lambda _: None,
) -> AcmeLearner:
  """Returns a learner that needs no server."""
  return builder.make_learner(batches, '', seed, write_metrics)
