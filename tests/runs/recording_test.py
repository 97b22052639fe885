"""The recorder: counts, records that survive a kill, TensorBoard's events."""

import json
import math
import pathlib
import subprocess
import sys
import threading

import pytest
from acme.utils import counting
from tensorboard.backend.event_processing import event_accumulator

from qmle_acme.errors import UserError
from qmle_acme.files import append_line
from qmle_acme.runs import episodes
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.records import read_records
from qmle_acme.runs.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> RunFolder:
  return RunFolder(tmp_path)


@pytest.fixture
def recorder(folder: RunFolder) -> Recorder:
  return Recorder(str(folder.path))


def read_events(folder: RunFolder) -> dict[str, list[tuple[int, float]]]:
  """Returns (step, value) of every scalar that TensorBoard finds, by tag."""
  accumulator = event_accumulator.EventAccumulator(
    str(folder.tensorboard), {event_accumulator.SCALARS: 0}
  )
  accumulator.Reload()
  return {
    tag: [(event.step, event.value) for event in accumulator.Scalars(tag)]
    for tag in accumulator.Tags()['scalars']
  }


def test_is_the_parent_of_acme_counters(recorder: Recorder) -> None:
  actors = [counting.Counter(recorder, 'actor', time_delta=0.0) for _ in range(2)]
  learner = counting.Counter(recorder, 'learner', time_delta=0.0)

  actors[0].increment(steps=20)
  actors[1].increment(steps=5)
  counts = learner.increment(steps=3)

  assert (counts['actor_steps'], counts['learner_steps']) == (25, 3)
  assert recorder.get_counts()['actor_steps'] == 25
  assert counts['wall_seconds'] >= 0.0


def test_evaluations_have_one_schema(folder: RunFolder, recorder: Recorder) -> None:
  assert recorder.last_evaluation() is None
  recorder.increment(actor_steps=40, learner_steps=7)
  counts = recorder.get_counts()
  recorder.increment(actor_steps=60)

  recorder.record_evaluation(counts | {'learner_done': 1}, [1.0, 2.0])

  (line,) = folder.evaluations.read_text().splitlines()
  assert list(json.loads(line).items()) == [
    ('actor_steps', 40),
    ('learner_steps', 7),
    ('wall_seconds', counts['wall_seconds']),
    ('episode_return_mean', 1.5),
    ('episode_returns', [1.0, 2.0]),
  ]
  assert recorder.last_evaluation() == json.loads(line)


def test_metrics_are_stamped(folder: RunFolder, recorder: Recorder) -> None:
  recorder.increment(actor_steps=40, learner_steps=7)

  recorder.record_metrics('learner', {'q_loss': 0.5})
  recorder.record_metrics('actor', {'episode_return': 3.0, 'episode_length': 10})

  learner, actor = read_records(folder.metrics)
  assert learner.pop('wall_seconds') >= 0.0
  assert learner == {
    'source': 'learner',
    'actor_steps': 40,
    'learner_steps': 7,
    'q_loss': 0.5,
  }
  assert (actor['source'], actor['episode_return']) == ('actor', 3.0)


def test_snapshot_shows_recent_returns_and_the_newest_evaluation(
  recorder: Recorder,
) -> None:
  for episode in range(12):
    recorder.record_metrics('actor', {'episode_return': float(episode)})
  recorder.record_evaluation({'actor_steps': 3}, [5.0])
  recorder.increment(actor_steps=9)

  snapshot = recorder.snapshot()

  assert snapshot['recent_returns'] == [float(episode) for episode in range(2, 12)]
  assert snapshot['last_evaluation']['episode_return_mean'] == 5.0
  assert snapshot['actor_steps'] == 9


def test_snapshot_says_what_is_saved(recorder: Recorder) -> None:
  assert recorder.snapshot()['saved_steps'] == 0
  recorder.restore({'actor_steps': 20})
  recorder.increment(actor_steps=15)
  assert recorder.snapshot()['saved_steps'] == 20
  recorder.note_checkpoint(30)

  assert recorder.snapshot()['saved_steps'] == 30
  assert 'saved_steps' not in recorder.get_counts()


def test_restore_drops_what_came_after_the_checkpoint_and_half_a_line(
  folder: RunFolder, recorder: Recorder
) -> None:
  for _ in range(3):
    recorder.increment(actor_steps=10, learner_steps=2)
    recorder.record_metrics('learner', {'q_loss': 0.5})
    recorder.record_evaluation(recorder.get_counts(), [1.0])
    if recorder.get_counts()['actor_steps'] == 20:
      checkpoint = recorder.get_counts() | {'wall_seconds': 100.0}
  for path in (folder.metrics, folder.evaluations):  # As kill -9 may leave it.
    path.write_text(path.read_text() + '{"actor_steps": 20, "lear')

  resumed = Recorder(str(folder.path))
  resumed.restore(checkpoint)
  resumed.increment(actor_steps=5)
  resumed.record_evaluation(resumed.get_counts(), [2.0])
  resumed.record_metrics('learner', {'q_loss': 0.4})

  last = resumed.last_evaluation()
  assert last is not None and last['episode_returns'] == [2.0]
  assert resumed.resumed_at() == 20
  evaluations = [json.loads(x) for x in folder.evaluations.read_text().splitlines()]
  metrics = [json.loads(x) for x in folder.metrics.read_text().splitlines()]
  assert [record['actor_steps'] for record in evaluations] == [10, 20, 25]
  assert [record['actor_steps'] for record in metrics] == [10, 20, 25]
  assert 100.0 <= evaluations[-1]['wall_seconds'] < 110.0


