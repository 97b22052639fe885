"""Videos that a run makes of itself."""

import contextlib
import pathlib
from typing import Any

import imageio.v2 as imageio
import pytest
import small_runs

from qmle_acme import environments
from qmle_acme.errors import UserError
from qmle_acme.runs import factory, videos
from qmle_acme.runs.evaluations import read_evaluations
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.run_folder import RunFolder


@pytest.fixture(autouse=True)
def can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setenv('PYTHONPATH', str(pathlib.Path(__file__).parent))


@pytest.mark.parametrize(
  'layout', ['local', pytest.param('distributed', marks=pytest.mark.slow)]
)
def test_a_run_makes_videos(layout: str, tmp_path: pathlib.Path) -> None:
  config = small_runs.make_config(
    tmp_path / 'run',
    env='python:drawn_environment:make',
    layout=layout,
    actors=1,
    steps=400,
    evaluation_period=100,
    render_every=200,
  )
  training = small_runs.train(config)
  found = videos.find(training.folder)
  evaluated = [e.actor_steps for e in read_evaluations(training.folder)]
  # The first evaluation that has passed each multiple of the period.
  due = [next(s for s in evaluated if s >= n) for n in (0, 200, 400)]
  assert list(found) == due
  reader: Any
  with imageio.get_reader(found[due[-1]]) as reader:
    assert reader.get_meta_data()['fps'] == pytest.approx(10.0)
    shades = [frame.mean() for frame in reader]
  assert shades == pytest.approx([40 * step for step in range(6)], abs=3)


def test_a_video_that_fails_ends_no_run(tmp_path: pathlib.Path) -> None:
  config = small_runs.make_config(
    tmp_path / 'run',
    env='python:drawn_environment:make_broken',
    steps=20,
    render_every=1,
  )
  training = small_runs.train(config)
  assert videos.find(training.folder) == {}
  shown = training.stdout.read_text()
  assert 'warning no video of step 0: `render` of the environment failed: ' in shown
  assert 'the pencil is broken' in shown


def test_what_draws_nothing_is_refused(tmp_path: pathlib.Path) -> None:
  config = small_runs.make_config(tmp_path / 'run', render_every=10)
  with pytest.raises(UserError, match='it has nothing to draw'):
    factory.make_spec(config)


@pytest.mark.parametrize(
  ('name', 'expected'),
  [
    ('control:cartpole:swingup', True),
    ('repeat:2:control:cartpole:swingup', True),
    ('restricted:0.5:control:cartpole:swingup', True),
    ('gymnasium:Pendulum-v1', True),
    ('python:drawn_environment:make', True),
    ('bandit:bimodal', False),
    ('synthetic:box:2', False),
    ('repeat:2:synthetic:box:2', False),
    ('switches:2x1', False),
    ('recommender:100', False),
    ('hybrid:platform', False),
    ('relaxed:hybrid:goal', False),
  ],
)
def test_videos_are_possible_of_what_draws(name: str, expected: bool) -> None:
  with contextlib.closing(environments.make(name, seed=1)) as environment:
    assert videos.are_possible(environment) is expected


def test_a_run_that_goes_back_forgets_later_videos(tmp_path: pathlib.Path) -> None:
  folder = RunFolder(tmp_path / 'run')
  folder.make()
  recorder = Recorder(str(folder.path))
  assert recorder.last_video() == -1
  for steps in (0, 9_000, 10_000):
    recorder.keep_video(steps, b'video')
  assert recorder.last_video() == 10_000
  recorder.restore({'actor_steps': 9_500})
  assert list(videos.find(folder)) == [0, 9_000]
