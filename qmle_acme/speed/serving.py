"""A replay server in a process of its own, filled with what an environment gives."""

import itertools
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import dm_env
import portpicker
import reverb
from launchpad.nodes.courier import courier_utils

from qmle_acme import actions, replay
from qmle_acme.runs import factory
from qmle_acme.runs.config import RunConfig
from qmle_acme.types import Array

# Steps that are taken in the environment; replay is filled with them over and over.
_STEPS = 1_000


class Step(NamedTuple):
  """One step of an environment; the first of an episode follows no action."""

  action: Array | None
  timestep: dm_env.TimeStep


def default_config(task: str) -> RunConfig:
  """Returns the default settings for a task; no folder is ever made."""
  return RunConfig(run=pathlib.Path('unused'), env=task)


def serve(task: str) -> Iterator[int]:
  """Serves the task's replay table until the process ends; yields the port."""
  config = default_config(task)
  builder = factory.make_builder(config, factory.make_spec(config))
  server = reverb.Server(
    builder.make_tables(reverb.rate_limiters.MinSize(1)), port=None
  )
  yield server.port
  server.wait()


def serve_argmax(task: str) -> Iterator[int]:
  """Is an arg max node for the task until the process ends; yields the port."""
  config = default_config(task)
  node = factory.make_builder(config, factory.make_spec(config)).make_argmax_server()
  server = courier_utils.make_courier_server(
    node, port=portpicker.pick_unused_port(), thread_pool_size=1
  )
  server.Start()
  yield server.port
  server.Join()


class RandomWriter:
  """Writes the transitions of uniformly random actions into a server."""

  def __init__(self, task: str, client: reverb.Client):
    """Initialises.

    Args:
      task: the environment.
      client: of the server.
    """
    config = default_config(task)
    environment = factory.make_environment(config, seed=0)
    space = actions.make(environment.action_spec(), config.qmle.bins)
    self._steps = itertools.cycle(_play(environment, space))
    self._adder = replay.NStepAdder(
      client,
      config.qmle.n_step,
      config.qmle.discount,
      encode_action=space.from_environment,
      priority=lambda: 1.0,
    )

  def write(self, count: int) -> None:
    """Writes so many transitions; up to a chunk of them stays in the writer."""
    while count > 0:
      action, timestep = next(self._steps)
      if action is None:
        self._adder.add_first(timestep)
      else:
        self._adder.add(action, timestep)
        count -= 1


def _play(
  environment: dm_env.Environment, space: actions.ActionSpace
) -> Sequence[Step]:
  """Returns steps of uniformly random actions, from the first of an episode on."""
  steps = [Step(None, environment.reset())]
  for index in range(_STEPS):
    if steps[-1].timestep.last():
      steps.append(Step(None, environment.reset()))
    action = space.to_environment(space.sample_uniform((), [0, index]).numpy())
    steps.append(Step(action, environment.step(action)))
  return steps