@pytest.mark.parametrize('bad', [b'{"actor_steps": 1', b'[1]', b'\xff'])
def test_damaged_line_is_named(folder: RunFolder, bad: bytes) -> None:
  folder.metrics.write_bytes(b'{"actor_steps": 0}\n' + bad + b'\n{"actor_steps": 2}\n')

  with pytest.raises(UserError) as caught:
    read_records(folder.metrics)

  assert str(caught.value).startswith(f'cannot read {folder.metrics}, line 2: ')
  assert '\n' not in str(caught.value)


def test_record_that_lacks_what_is_needed_is_named(folder: RunFolder) -> None:
  folder.metrics.write_text('{"source": "a", "actor_steps": 0}\n{"source": "a"}\n')

  message = f'^cannot read {folder.metrics}, line 2: it lacks actor_steps$'
  with pytest.raises(UserError, match=message):
    read_records(folder.metrics, 'source', 'actor_steps')


def test_resumed_recorder_knows_the_newest_evaluation_that_is_left(
  folder: RunFolder, recorder: Recorder
) -> None:
  for steps in (0, 10, 20):
    recorder.record_evaluation({'actor_steps': steps}, [float(steps)])

  resumed = Recorder(str(folder.path))
  resumed.restore({'actor_steps': 15})

  last = resumed.last_evaluation()
  assert last is not None and last['actor_steps'] == 10


def test_without_a_checkpoint_the_records_start_anew(
  folder: RunFolder, recorder: Recorder
) -> None:
  recorder.increment(actor_steps=10)
  recorder.record_evaluation(recorder.get_counts(), [1.0])

  resumed = Recorder(str(folder.path))
  resumed.restore({})

  assert resumed.last_evaluation() is None
  assert read_records(folder.evaluations) == []
  assert resumed.get_counts()['wall_seconds'] < 10.0


def test_records_of_many_callers_stay_whole(
  folder: RunFolder, recorder: Recorder
) -> None:
  def work() -> None:
    for _ in range(50):
      recorder.increment(actor_steps=1)
      recorder.record_metrics('learner', {'q_loss': 1.0})

  threads = [threading.Thread(target=work) for _ in range(4)]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join()

  assert recorder.get_counts()['actor_steps'] == 200
  records = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
  assert len(records) == 200
  steps = [record['actor_steps'] for record in records]
  assert steps == sorted(steps)


def test_tensorboard_reads_the_events(folder: RunFolder, recorder: Recorder) -> None:
  for _ in range(2):
    recorder.increment(actor_steps=10, learner_steps=4)
    recorder.record_metrics('learner', {'q_loss': 0.5, 'winner/cache': 0.25})
  recorder.record_evaluation(recorder.get_counts(), [1.0, 2.0])
  recorder.flush()

  events = read_events(folder)

  assert events['learner/q_loss'] == [(10, 0.5), (20, 0.5)]
  assert events['learner/winner/cache'] == [(10, 0.25), (20, 0.25)]
  assert events['evaluation/episode_return_mean'] == [(20, 1.5)]
  assert events['evaluation/learner_steps'] == [(20, 8.0)]


def test_short_episodes_are_joined_by_time(
  folder: RunFolder, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
  now = 100.0
  monkeypatch.setattr(episodes.time, 'monotonic', lambda: now)
  for value in range(12):  # At 100.0, 100.125 and so on.
    recorder.record_metrics('actor', {'episode_return': float(value)})
    now += 0.125
  recorder.record_metrics('learner', {'q_loss': 0.5})  # Which is not thinned.
  recorder.record_metrics('learner', {'q_loss': 0.25})
  recorder.flush()
  recorder.flush()

  records = read_records(folder.metrics)
  joined = [r for r in records if r['source'] == 'actor']
  assert [r['episodes'] for r in joined] == [1, 8, 3]
  assert [r['episode_return'] for r in joined] == [0.0, 4.5, 10.0]
  assert len(records) == 5
  assert recorder.snapshot()['recent_returns'] == [float(v) for v in range(2, 12)]


def test_every_line_is_json_for_everybody(
  folder: RunFolder, recorder: Recorder
) -> None:
  def refuse(constant: str) -> None:
    raise AssertionError(f'{constant} is not JSON')

  recorder.record_metrics('learner', {'q_loss': math.nan, 'td_error': math.inf})
  recorder.record_evaluation({'actor_steps': 3}, [1.0, -math.inf])

  for path in (folder.metrics, folder.evaluations):
    (line,) = path.read_text().splitlines()
    json.loads(line, parse_constant=refuse)
  (metrics,) = read_records(folder.metrics)
  assert (metrics['q_loss'], metrics['td_error']) == (None, None)
  (evaluation,) = read_records(folder.evaluations)
  assert evaluation['episode_returns'] == [1.0, None]


def test_line_is_written_whole_or_not_at_all(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'lines'
  append_line(path, 'first')
  code = f"""
import pathlib, resource, signal
from qmle_acme.files import append_line
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
append_line(pathlib.Path({str(path)!r}), 'second')
"""
  result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)

  assert result.returncode == 1
  assert 'No space left on device' in result.stderr
  assert path.read_text() == 'first\n'
