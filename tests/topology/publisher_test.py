"""The learner's variables reach many actors without its being asked by each."""

import concurrent.futures
import pathlib
import threading

import numpy as np
import pytest
import small_runs

from qmle_acme import training
from qmle_acme.runs import config as config_lib
from qmle_acme.topology.publisher import Publisher
from qmle_acme.types import Array


class CountingLearner:
  """Gives out how often it has been asked, once it may."""

  def __init__(self) -> None:
    self.asked = 0
    self.may_answer = threading.Event()

  def get_variables(self, names: list[str]) -> list[list[Array]]:
    assert self.may_answer.wait(30.0)
    self.asked += 1
    return [[np.array(self.asked)] for _ in names]


def test_learner_is_asked_once_for_all_who_come_meanwhile() -> None:
  learner = CountingLearner()
  publisher = Publisher(learner, max_age=60.0)
  with concurrent.futures.ThreadPoolExecutor(8) as actors:
    fetched = [actors.submit(publisher.get_variables, ['policy']) for _ in range(200)]
    learner.may_answer.set()
    assert {int(future.result()[0][0]) for future in fetched} == {1}
  assert learner.asked == 1
  assert int(publisher.get_variables(['max_priority'])[0][0]) == 2  # Other variables.


def test_variables_that_are_too_old_are_fetched_anew() -> None:
  learner = CountingLearner()
  learner.may_answer.set()
  publisher = Publisher(learner, max_age=-1.0)
  assert [int(publisher.get_variables(['policy'])[0][0]) for _ in range(3)] == [1, 2, 3]


def test_run_with_a_publisher_reaches_its_steps(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setattr(config_lib, '_ACTORS_OF_LEARNER', 1)
  config = small_runs.make_config(tmp_path / 'run', layout='distributed', steps=300)
  assert training.run(config).state == 'finished'
  log = (tmp_path / 'run' / 'logs' / 'publisher-0.log').read_text()
  assert 'Binding: get_variables' in log
