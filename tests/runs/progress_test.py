"""What a person sees of a run, from a real replay server's own numbers."""

import io
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import reverb
import rich.console
import tensorflow as tf

from qmle_acme.replay import TABLE
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.progress import Progress, who_waits

CONFIG = RunConfig(run=pathlib.Path('runs/x'), env='bandit:bimodal', steps=2_000)


def serve(limiter: reverb.rate_limiters.RateLimiter) -> reverb.Server:
  table = reverb.Table(
    name=TABLE,
    sampler=reverb.selectors.Uniform(),
    remover=reverb.selectors.Fifo(),
    max_size=100,
    rate_limiter=limiter,
    signature=tf.TensorSpec([1], tf.float32),
  )
  return reverb.Server([table], port=None)


def insert(client: reverb.Client, count: int) -> None:
  with client.trajectory_writer(1) as writer:
    for _ in range(count):
      writer.append(np.ones(1, np.float32))
      writer.create_item(TABLE, 1.0, writer.history[-1])
      writer.flush()


def sample(client: reverb.Client, count: int) -> None:
  assert len(list(client.sample(TABLE, count))) == count


@pytest.fixture
def client() -> Iterator[reverb.Client]:
  """Of a server that holds 2 x inserts - samples between 10 and 30."""
  server = serve(reverb.rate_limiters.SampleToInsertRatio(2.0, 10, 10.0))
  yield server.localhost_client()
  server.stop()


def waits(client: reverb.Client) -> str:
  return who_waits(client.server_info()[TABLE].rate_limiter_info).value


def test_who_waits(client: reverb.Client) -> None:
  assert waits(client) == 'learner for the first transitions'
  insert(client, 15)
  sample(client, 1)  # 2 x 15 - 1 = 29
  assert waits(client) == 'actors for the learner'
  sample(client, 9)  # 20
  assert waits(client) == 'nobody'
  sample(client, 9)  # 11
  assert waits(client) == 'learner for the actors'


def test_nobody_waits_without_a_ratio() -> None:
  server = serve(reverb.rate_limiters.MinSize(1))
  client = server.localhost_client()
  insert(client, 2)
  sample(client, 50)

  assert waits(client) == 'nobody'
  server.stop()


def snapshot(actor_steps: int, learner_steps: int, **values: Any) -> dict[str, Any]:
  nothing: dict[str, Any] = {'recent_returns': [], 'last_evaluation': None}
  counts = {'actor_steps': actor_steps, 'learner_steps': learner_steps}
  return nothing | counts | values


def test_lines_where_there_is_no_terminal(client: reverb.Client) -> None:
  insert(client, 12)
  output = io.StringIO()
  progress = Progress(CONFIG, rich.console.Console(file=output, width=40))
  info = client.server_info()
  evaluation = {'actor_steps': 400, 'episode_return_mean': 0.75}

  assert progress.is_due()
  progress.update(snapshot(0, 0), info)
  assert not progress.is_due()
  time.sleep(0.2)
  progress.update(
    snapshot(500, 100, recent_returns=[1.0, 2.0], last_evaluation=evaluation), info
  )
  progress.close()

  first, second = output.getvalue().splitlines()
  assert first.startswith('steps 0 of 2,000 (0%)  actors 0 steps/s')
  assert 'left -  return -  greedy return -  replay 12' in first
  assert second.startswith('steps 500 of 2,000 (25%)  actors ')
  assert 'return 1.5 (last 2)  greedy return 0.8 at 400  replay 12  waits' in second
  rate = int(second.split('actors ')[1].split()[0])
  assert 0 < rate <= 2_500
  assert 'left 0:00:0' in second
  assert '\x1b' not in output.getvalue()


def test_no_line_is_shown_again_while_an_evaluation_takes_long(
  client: reverb.Client,
) -> None:
  output = io.StringIO()
  progress = Progress(CONFIG, rich.console.Console(file=output, width=400))
  for learner_steps in (7, 8, 8, 8):
    progress.update(snapshot(2_000, learner_steps), client.server_info())

  assert len(output.getvalue().splitlines()) == 2


def test_nothing_is_left_after_more_steps_than_were_asked_for(
  client: reverb.Client,
) -> None:
  output = io.StringIO()
  progress = Progress(CONFIG, rich.console.Console(file=output))
  progress.update(snapshot(1_000, 0), client.server_info())
  time.sleep(0.05)
  progress.update(snapshot(2_020, 0), client.server_info())

  last = output.getvalue().splitlines()[1]
  assert last.startswith('steps 2,020 of 2,000 (100%)  ')
  assert 'left the last evaluation' in last


def test_what_is_waited_for_is_said_once() -> None:
  output = io.StringIO()
  progress = Progress(CONFIG, rich.console.Console(file=output))
  for what in ('the nodes', 'the nodes', 'the learner'):
    progress.wait_for(what)

  assert output.getvalue() == 'waiting for the nodes\nwaiting for the learner\n'


def test_a_run_that_has_gone_back_to_a_checkpoint_has_no_rate_below_zero(
  client: reverb.Client,
) -> None:
  output = io.StringIO()
  progress = Progress(CONFIG, rich.console.Console(file=output, width=400))
  for steps in (0, 1_000, 500):
    progress.update(snapshot(steps, steps), client.server_info())
    time.sleep(0.05)

  *_, last = output.getvalue().splitlines()
  assert 'actors 0 steps/s  learner 0.0 steps/s  left -' in last


def test_table_in_a_terminal(client: reverb.Client) -> None:
  output = io.StringIO()
  console = rich.console.Console(file=output, force_terminal=True, width=100)
  progress = Progress(CONFIG, console)
  for steps in (100, 200):
    progress.update(snapshot(steps, 10), client.server_info())
  progress.close()

  text = output.getvalue()
  assert 'qmle on bandit:bimodal in runs/x' in text
  assert '200 of 2,000 (10%)' in text
  assert 'learner for the first transitions' in text
  assert '\x1b[' in text  # Drawn over the last one.
