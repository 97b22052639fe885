"""Whether agent, environment and machine fit each other, told without TensorFlow."""

import dm_env

from qmle_acme.runs import memory
from qmle_acme.runs.config import RunConfig


def check(config: RunConfig, environment: dm_env.Environment) -> None:
  """Refuses what would be refused seconds later, once there is an agent.

  Args:
    config: settings of a run.
    environment: of that run.

  Raises:
    UserError: the agent cannot act there, or replay takes more memory than there is,
      even without the actions, whose size in a row only the agent knows.
  """
  own = config.of_agent
  own.check_actions(environment.action_spec())
  (observation_size,) = environment.observation_spec().shape
  row_bytes = 4 * (2 * observation_size + 2)  # o_tm1, o_t, r_t and d_t.
  memory.describe(
    row_bytes, own.replay_size, config.steps, f'{config.agent}.replay_size'
  )
