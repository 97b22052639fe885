"""Checkpoints: what goes on from one is what would have gone on without it."""

import gc
import itertools
import pathlib
import re
import shutil
from collections.abc import Callable, Iterator, Sequence

import acme
import numpy as np
import pytest
import reverb
import small_runs
import tensorflow as tf
import yaml
from acme.utils import loggers

from qmle_acme.agents import TFLearner
from qmle_acme.errors import UserError
from qmle_acme.policy import load_policy
from qmle_acme.replay import TABLE
from qmle_acme.runs import checkpointing, factory, replay_checkpoints
from qmle_acme.runs.checkpoint_store import CheckpointStore
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.types import Sample

TRANSITIONS = 40


class Parts:
  """Replay, recorder, learner and checkpointer of a run in one process."""

  def __init__(
    self,
    folder: RunFolder,
    samples: Iterator[Sample] | None = None,
    limiter: reverb.rate_limiters.RateLimiter | None = None,
  ):
    config = small_runs.make_config(folder.path)
    builder = factory.make_builder(config, factory.make_spec(config))
    self.builder = builder
    self.config = config
    (table,) = builder.make_tables(limiter or reverb.rate_limiters.MinSize(1))
    saver = replay_checkpoints.make_checkpointer(folder, table)
    self.server = reverb.Server([table], port=None, checkpointer=saver)
    self.client = self.server.localhost_client()
    self.address = self.client.server_address
    self.recorder = Recorder(str(folder.path))
    if samples is None:
      samples = iter(builder.make_dataset(self.address))
    self.learner = builder.make_learner(samples, self.address, 3, lambda _: None)
    self.checkpointer = checkpointing.Checkpointer(
      folder, self.learner, self.recorder, self.client, minutes=1e-9
    )

  def act(self, episodes: int) -> None:
    """Fills replay."""
    actor = self.builder.make_actor(self.learner, self.client, seed=5)
    environment = factory.make_environment(self.config, seed=5)
    loop = acme.EnvironmentLoop(environment, actor, logger=loggers.NoOpLogger())
    for _ in range(episodes):
      loop.run_episode()

  def learn(self, steps: int) -> None:
    for _ in range(steps):
      self.learner.step()
      self.recorder.increment(learner_steps=1)

  @property
  def replay_size(self) -> int:
    return self.client.server_info()[TABLE].current_size


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> RunFolder:
  folder = RunFolder(tmp_path / 'run')
  config = small_runs.make_config(folder.path)
  with folder.open(config):
    folder.write_config(config)
  return folder


def variables(learner: TFLearner) -> list[np.ndarray]:
  """Returns everything that a learner step reads or writes, but for the cache."""
  state = learner.state
  modules = [state[name] for name in ('network', 'target_network', 'optimizer')]
  return [variable.numpy() for module in modules for variable in module.variables] + [
    state['steps'].numpy(),
    state['max_priority'].numpy(),
  ]


