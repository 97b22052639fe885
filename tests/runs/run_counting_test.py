"""Counts by sources that may repeat themselves."""

from qmle_acme.runs.counting import Counter


def test_repeated_and_belated_reports_count_once() -> None:
  counter = Counter()
  for total in (20, 20, 40, 20, 41):
    counts = counter.report('actor/0', 'actor_steps', total)
  assert counts == {'actor_steps': 41}


def test_sources_add_up() -> None:
  counter = Counter()
  counter.report('actor/0', 'actor_steps', 20)
  counter.report('learner', 'learner_steps', 5)
  assert counter.report('actor/1', 'actor_steps', 3) == {
    'actor_steps': 23,
    'learner_steps': 5,
  }
  assert counter.reported('actor/1') == 3
  assert counter.reported('actor/2') == 0
