"""Checkpoints: what goes on from one is what would have gone on without it."""

import itertools
import pathlib
from collections.abc import Iterator, Sequence

import acme
import numpy as np
import pytest
import reverb
import small_runs
import tensorflow as tf
from acme.utils import loggers
from reverb.platform.checkpointers_lib import DefaultCheckpointer

from qmle_acme.agents import TFLearner
from qmle_acme.errors import UserError
from qmle_acme.runs import checkpointing, evaluation, factory
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.replay import TABLE
from qmle_acme.types import Sample

TRANSITIONS = 40


class Parts:
  """Replay, recorder, learner and checkpointer of a run in one process."""

  def __init__(self, folder: RunFolder, samples: Iterator[Sample] | None = None):
    config = small_runs.make_config(folder.path)
    builder = factory.make_builder(config, factory.make_spec(config))
    self.builder = builder
    self.config = config
    self.server = reverb.Server(
      builder.make_tables(reverb.rate_limiters.MinSize(1)),
      port=None,
      checkpointer=DefaultCheckpointer(str(folder.replay_checkpoints)),
    )
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


def test_only_the_newest_checkpoint_is_kept(folder: RunFolder) -> None:
  parts = Parts(folder)
  parts.act(TRANSITIONS)
  for steps in (1, 2, 2):  # Twice at the same step, as at a stop after a checkpoint.
    parts.learner.state['steps'].assign(steps)
    parts.recorder.increment(actor_steps=10)
    parts.checkpointer.save()

  indices = [path.name for path in folder.learner_checkpoints.glob('*.index')]
  assert indices == ['ckpt-2.index']
  assert len(list(folder.replay_checkpoints.iterdir())) == 1
  assert checkpointing.read_counts(folder)['actor_steps'] == 30
  parts.server.stop()


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
  (replay,) = folder.replay_checkpoints.iterdir()
  cut_short = folder.replay_checkpoints / 'new'
  cut_short.mkdir()
  (cut_short / 'chunks.tfrecord').touch()
  monkeypatch.setattr(parts.client, 'checkpoint', kill)
  parts.recorder.increment(actor_steps=50)
  with pytest.raises(SystemExit):
    parts.checkpointer.save()
  parts.server.stop()

  assert checkpointing.is_replay_behind(folder)
  assert checkpointing.read_counts(folder)['actor_steps'] == 50
  checkpointing.forget_unfinished_replay(folder)
  assert list(folder.replay_checkpoints.iterdir()) == [replay]


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
    evaluation.load_greedy_actor(folder, seed=0)

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
  greedy = parts.builder.make_actor(parts.learner, None, seed=7)

  # No seed of the learner's.
  loaded, counts = evaluation.load_greedy_actor(folder, seed=7)

  assert counts['actor_steps'] == 7

  observation = np.ones(1, np.float32)
  for _ in range(3):
    np.testing.assert_allclose(
      loaded.select_action(observation), greedy.select_action(observation), atol=1e-5
    )
  parts.server.stop()