def assert_equal(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> None:
  assert len(left) == len(right)
  for a, b in zip(left, right, strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_resumed_learner_takes_the_steps_that_the_other_would_have_taken(
  folder: RunFolder,
) -> None:
  first = Parts(folder)
  first.act(TRANSITIONS)
  first.recorder.increment(actor_steps=TRANSITIONS)
  samples = list(
    itertools.islice(first.builder.make_dataset(first.address).as_numpy_iterator(), 50)
  )
  to_tensors = [tf.nest.map_structure(tf.constant, sample) for sample in samples]
  first.learner = first.builder.make_learner(
    iter(to_tensors), first.address, 3, lambda _: None
  )
  first.checkpointer = checkpointing.Checkpointer(
    folder, first.learner, first.recorder, first.client, minutes=1e-9
  )
  first.learn(25)  # Past a copy to the target network.
  first.checkpointer.save_if_due()
  at_checkpoint = variables(first.learner)
  first.learn(25)
  first.server.stop()

  second = Parts(folder, iter(to_tensors[25:]))
  assert second.learner.steps == 0
  second.checkpointer.restore()

  counts = second.recorder.get_counts()
  assert (counts['actor_steps'], counts['learner_steps']) == (TRANSITIONS, 25)
  assert second.recorder.resumed_at() == TRANSITIONS
  assert second.learner.steps == 25
  assert second.replay_size == TRANSITIONS
  keys = tf.concat([sample.keys for sample in to_tensors[:25]], axis=0)
  cache = second.learner.state['cache']
  assert len(cache) == len(set(keys.numpy().tolist())) > 30
  second.learn(25)
  assert_equal(variables(second.learner), variables(first.learner))
  assert not np.allclose(variables(second.learner)[0], at_checkpoint[0], atol=1e-6)
  nowhere = tf.fill([len(keys), 2], 9.0)
  best, is_hit = cache.lookup(keys, nowhere)
  assert is_hit.numpy().all()
  expected, _ = first.learner.state['cache'].lookup(keys, nowhere)
  assert_equal([best], [expected])
  second.server.stop()


def numbers(folder: RunFolder) -> tuple[list[int], list[int]]:
  """Returns the numbers of the checkpoints of learner and replay."""
  learners = CheckpointStore(folder.learner_checkpoints).numbers()
  return learners, replay_checkpoints.store(folder).numbers()


def test_the_newest_two_checkpoints_are_kept(folder: RunFolder) -> None:
  parts = Parts(folder)
  parts.act(TRANSITIONS)
  for steps in (1, 2, 2):  # Twice at the same step, as at a stop after a checkpoint.
    parts.learner.state['steps'].assign(steps)
    parts.recorder.increment(actor_steps=10)
    parts.checkpointer.save()

  assert numbers(folder) == ([2, 3], [2, 3])
  assert not list(folder.replay_checkpoints.glob('writing/*'))
  assert not list(folder.learner_checkpoints.glob('writing/*'))
  assert checkpointing.read_counts(folder)['actor_steps'] == 30
  parts.server.stop()
  again = Parts(folder)  # Its numbers go on.
  again.checkpointer.save()
  assert numbers(folder) == ([3, 4], [3, 4])
  again.server.stop()


def test_counts_are_those_of_the_saved_learner_and_no_others(folder: RunFolder) -> None:
  parts = Parts(folder)
  parts.act(1)
  parts.recorder.increment(actor_steps=40, learner_steps=5, actor_0_done=1)
  parts.learner.state['steps'].assign(7)  # Of which it has reported five so far.

  parts.checkpointer.save()

  counts = checkpointing.read_counts(folder)
  assert counts.pop('wall_seconds') > 0.0
  assert counts == {'actor_steps': 40, 'learner_steps': 7}
  parts.server.stop()


def test_kill_in_the_middle_leaves_the_new_learner_with_the_old_replay(
  folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
  def kill() -> None:
    raise SystemExit

  assert not checkpointing.is_replay_behind(folder)
  parts = Parts(folder)
  parts.act(1)
  parts.checkpointer.save()
  assert not checkpointing.is_replay_behind(folder)
  parts.act(3)
  monkeypatch.setattr(parts.client, 'checkpoint', kill)
  parts.recorder.increment(actor_steps=50)
  with pytest.raises(SystemExit):
    parts.checkpointer.save()
  parts.server.stop()
  cut_short = folder.replay_checkpoints / 'writing' / 'new'
  cut_short.mkdir()
  (cut_short / 'chunks.tfrecord').touch()

  assert checkpointing.is_replay_behind(folder)
  assert checkpointing.read_counts(folder)['actor_steps'] == 50
  assert checkpointing.forget_damaged(folder) == []
  assert numbers(folder) == ([1, 2], [1])
  assert not cut_short.exists()
  again = Parts(folder)
  assert again.replay_size == 1
  again.server.stop()


def test_recorder_knows_what_is_saved(folder: RunFolder) -> None:
  parts = Parts(folder)
  parts.act(1)
  parts.recorder.increment(actor_steps=40)
  parts.checkpointer.save()
  parts.recorder.increment(actor_steps=10)
  parts.server.stop()

  assert parts.recorder.snapshot()['saved_steps'] == 40


def test_without_a_checkpoint(folder: RunFolder) -> None:
  assert checkpointing.read_counts(folder) == {}
  with pytest.raises(UserError, match='has no checkpoint yet: train first'):
    load_policy(folder.path)

  parts = Parts(folder)
  before = variables(parts.learner)
  parts.checkpointer.restore()
  assert parts.recorder.resumed_at() == 0
  assert_equal(variables(parts.learner), before)
  parts.server.stop()


def test_greedy_actor_has_the_network_of_the_checkpoint(folder: RunFolder) -> None:
  parts = Parts(folder)
  parts.act(1)
  parts.recorder.increment(actor_steps=7)
  parts.checkpointer.save()

  # No seed of the learner's.
  loaded = load_policy(folder.path, seed=7)

  assert (loaded.step, loaded.learner_step) == (7, parts.learner.steps)

  saved = parts.learner.state['network'].variables
  for new, old in zip(loaded.network.variables, saved, strict=True):
    np.testing.assert_array_equal(new, old)
  parts.server.stop()


def flip(path: pathlib.Path) -> None:
  data = bytearray(path.read_bytes())
  data[len(data) // 2] ^= 1
  path.write_bytes(data)


def cut(path: pathlib.Path) -> None:
  path.write_bytes(path.read_bytes()[:-7])


@pytest.fixture(scope='module')
def saved_twice(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
  """A run with two checkpoints: 10 steps and 5 rows, then 20 steps and 9 rows.

  Its path has all that TensorFlow takes for a pattern.
  """
  folder = RunFolder(tmp_path_factory.mktemp('sweep[lr=0.1]*?{a,b}') / 'run')
  config = small_runs.make_config(folder.path)
  with folder.open(config):
    folder.write_config(config)
  parts = Parts(folder)
  for episodes in (5, 4):
    parts.act(episodes)
    parts.recorder.increment(actor_steps=10)
    parts.learner.state['max_priority'].assign_add(1.0)
    parts.checkpointer.save()
  parts.server.stop()
  return folder


@pytest.fixture
def twice(saved_twice: RunFolder, tmp_path: pathlib.Path) -> RunFolder:
  """A copy of it, to be damaged."""
  path = tmp_path / 'sweep[lr=0.1]*?{a,b}'
  return RunFolder(shutil.copytree(saved_twice.path, path))


def resumed(folder: RunFolder) -> tuple[int, float, int]:
  """Returns the steps, the highest priority and the rows that a run goes on from."""
  parts = Parts(folder)
  parts.checkpointer.restore()
  found = (
    parts.recorder.resumed_at(),
    float(parts.learner.state['max_priority']),
    parts.replay_size,
  )
  parts.server.stop()
  return found


def test_a_checkpoint_that_is_gone_is_told(twice: RunFolder) -> None:
  twice.write_status('stopped', {'saved_steps': 20}, error=None)
  shutil.rmtree(twice.learner_checkpoints)
  where = re.escape(str(twice.learner_checkpoints))
  with pytest.raises(UserError, match=f'of 20 steps is not in {where}: put it back$'):
    load_policy(twice.path)


def test_any_character_may_stand_in_a_path(twice: RunFolder) -> None:
  assert resumed(twice) == (20, 3.0, 9)
  assert load_policy(twice.path).step == 20


@pytest.mark.parametrize('damage', [flip, cut])
def test_damaged_learner_is_said_and_both_go_on_from_the_one_before(
  twice: RunFolder,
  damage: Callable[[pathlib.Path], None],
  capsys: pytest.CaptureFixture[str],
) -> None:
  path = twice.learner_checkpoints / '2' / 'learner.data-00000-of-00001'
  damage(path)

  assert load_policy(twice.path).step == 10
  fallback = f'{path} is not what was written: the checkpoint before it is used\n'
  assert fallback in capsys.readouterr().err
  assert checkpointing.read_resumed_counts(twice)['actor_steps'] == 10
  (line,) = checkpointing.forget_damaged(twice)
  assert line == f'{path} is not what was written: the checkpoint before it is used'
  assert resumed(twice) == (10, 2.0, 5)


@pytest.mark.parametrize('damage', [flip, cut])
def test_damaged_replay_is_said_and_the_one_before_is_used(
  twice: RunFolder, damage: Callable[[pathlib.Path], None]
) -> None:
  path = twice.replay_checkpoints / '2' / 'chunks.tfrecord'
  damage(path)

  assert checkpointing.read_resumed_counts(twice)['actor_steps'] == 20
  (line,) = checkpointing.forget_damaged(twice)
  assert line == f'{path} is not what was written: the checkpoint before it is used'
  assert resumed(twice) == (20, 3.0, 5)


def test_damage_of_all_is_refused_and_changes_nothing(twice: RunFolder) -> None:
  for number in '12':
    cut(twice.replay_checkpoints / number / 'chunks.tfrecord')
  with pytest.raises(UserError, match='to go on with an empty replay') as caught:
    checkpointing.read_resumed_counts(twice)
  assert str(twice.replay_checkpoints / '2' / 'chunks.tfrecord') in str(caught.value)
  for number in '12':
    cut(twice.learner_checkpoints / number / 'learner.index')
  with pytest.raises(UserError, match='no checkpoint is whole: ') as caught:
    checkpointing.read_resumed_counts(twice)
  assert '\n' not in str(caught.value)
  assert numbers(twice) == ([1, 2], [1, 2])


def test_network_that_the_checkpoint_lacks_a_part_of_is_refused(
  twice: RunFolder, caplog: pytest.LogCaptureFixture
) -> None:
  tf.get_logger().addHandler(caplog.handler)
  settings = twice.read_settings()
  given = settings['qmle']['predictors']
  given[0].update(family='mixture', noise=None, components=2)
  twice.config.write_text(yaml.safe_dump(settings))
  with pytest.raises(UserError, match='is no checkpoint of such an agent: ') as other:
    load_policy(twice.path)
  given[0] = dict(given[0], family='delta', components=None)
  for predictor in given:
    predictor['ratio'] /= 2
  given.append({'family': 'gaussian', 'ratio': 0.25})
  twice.config.write_text(yaml.safe_dump(settings))
  with pytest.raises(UserError, match=r'it lacks .*gaussian') as more:
    load_policy(twice.path)
  for caught in (other, more):
    assert str(twice.learner_checkpoints / '2') in str(caught.value)
    assert '\n' not in str(caught.value)
  del caught, other, more
  gc.collect()  # TensorFlow would tell it again then, a line for each variable.
  tf.get_logger().removeHandler(caplog.handler)
  assert caplog.records == []


def test_replay_goes_on_with_the_limits_of_the_layout(twice: RunFolder) -> None:
  limiter = reverb.rate_limiters.SampleToInsertRatio(2.0, 3, error_buffer=50.0)
  parts = Parts(twice, limiter=limiter)

  info = parts.client.server_info()[TABLE].rate_limiter_info
  assert (info.samples_per_insert, info.min_size_to_sample) == (2.0, 3)
  assert (info.min_diff, info.max_diff) == (-44.0, 56.0)
  assert (info.insert_stats.completed, parts.replay_size) == (9, 9)
  parts.checkpointer.save()
  parts.server.stop()
  left = {path.name for path in twice.replay_checkpoints.iterdir()}
  assert left == {'2', '3', 'writing'}
  assert not any(path.is_symlink() for path in twice.path.rglob('*'))


def test_full_disk_is_a_warning_while_there_is_a_checkpoint(
  small_disk: pathlib.Path, saved_twice: RunFolder
) -> None:
  folder = RunFolder(shutil.copytree(saved_twice.path, small_disk / 'run'))
  parts = Parts(folder)
  parts.checkpointer.restore()
  filler = small_runs.fill(small_disk)
  parts.recorder.increment(actor_steps=10)
  before = read_all(folder)

  parts.checkpointer.save_if_due()

  warning = 'cannot save the learner of 30 steps: No space left on device'
  assert parts.recorder.snapshot()['warning'] == warning
  with pytest.raises(checkpointing.NotSaved, match=warning):
    parts.checkpointer.save()
  with pytest.raises(Exception, match='No space left on device'):
    replay_checkpoints.save(folder, parts.client, 9, {})
  assert read_all(folder) == before
  filler.unlink()
  parts.checkpointer.save()
  assert parts.recorder.snapshot()['warning'] is None
  assert checkpointing.read_counts(folder)['actor_steps'] == 30
  parts.server.stop()


def read_all(folder: RunFolder) -> dict[pathlib.Path, bytes]:
  checkpoints = folder.learner_checkpoints.parent
  return {p: p.read_bytes() for p in checkpoints.rglob('*') if p.is_file()}
