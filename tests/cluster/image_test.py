"""The container image, on a real Docker Engine (tests/cluster/with_engines.sh)."""

import json
import subprocess

import pytest

from qmle_acme.cluster import deployment

IMAGE = 'qmle-acme'
MAX_IMAGE_BYTES = 2_200_000_000


def inspect(form: str) -> str:
  command = ['docker', 'inspect', '-f', form, IMAGE]
  return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.cluster
def test_image_is_small_not_of_root_and_checks_its_health() -> None:
  size, user = inspect('{{.Size}} {{.Config.User}}').split()
  assert int(size) < MAX_IMAGE_BYTES
  assert user == 'qmle'
  assert json.loads(inspect('{{json .Config.Healthcheck.Test}}'))[-1] == (
    deployment.HEALTH
  )
