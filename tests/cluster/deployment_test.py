"""The files that have other engines run the nodes of a run."""

import concurrent.futures
import os
import pathlib
import signal
import subprocess
import time
import typing
from typing import Any

import kubernetes_validate
import pytest
import yaml

from qmle_acme.cluster import places
from qmle_acme.errors import UserError
from qmle_acme.launch import cluster, node, status
from qmle_acme.runs import config as config_lib
from qmle_acme.runs.run_folder import RunFolder

ARGUMENTS = ('--env', 'bandit:bimodal', '--run', 'walker', '--actors', '3')


def write(tmp_path: pathlib.Path, engine: str, *more: str) -> pathlib.Path:
  out = tmp_path / 'deploy'
  assert cluster.main([engine, *ARGUMENTS, '--out', str(out), *more]) == 0
  return out


def test_compose_has_a_service_for_each_node(tmp_path: pathlib.Path) -> None:
  more = ('--qmle.batch-size', '8', '--argmax-nodes', '2')
  out = write(tmp_path, 'compose', *more)
  compose = yaml.safe_load((out / 'compose.yaml').read_text())
  services = compose['services']
  assert services.pop('tensorboard')['profiles'] == ['tensorboard']
  several = ['argmax-0', 'argmax-1', *(f'actor-{index}' for index in range(3))]
  assert sorted(services) == sorted(
    ['main', 'counter', 'replay', 'learner', 'evaluator', *several]
  )
  settings = config_lib.load_yaml(out / 'settings.yaml')
  assert (settings['actors'], settings['qmle']['batch_size']) == (3, 8)
  for service in services.values():
    assert service['read_only'] and service['cap_drop'] == ['ALL']
    assert service['restart'].startswith('on-failure')
    assert 'ports' not in service
    assert service['networks'] == ['run']
  assert compose['networks']['run'] == {'internal': True}
  for role, index in (('actor', '2'), ('argmax', '1')):
    command = services[f'{role}-{index}']['command']
    assert command[:5] == ['node', '--role', role, '--index', index]
  # A million rows of a bandit are 0.9 GiB.
  large = {name for name, service in services.items() if service['mem_limit'] == '4g'}
  assert large == {'learner', 'replay'}
  assert services['actor-0']['mem_limit'] == '2g'


