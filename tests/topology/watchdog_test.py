"""What stands still, and why, from how a run stands."""

import types

import pytest

from qmle_acme.runs.activity import SAVING, Doing
from qmle_acme.topology import watchdog
from qmle_acme.topology.monitor import View

IN_STEP = 'inside `step` of its environment'
TITLES = ('replay/0', 'counter/0', 'learner/0', 'actor/0', 'actor/1', 'evaluator/0')
UP = dict.fromkeys(TITLES, 1e4)
# Lives and counts; does nothing with a name, and counts nothing.
WELL = Doing('', 0.5, 1.0, 2.0)
EVALUATOR = Doing('', 900.0, 1.0, None)
# Where the limiter is between its bounds, from 0 (the learner waits) to 1 (actors do).
LEARNER_WAITS, NOBODY, ACTORS_WAIT = 0.0, 0.5, 1.0


def view(
  position: float = NOBODY, silent: tuple[float, float] = (1.0, 1.0), **nodes: Doing
) -> View:
  """Returns how a run stands whose nodes are well but for some, as `actor_0=...`."""
  limiter = types.SimpleNamespace(
    insert_stats=types.SimpleNamespace(completed=1_000 * position + 2_000),
    sample_stats=types.SimpleNamespace(completed=2_000),
    samples_per_insert=1.0,
    min_diff=0.0,
    max_diff=1_000.0,
  )
  found = dict.fromkeys(('learner/0', 'actor/0', 'actor/1'), WELL)
  found['evaluator/0'] = EVALUATOR
  found |= {name.replace('_', '/'): doing for name, doing in nodes.items()}
  return View(
    {'nodes': found},
    {'replay': types.SimpleNamespace(rate_limiter_info=limiter)},
    dict(zip(('counter/0', 'replay/0'), silent, strict=True)),
  )


@pytest.mark.parametrize(
  ('view', 'lines'),
  [
    (view(), []),
    (
      view(actor_1=Doing(IN_STEP, 149.0, 1.0, 151.0)),
      [f'actor/1 has got no further for 151 s: it has been {IN_STEP} for 150 s'],
    ),
    (
      view(actor_1=Doing(IN_STEP, 0.01, 149.0, 151.0)),
      ['actor/1 has got no further for 151 s: it has not been heard for 149 s'],
    ),
    (
      view(learner_0=Doing('', 9.0, 1.0, 131.0)),
      [
        'learner/0 has got no further for 131 s: '
        'it waits for no other (rate limiter: nobody)'
      ],
    ),
    (
      view(evaluator_0=Doing(IN_STEP, 129.0, 1.0, None)),
      [f'evaluator/0 has got no further for 129 s: it has been {IN_STEP} for 130 s'],
    ),
    (view(silent=(1.0, 130.0)), ['replay/0 has not answered for 130 s']),
  ],
)
def test_cause_is_named(view: View, lines: list[str]) -> None:
  assert [stall.line for stall in watchdog.find(view, UP, 120.0)] == lines


STILL = Doing('', 9.0, 1.0, 500.0)
GONE = Doing('', 9.0, 130.0, 500.0)


@pytest.mark.parametrize(
  ('view', 'titles'),
  [
    (view(), set()),
    (view(LEARNER_WAITS, learner_0=STILL), {'learner/0'}),
    (view(ACTORS_WAIT, actor_0=STILL), {'actor/0', 'actor/1'}),
    # Whoever is not heard, or inside of something, does not wait for the limiter.
    (view(LEARNER_WAITS, learner_0=GONE), set()),
    (view(ACTORS_WAIT, actor_0=Doing(IN_STEP, 9.0, 1.0, 9.0)), {'actor/1'}),
    # A server that does not answer explains everything.
    (view(silent=(1.0, 16.0), learner_0=GONE), set(TITLES[2:])),
  ],
)
def test_waiting_for_others_is_an_excuse(view: View, titles: set[str]) -> None:
  assert watchdog.excused(view, UP) == titles


def test_node_that_has_just_been_started_has_time() -> None:
  of_before = view(actor_1=Doing(IN_STEP, 149.0, 30.0, 151.0))
  assert watchdog.excused(of_before, UP | {'actor/1': 29.0}) == {'actor/1'}
  assert watchdog.excused(of_before, UP | {'actor/1': 31.0}) == set()
  assert watchdog.find(of_before, UP | {'actor/1': 119.0}, 120.0) == []
  gone = {title: up for title, up in UP.items() if title != 'actor/1'}
  assert watchdog.find(of_before, gone, 120.0) == []


def test_checkpoint_is_told_from_what_a_restart_mends() -> None:
  saving = view(learner_0=Doing(SAVING, 300.0, 1.0, 300.0))
  (stall,) = watchdog.find(saving, UP, 120.0)
  assert stall.is_saving
  assert stall.line.endswith('it has been saving a checkpoint for 301 s')
