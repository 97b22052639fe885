"""From a run's settings to its environments, its agent and their seeds."""

import contextlib
import enum
import pkgutil
from collections.abc import Callable

import acme
import dm_env
import numpy as np

from qmle_acme import environments
from qmle_acme.agents import AgentBuilder
from qmle_acme.runs import videos
from qmle_acme.runs.activity import Activity
from qmle_acme.runs.config import RunConfig


class Role(enum.IntEnum):
  """Who draws random numbers; each draws its own."""

  LEARNER = 0
  ACTOR = 1
  EVALUATOR = 2


def make_seed(config: RunConfig, role: Role, index: int = 0, start: int = 0) -> int:
  """Returns the seed of a part of the run, from 0 to 2^31 - 1.

  Args:
    config: settings of the run.
    role: of the part.
    index: among those of its role.
    start: the run's steps when the part starts, so that a resumed run does not live
      through the same episodes again.
  """
  sequence = np.random.SeedSequence([config.seed, role, index, start])
  return int(sequence.generate_state(1)[0] >> 1)


def make_environment(config: RunConfig, seed: int) -> dm_env.Environment:
  """Returns a new environment of the run."""
  return environments.make(config.env, seed)


def make_watched_environment(
  config: RunConfig, seed: int, activity: Activity
) -> dm_env.Environment:
  """Returns one that says what is being done in it, its making included."""
  # With Acme's wrappers comes gym, which turns on warnings for the whole process.
  from qmle_acme.environments.watched import Watched

  with activity.of('making its environment'):
    return Watched(make_environment(config, seed), activity.of)


def make_spec(
  config: RunConfig, environment: dm_env.Environment | None = None
) -> acme.specs.EnvironmentSpec:
  """Returns what the agent has to know about the run's environment.

  Args:
    config: settings of the run.
    environment: one of that run, which is closed; by default a new one.

  Raises:
    UserError: videos are asked for, and it has nothing to draw here.
  """
  environment = environment or make_environment(config, seed=0)
  with contextlib.closing(environment):
    if config.render_every:
      videos.check(environment)
    return acme.make_environment_spec(environment)


def make_builder(config: RunConfig, spec: acme.specs.EnvironmentSpec) -> AgentBuilder:
  """Returns the builder of the run's agent.

  Raises:
    UserError: the agent cannot act in such an environment.
  """
  own = config.of_agent
  # The others are not imported: the baselines would take a sixth of the start.
  builder: Callable[..., AgentBuilder] = pkgutil.resolve_name(own.BUILDER)
  return builder(own, spec)