def test_compose_mounts_the_folder_of_runs_from_wherever_its_file_is(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.chdir(tmp_path)
  runs = tmp_path / 'runs'
  runs.mkdir()
  if os.geteuid() == 0:  # As whom no node runs.
    os.chown(runs, 1000, 1000)
  out = write(tmp_path, 'compose', '--runs', './runs')
  services = yaml.safe_load((out / 'compose.yaml').read_text())['services']
  assert services['actor-0']['volumes'][0] == f'{runs}:/runs'
  assert services['tensorboard']['volumes'] == [f'{runs}:/runs:ro']
  stat = runs.stat()
  assert services['learner']['user'] == f'{stat.st_uid}:{stat.st_gid}'


def test_main_says_in_one_line_that_it_cannot_write_its_folder(
  tmp_path: pathlib.Path,
) -> None:
  from qmle_acme.cluster import conductor

  file = tmp_path / 'file'
  file.touch()
  config = config_lib.RunConfig(run=file / 'run', env='bandit:bimodal')
  with pytest.raises(UserError, match='cannot write in'):
    conductor.run(config, places.parse_hosts((), config))


def test_hosts_have_the_names_of_their_roles_unless_told() -> None:
  config = config_lib.RunConfig(run=pathlib.Path('x'), argmax_nodes=2, actors=17)
  hosts = places.parse_hosts(('learner=10.0.0.3', 'argmax-1=n2'), config)
  names = {name: name for name in ('counter', 'replay', 'publisher', 'argmax-0')}
  assert hosts == names | {'learner': '10.0.0.3', 'argmax-1': 'n2'}
  for word in ('learner', 'learner=', 'lerner=n1', 'argmax-2=n1', 'argmax=n1'):
    with pytest.raises(UserError):
      places.parse_hosts((word,), config)


def test_each_server_has_its_own_port() -> None:
  config = config_lib.RunConfig(run=pathlib.Path('x'), argmax_nodes=2, actors=17)
  ports = {place.service: place.port for place in places.make_places(config)}
  assert [ports[place.service] for place in places.called(config)] == list(
    range(7101, 7107)
  )
  assert ports['main'] is ports['evaluator'] is ports['actor-16'] is None


def test_every_node_can_be_started() -> None:
  config = config_lib.RunConfig(run=pathlib.Path('x'), argmax_nodes=2, actors=17)
  roles = typing.get_args(typing.get_type_hints(node.NodeConfig)['role'])
  assert {place.role for place in places.make_places(config)} == set(roles)


@pytest.mark.parametrize(
  'arguments',
  [
    ('compose', '--run', 'Walker', '--env', 'bandit:bimodal'),
    ('compose', '--run', 'a/walker', '--env', 'bandit:bimodal'),
    ('kubernetes', '--run', 'a/walker', '--env', 'bandit:bimodal'),
    ('compose', '--run', 'walker', '--env', 'bandit:bimodal', '--layout', 'local'),
    ('compose', '--run', 'walker', '--env', 'bandit:bimodal', '--launch', 'threads'),
    ('compose', '--run', 'walker', '--env', 'no:such'),
    ('compose', '--run', 'walker', '--env', 'bandit:bimodal', '--image', ''),
    ('kubernetes', '--run', 'walker', '--env', 'bandit:bimodal', '--image', 'a b'),
    ('kubernetes', '--run', 'walker', '--env', 'bandit:bimodal', '--claim', 'A_B'),
    ('kubernetes', '--run', 'walker', '--env', 'bandit:bimodal', '--claim-size', 'foo'),
    ('slurm', '--run', 'walker', '--env', 'bandit:bimodal', '--nodes', '0'),
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


def test_a_stop_is_told_before_the_learner_has_saved(tmp_path: pathlib.Path) -> None:
  from qmle_acme.cluster import conductor, journal

  config = config_lib.RunConfig(run=tmp_path, env='bandit:bimodal')
  folder = RunFolder(tmp_path)
  learner = journal.Journal(folder, places.Place('learner'))
  learner.begin()
  main = journal.Journal(folder, places.Place('main'))
  watcher = conductor._Watcher(config, folder, main)
  with concurrent.futures.ThreadPoolExecutor() as pool:
    outcome = pool.submit(watcher.stop, signal.SIGTERM)
    while not folder.status.exists():
      time.sleep(0.01)
    told = folder.read_status()  # All that is left if main is killed now.
    assert told['state'] == 'stopped' and 'before the learner' in told['error']
    learner.end(journal.STOPPED)
    assert outcome.result() == conductor.Outcome('stopped', 143)


def manifests(out: pathlib.Path) -> list[dict[str, Any]]:
  """Returns the objects that the base makes, with the settings' ConfigMap."""
  base = yaml.safe_load((out / 'base' / 'kustomization.yaml').read_text())
  return [
    manifest
    for name in base['resources']
    for manifest in yaml.safe_load_all((out / 'base' / name).read_text())
  ]


def test_kubernetes_objects_have_the_schemas_of_the_api(tmp_path: pathlib.Path) -> None:
  more = ('--image', 'registry:5000/x/qmle-acme:1', '--argmax-nodes', '2')
  out = write(tmp_path, 'kubernetes', *more)
  found = manifests(out)
  kinds = [manifest['kind'] for manifest in found]
  assert (kinds.count('Job'), kinds.count('Service')) == (8, 5)
  validate_by_newest_schemas(found)
  overlay = yaml.safe_load((out / 'overlay' / 'kustomization.yaml').read_text())
  (image,) = overlay['images']
  assert (image['newName'], image['newTag']) == ('registry:5000/x/qmle-acme', '1')


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
  return [o for o in objects if o['kind'] == kind]


def validate_by_newest_schemas(objects: list[dict[str, Any]]) -> None:
  minors = kubernetes_validate.utils.major_minor
  newest = sorted({minors(v) for v in kubernetes_validate.utils.all_versions()}, key=by)
  for version in newest[-3:]:
    for manifest in objects:
      kubernetes_validate.validate(manifest, version, strict=True)


def by(version: str) -> tuple[int, ...]:
  return tuple(map(int, version.split('.')))


def test_pods_are_what_runs_under_docker(tmp_path: pathlib.Path) -> None:
  nodes = ('--argmax-nodes', '2')
  compose = yaml.safe_load(
    (write(tmp_path / 'a', 'compose', *nodes) / 'compose.yaml').read_text()
  )
  objects = manifests(write(tmp_path / 'b', 'kubernetes', *nodes))
  called = ('counter', 'replay', 'learner', 'argmax-0', 'argmax-1')
  assert called == tuple(o['metadata']['name'][7:] for o in of_kind(objects, 'Service'))
  for job in of_kind(objects, 'Job'):
    pod = job['spec']['template']['spec']
    (container,) = pod['containers']
    role = job['metadata']['labels']['app.kubernetes.io/component']
    service = compose['services']['actor-0' if role == 'actor' else role]
    words = container['args']
    hosts = words[words.index('--hosts') + 1 :]
    assert hosts == [f'{name}=walker-{name}' for name in called]
    command = service['command'][: service['command'].index('--hold')]
    shared = words[: words.index('--hosts')]
    if role == 'actor':
      command[command.index('--index') + 1] = '$(JOB_COMPLETION_INDEX)'
    assert shared == command
    resources = container['resources']
    large = role in ('learner', 'replay')
    assert resources['requests']['memory'] == ('2Gi' if large else '1Gi')
    assert resources['limits']['memory'] == service['mem_limit'].replace('g', 'Gi')
    environment = {e['name']: e['value'] for e in container['env'] if 'value' in e}
    assert environment == service['environment']
    mounts = {m['mountPath'] for m in container['volumeMounts']}
    assert mounts == {'/runs', '/etc/qmle', '/tmp'}
    assert container['securityContext']['readOnlyRootFilesystem']
    assert container['securityContext']['capabilities'] == {'drop': ['ALL']}
    assert pod['automountServiceAccountToken'] is False
    assert pod['securityContext']['runAsNonRoot'] is True


def test_slurm_scripts_are_bash(tmp_path: pathlib.Path) -> None:
  out = write(tmp_path, 'slurm', '--nodes', '3', '--argmax-nodes', '2')
  for name in ('run.sbatch', 'task.sh'):
    assert subprocess.run(['bash', '-n', str(out / name)]).returncode == 0
  script = (out / 'run.sbatch').read_text()
  assert '#SBATCH --nodes=3\n#SBATCH --ntasks=6\n' in script
  assert "step actor '' --ntasks=3" in script
  assert 'hosts=(counter="$first" replay="$first" learner="$first")\n' in script


def test_status_shows_a_run_by_its_folder(
  tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
  config = config_lib.RunConfig(run=tmp_path, env='bandit:bimodal', steps=2000)
  folder = RunFolder(tmp_path)
  folder.write_config(config)
  folder.write_status('finished', {'actor_steps': 2000, 'learner_steps': 372}, None)
  assert status.main([str(tmp_path)]) == 0
  shown = capsys.readouterr().out
  assert '2,000 of 2,000 (100%)' in shown and '372' in shown
