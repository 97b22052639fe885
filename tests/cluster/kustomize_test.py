"""What kustomize makes of the manifests, by the command that a user types."""

import pathlib
import shutil

import pytest
import yaml
from deployed import output_of
from deployment_test import validate_by_newest_schemas

from qmle_acme.launch import cluster

pytestmark = [
  pytest.mark.cluster,
  pytest.mark.skipif(shutil.which('kubectl') is None, reason='kubectl is not here'),
]


def test_overlay_has_its_image_and_settings_in_every_pod(
  tmp_path: pathlib.Path,
) -> None:
  arguments = (
    f'kubernetes --env bandit:bimodal --run walker --actors 20 --out {tmp_path} '
    '--image registry:5000/x/qmle-acme:1'
  )
  assert cluster.main(arguments.split()) == 0
  rendered = output_of('kubectl', 'kustomize', str(tmp_path / 'overlay'))
  objects = list(yaml.safe_load_all(rendered))
  validate_by_newest_schemas(objects)
  (settings,) = (o for o in objects if o['kind'] == 'ConfigMap')
  assert 'actors: 20' in settings['data']['settings.yaml']
  jobs = [o for o in objects if o['kind'] == 'Job']
  assert len(jobs) == 7  # Main, counter, replay, learner, publisher, evaluator, actors.
  for job in jobs:
    pod = job['spec']['template']['spec']
    assert pod['containers'][0]['image'] == 'registry:5000/x/qmle-acme:1'
    maps = [v['configMap']['name'] for v in pod['volumes'] if 'configMap' in v]
    assert maps == [settings['metadata']['name']]  # With the hash of its contents.
