"""The container image, on a real Docker Engine (tests/cluster/with_engines.sh)."""

import json

import pytest
from deployed import IMAGE, output_of

from qmle_acme.cluster import deployment

pytestmark = pytest.mark.cluster

MAX_IMAGE_BYTES = 2_200_000_000


def inspect(form: str) -> str:
  return output_of('docker', 'inspect', '-f', form, IMAGE)


def test_image_is_small_not_of_root_and_checks_its_health() -> None:
  size, user = inspect('{{.Size}} {{.Config.User}}').split()
  assert int(size) < MAX_IMAGE_BYTES
  assert user == 'qmle'
  assert json.loads(inspect('{{json .Config.Healthcheck.Test}}'))[-1] == (
    deployment.HEALTH
  )


def test_doctor_passes_in_it() -> None:
  confined = (
    '--read-only',
    '--tmpfs',
    '/tmp',
    '--cap-drop',
    'ALL',
    '--network',
    'none',
  )
  found = output_of(
    'docker', 'run', '--rm', *confined, '--volume', '/runs', '--env', 'HOME=/tmp',
    IMAGE, 'doctor', '--env', 'control:cartpole:swingup', '--run', 'walker',
  )  # fmt: skip
  print(found)
  findings = dict(line.split(maxsplit=2)[1::-1] for line in found.splitlines())
  assert findings['rendering'] == findings['processor'] == 'ok', found
