"""The files that have other engines run the nodes of a run."""

import pathlib

import pytest
import yaml

from launch import cluster
from qmle_acme.cluster import places
from qmle_acme.errors import UserError
from qmle_acme.runs import config as config_lib

ARGUMENTS = ('--env', 'bandit:bimodal', '--run', 'walker', '--actors', '3')


def write(tmp_path: pathlib.Path, engine: str, *more: str) -> pathlib.Path:
  out = tmp_path / 'deploy'
  assert cluster.main([engine, *ARGUMENTS, '--out', str(out), *more]) == 0
  return out


def test_compose_has_a_service_for_each_node(tmp_path: pathlib.Path) -> None:
  out = write(tmp_path, 'compose', '--qmle.batch-size', '8')
  compose = yaml.safe_load((out / 'compose.yaml').read_text())
  services = compose['services']
  assert services.pop('tensorboard')['profiles'] == ['tensorboard']
  actors = [f'actor-{index}' for index in range(3)]
  assert sorted(services) == sorted([*places.SINGLES, *actors])
  settings = config_lib.load_yaml(out / 'settings.yaml')
  assert (settings['actors'], settings['qmle']['batch_size']) == (3, 8)
  for service in services.values():
    assert service['read_only'] and service['cap_drop'] == ['ALL']
    assert service['restart'].startswith('on-failure')
    assert 'ports' not in service
    assert service['networks'] == ['run']
  assert compose['networks']['run'] == {'internal': True}
  assert services['actor-2']['command'][:5] == [
    'node', '--role', 'actor', '--index', '2',
  ]  # fmt: skip


def test_hosts_have_the_names_of_their_roles_unless_told() -> None:
  hosts = places.parse_hosts(('learner=10.0.0.3',))
  assert hosts == {'counter': 'counter', 'replay': 'replay', 'learner': '10.0.0.3'}
  for word in ('learner', 'learner=', 'lerner=n1'):
    with pytest.raises(UserError):
      places.parse_hosts((word,))


@pytest.mark.parametrize(
  'arguments',
  [
    ('compose', '--run', 'Walker', '--env', 'bandit:bimodal'),
    ('compose', '--run', 'walker', '--env', 'bandit:bimodal', '--layout', 'local'),
    ('compose', '--run', 'walker', '--env', 'no:such'),
    ('kompose', '--run', 'walker'),
  ],
)
def test_what_no_engine_takes_is_refused(
  tmp_path: pathlib.Path, arguments: tuple[str, ...]
) -> None:
  out = tmp_path / 'deploy'
  with pytest.raises(UserError):
    cluster.main([*arguments, '--out', str(out)])
  assert not out.exists()


def test_journal_begins_a_generation_when_a_server_has_died(
  tmp_path: pathlib.Path,
) -> None:
  from qmle_acme.cluster import journal
  from qmle_acme.runs.run_folder import RunFolder

  folder = RunFolder(tmp_path)
  learner = places.Place('learner')
  assert journal.Journal(folder, learner).begin()
  actor = journal.Journal(folder, places.Place('actor', 0))
  assert actor.begin() and actor.is_alive() and actor.generation == 1
  again = journal.Journal(folder, learner)  # It was killed: it has not said its end.
  assert again.begin() and again.generation == 2
  assert actor.newest_generation() == 2
  again.end(journal.STOPPED)
  third = journal.Journal(folder, learner)
  assert third.begin() and third.generation == 2  # An orderly end is no death.
  for _ in range(journal.MAX_DEATHS - 1):
    assert journal.Journal(folder, learner).begin()
  assert not journal.Journal(folder, learner).begin()
