"""All that is examined, in order; what takes seconds comes last."""

from collections.abc import Iterator

from qmle_acme.doctor import installation, network, resources
from qmle_acme.doctor.findings import Finding
from qmle_acme.runs.config import RunConfig


def examine(config: RunConfig | None) -> Iterator[Finding]:
  """Yields what is found, each as soon as it is known.

  Args:
    config: settings of a run whose needs are examined, if there is one.

  Raises:
    UserError: its environment cannot be made, or its agent cannot act there.
  """
  yield installation.python()
  yield installation.versions()
  yield installation.processor()
  yield network.free_ports()
  yield network.proxies()
  yield network.visitors()
  need = resources.Need() if config is None else need_of(config)
  yield resources.open_files_for(need)
  yield resources.disk_for(need)
  yield resources.memory_for(need)
  yield installation.rendering()


def need_of(config: RunConfig) -> resources.Need:
  """Returns what a run needs; makes its environment, to know how large a row is.

  Raises:
    UserError: the environment cannot be made, or the agent cannot act there.
  """
  # TensorFlow: seconds, which nobody waits for who asks about the machine alone.
  from qmle_acme.runs import disk, factory, memory

  builder = factory.make_builder(config, factory.make_spec(config))
  size = config.of_agent.replay_size
  return resources.Need(
    folder=config.run,
    actors=config.actors if config.layout == 'distributed' else 1,
    replay_bytes=memory.needed(builder.row_bytes, size, config.steps),
    disk_bytes=disk.needed(builder.row_bytes, size, config.steps),
  )
