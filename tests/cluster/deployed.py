"""A run whose nodes an engine has placed, as tests see it: by its folder."""

import pathlib
import subprocess
import time
from collections.abc import Callable
from typing import Any

import yaml
from small_runs import QMLE

from qmle_acme.cluster import places
from qmle_acme.files import read_json
from qmle_acme.launch import cluster
from qmle_acme.runs.config import RunConfig, load_yaml, to_dict
from qmle_acme.runs.records import read_records
from qmle_acme.runs.run_folder import RunFolder

IMAGE = 'qmle-acme'
# For what takes a tenth of it on a machine that does nothing else.
PATIENCE_SECONDS = 420.0
# More than any test waits for: the end is set once all has been seen.
_ENDLESS = 10_000_000


class Deployment:
  """The files of `qmle cluster` for a small run, and its folder.

  One of its nodes takes the arg max.

  Attributes:
    out: where the files are.
    folder: of the run, on this machine.
    actors: how many there are.
  """

  def __init__(
    self,
    engine: str,
    root: pathlib.Path,
    run: pathlib.Path,
    *more: str,
    actors: int = 2,
  ):
    """Writes the files.

    Args:
      engine: for which.
      root: for the files.
      run: folder of the run.
      more: arguments of `qmle cluster`.
      actors: how many there are.
    """
    self.out, self.folder, self.actors = root / 'deploy', RunFolder(run), actors
    overlay = root / 'small.yaml'
    overlay.write_text(small_settings())
    arguments = (
      f'--config {overlay} --env control:cartpole:swingup '
      f'--actors {actors} --argmax-nodes 1 '
      f'--steps {_ENDLESS} --evaluation-period 1000000 --evaluation-episodes 1 '
      f'--checkpoint-minutes 0.1 --out {self.out}'
    )
    assert cluster.main([engine, *arguments.split(), *more]) == 0

  def set_end(self, steps: int) -> None:
    """Has the run end after so many steps, from its next start on."""
    settings = self.out / 'settings.yaml'
    settings.write_text(yaml.safe_dump(load_yaml(settings) | {'steps': steps}))

  def status(self) -> dict[str, Any]:
    """Returns the status, which is empty before the first one."""
    return self.folder.read_status()

  def steps(self) -> int:
    """Returns the steps that the run has taken."""
    return int(self.status().get('actor_steps', 0))

  def wait_until(self, condition: Callable[[], bool], what: str) -> None:
    """Waits for a condition, which must come true while the run has not failed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
      assert self.status().get('state') != 'failed', f'{what}: {self.status()}'
      assert time.monotonic() < deadline, f'{what}: {self.status()}'
      time.sleep(1.0)

  def generation(self) -> int:
    """Returns the oldest generation of the nodes that the run has now."""
    journals = [
      read_json(path)
      for path in self.folder.path.glob('nodes/*.json')
      if path.stem != places.MAIN
    ]
    return min(journal['generation'] for journal in journals)

  def wait_for_progress(self, what: str, steps: int = 200, generation: int = 1) -> None:
    """Waits until so many steps have been seen to be taken, whatever the count was.

    Args:
      what: is waited for.
      steps: to be taken.
      generation: of the nodes that are to take them.
    """
    self.wait_until(lambda: self.generation() >= generation, what)
    last, seen = self.steps(), 0

    def has_moved() -> bool:
      nonlocal last, seen
      before, last = last, self.steps()
      seen += max(last - before, 0)
      return seen >= steps

    self.wait_until(has_moved, what)

  def assert_whole(self, steps: int) -> None:
    """Asserts that the run has reached its steps and left all that a run leaves."""
    status = self.status()
    assert (status['state'], status['error']) == ('finished', None)
    assert steps <= status['actor_steps'] <= steps + self.actors * 20
    last = read_records(self.folder.evaluations)[-1]
    assert last['actor_steps'] == status['actor_steps'] == status['saved_steps']
    metrics = read_records(self.folder.metrics)
    assert any(record.get('argmax_by_nodes', 0.0) > 0.0 for record in metrics)
    logs = {path.stem for path in self.folder.logs.iterdir()}
    singles = ('counter', 'replay', 'learner', 'argmax', 'evaluator')
    actors = {f'actor-{index}' for index in range(self.actors)}
    assert {'main', *(f'{role}-0' for role in singles), *actors} <= logs
    assert any(self.folder.learner_checkpoints.iterdir())
    assert any(self.folder.replay_checkpoints.iterdir())

  def show_logs(self) -> None:
    """Prints the end of each log, for who reads why a test failed."""
    for log in sorted(self.folder.logs.glob('*.log')):
      print(f'--- {log.name}\n{log.read_text(errors="replace")[-2000:]}')


def small_settings() -> str:
  """Returns the settings of a small agent, as a file of `--config` has them."""
  settings = to_dict(RunConfig(run=pathlib.Path('x'), qmle=QMLE))
  return yaml.safe_dump({'qmle': settings['qmle']})


def output_of(*command: str) -> str:
  """Returns what a command prints; it has to succeed."""
  result = subprocess.run(command, capture_output=True, text=True)
  assert result.returncode == 0, f'{command}: {result.stdout}{result.stderr}'
  return result.stdout.strip()
