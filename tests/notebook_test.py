"""Training in a notebook: its kernel, what its cells show, and its button Interrupt."""

import asyncio
import contextlib
import json
import pathlib
import re
from collections.abc import AsyncIterator, Callable

import jupyter_client
import nbclient
import pytest
from nbformat import v4

from qmle_acme.runs.run_folder import RunFolder

pytestmark = pytest.mark.slow
_DOCS = pathlib.Path(__file__).parents[1] / 'docs' / 'python.md'
_SECONDS = 240
# More steps than there is patience for: it has to be interrupted.
_TRAIN = """
import arm
import qmle_acme


class Print(qmle_acme.Callback):
  def on_evaluation(self, evaluation):
    print('evaluated after', evaluation.actor_steps)


def train(steps):
  return qmle_acme.train(
    arm.make,
    'run',
    steps=steps,
    config=qmle_acme.QMLEConfig(
      min_replay_size=100, batch_size=16, m_target=8, m_greedy=16, hidden_size=16
    ),
    callbacks=[Print()],
    layout='{layout}',
    evaluation_period=300,
    evaluation_episodes=2,
  )


result = train(10_000_000)
result.status
"""
_LEFT = """
import psutil
psutil.Process().children(recursive=True)
"""
_GO_ON = """
result = train(result.steps + 300)
result.status
"""
_ACT = """
policy = qmle_acme.load_policy(result.folder)
observation, _ = arm.make(0).reset(seed=0)
arm.Arm.action_space.contains(policy(observation)), policy.step == result.steps
"""


class Notebook:
  """A kernel, and the cells that it has run."""

  def __init__(self, folder: pathlib.Path):
    self._client = nbclient.NotebookClient(
      v4.new_notebook(),
      timeout=_SECONDS,
      kernel_name='python3',
      resources={'metadata': {'path': str(folder)}},
    )

  @contextlib.asynccontextmanager
  async def open(self) -> AsyncIterator['Notebook']:
    async with self._client.async_setup_kernel():
      yield self

  async def run(self, source: str) -> tuple[str, str]:
    """Returns what a cell has printed and displayed, and its value."""
    cell = v4.new_code_cell(source)
    self._client.nb.cells.append(cell)
    await self._client.async_execute_cell(cell, len(self._client.nb.cells) - 1)
    shown, value = '', ''
    for output in cell.outputs:
      if output.output_type == 'execute_result':
        value = output.data['text/plain']
      else:
        shown += output.get('text') or output.data['text/plain']
    return shown, value

  async def interrupt(self) -> None:
    assert isinstance(self._client.km, jupyter_client.AsyncKernelManager)
    await self._client.km.interrupt_kernel()


async def until(condition: Callable[[], bool]) -> None:
  for _ in range(_SECONDS * 10):
    if condition():
      return
    await asyncio.sleep(0.1)
  raise TimeoutError


async def train_in(folder: pathlib.Path, layout: str) -> None:
  run = RunFolder(folder / 'run')

  def is_learning() -> bool:
    with contextlib.suppress(OSError, json.JSONDecodeError):
      steps = json.loads(run.status.read_text())['learner_steps']
      return steps > 0 and run.evaluations.exists()
    return False

  async with Notebook(folder).open() as notebook:
    cell = asyncio.create_task(notebook.run(_TRAIN.format(layout=layout)))
    await until(lambda: is_learning() or cell.done())
    await notebook.interrupt()
    shown, value = await cell
    assert value == "'stopped'", shown
    assert f'starting: qmle on python:arm:make in {run.path}' in shown
    assert 'evaluated after ' in shown and 'steps saved in' in shown
    saved = json.loads(run.status.read_text())['saved_steps']
    assert saved > 0
    assert await notebook.run(_LEFT) == ('', '[]')

    shown, value = await notebook.run(_GO_ON)
    assert value == "'finished'", shown
    assert f'resuming from {saved:,} steps' in shown

    assert await notebook.run(_ACT) == ('', '(True, True)')


@pytest.mark.parametrize('layout', ['local', 'distributed'])
def test_a_run_is_interrupted_and_the_kernel_lives_on(
  layout: str, tmp_path: pathlib.Path
) -> None:
  arm, *_ = re.findall(r'```python\n(""".*?)```', _DOCS.read_text(), re.S)
  (tmp_path / 'arm.py').write_text(arm)

  asyncio.run(train_in(tmp_path, layout))
