"""Interleaved repetitions: what is kept of them."""

import operator
import time

import pytest

from qmle_acme.speed.timing import Part, Stopwatch, interleave, spread


def test_spread_is_median_least_and_largest() -> None:
  assert spread([3.0, 1.0, 2.0, 10.0]) == {'median': 2.5, 'min': 1.0, 'max': 10.0}
  assert spread([123456.7])['median'] == 123460.0


def test_parts_take_turns_after_one_call_that_is_not_kept() -> None:
  calls: list[str] = []
  parts = {
    'a': Part(lambda: calls.append('a')),
    'b': Part(lambda: calls.append('b'), calls=2),
  }
  costs = interleave(parts, repetitions=3)
  assert ''.join(calls) == 'abb' + 3 * 'abb'
  assert list(costs) == ['a', 'b']


def test_time_of_several_calls_is_that_of_one() -> None:
  costs = interleave({'sleep': Part(lambda: time.sleep(0.02), calls=3)}, 2)
  assert 20.0 <= costs['sleep']['wall_ms']['min'] < 60.0
  assert costs['sleep']['cpu_ms']['max'] < 15.0  # Who sleeps takes no CPU time.


def test_work_takes_cpu_time() -> None:
  def work() -> None:
    start = time.process_time()
    while time.process_time() - start < 0.01:
      pass

  cost = interleave({'work': Part(work)}, 2)['work']
  assert cost['cpu_ms']['min'] >= 10.0
  assert cost['wall_ms']['min'] >= 9.9


def test_timed_functions_pass_on_what_they_get_and_give() -> None:
  watch = Stopwatch()
  divide = watch.timed('divide', Part(operator.truediv))
  assert divide(6, 3) == 2
  with pytest.raises(ZeroDivisionError):
    divide(1, 0)
  assert list(watch.costs()) == ['divide']


def test_laps_follow_each_other() -> None:
  watch = Stopwatch()
  time.sleep(0.03)
  watch.forget()
  time.sleep(0.01)
  watch.lap('lap')
  watch.lap('lap')
  wall = watch.costs()['lap']['wall_ms']
  assert 10.0 <= wall['max'] < 40.0
  assert wall['min'] < 10.0
