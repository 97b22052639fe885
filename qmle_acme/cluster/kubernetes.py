"""A kustomize base and overlay: a Job for each node, an indexed one for the actors."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

import yaml
from pydantic import Field

from qmle_acme.cluster import deployment
from qmle_acme.cluster.deployment import ClusterConfig
from qmle_acme.cluster.places import ACTOR, Place, called, make_places

_APP = 'app.kubernetes.io/name'
_RUN = 'app.kubernetes.io/instance'
_COMPONENT = 'app.kubernetes.io/component'
# Pods of one Job that may die before Kubernetes gives it up.
_BACKOFF_LIMIT = 20
_INDEX = 'JOB_COMPLETION_INDEX'
# Cores that are asked for (docs/cluster.md).
_CORES = {
  'main': 0.1,
  'counter': 0.2,
  'publisher': 0.5,
  'replay': 0.5,
  'learner': 2,
  'argmax': 1,
  'evaluator': 0.5,
  'actor': 1,
}


@dataclasses.dataclass(frozen=True)
class KubernetesConfig(ClusterConfig):
  """Settings of a run in Pods."""

  claim: Annotated[str, Field(pattern=r'^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')] = (
    'qmle-runs'
  )
  """PersistentVolumeClaim of the run folders: ReadWriteMany, all Pods mount it."""
  claim_size: Annotated[str, Field(pattern=r'^[1-9][0-9]*[KMGTP]i?$')] = '20Gi'
  """Storage that the claim asks for."""


def render(config: KubernetesConfig, command: Sequence[str]) -> dict[str, str]:
  """Returns the files by name.

  Args:
    config: settings.
    command: that was typed.

  Raises:
    UserError: the environment cannot be made, which says how large replay becomes.
  """
  # One Job has all actors.
  jobs = [_job(config, place) for place in make_places(config) if not _is_copy(place)]
  services = [_service(config, place) for place in called(config)]
  objects = {'jobs': jobs, 'services': services, 'network': [_policy(config)]}
  objects['claim'] = [_claim(config)]
  written_by = deployment.written_by(command)
  files = {
    f'base/{name}.yaml': written_by + yaml.safe_dump_all(manifests, sort_keys=False)
    for name, manifests in objects.items()
  }
  files[f'base/{deployment.SETTINGS_FILE}'] = deployment.settings_text(
    config.run_config, command
  )
  base = {
    'apiVersion': 'kustomize.config.k8s.io/v1beta1',
    'kind': 'Kustomization',
    'resources': [f'{name}.yaml' for name in objects],
    'configMapGenerator': [
      {'name': _name(config, 'settings'), 'files': [deployment.SETTINGS_FILE]}
    ],
  }
  overlay = {
    'apiVersion': 'kustomize.config.k8s.io/v1beta1',
    'kind': 'Kustomization',
    'resources': ['../base'],
    'images': [_image(config.image)],
  }
  files['base/kustomization.yaml'] = written_by + yaml.safe_dump(base, sort_keys=False)
  files['overlay/kustomization.yaml'] = written_by + yaml.safe_dump(
    overlay, sort_keys=False
  )
  return files


def _image(image: str) -> dict[str, str]:
  """Returns what puts an image in the place of the base's."""
  name, _, tag = (
    image.rpartition(':') if ':' in image.split('/')[-1] else (image, '', '')
  )
  return {'name': 'qmle-acme', 'newName': name} | ({'newTag': tag} if tag else {})


def _is_copy(place: Place) -> bool:
  """Returns whether the node is in the Job of another one."""
  return place.role == ACTOR and place.index > 0


def _name(config: KubernetesConfig, part: str) -> str:
  return f'{config.name}-{part}'


def _component(place: Place) -> str:
  return ACTOR if place.role == ACTOR else place.service


def _labels(config: KubernetesConfig, place: Place | None = None) -> dict[str, str]:
  labels = {_APP: 'qmle', _RUN: config.name}
  return labels if place is None else labels | {_COMPONENT: _component(place)}


def _job(config: KubernetesConfig, place: Place) -> dict[str, Any]:
  """Returns the Job of a node, or of all actors."""
  is_actor = place.role == ACTOR
  count = config.actors if is_actor else 1
  spec: dict[str, Any] = {
    'backoffLimit': _BACKOFF_LIMIT * count,
    'podFailurePolicy': {
      'rules': [
        # A Pod that was moved has not died; what has failed for good is not repeated.
        {
          'action': 'Ignore',
          'onPodConditions': [{'type': 'DisruptionTarget', 'status': 'True'}],
        },
        {
          'action': 'FailJob',
          'onExitCodes': {'containerName': 'node', 'operator': 'In', 'values': [1]},
        },
      ]
    },
    'template': {
      'metadata': {'labels': _labels(config, place)},
      'spec': _pod(config, place),
    },
  }
  if is_actor:
    counts = {'completionMode': 'Indexed', 'completions': count, 'parallelism': count}
    spec = counts | spec
  name = _name(config, _component(place))
  metadata = {'name': name, 'labels': _labels(config, place)}
  return {'apiVersion': 'batch/v1', 'kind': 'Job', 'metadata': metadata, 'spec': spec}


def _pod(config: KubernetesConfig, place: Place) -> dict[str, Any]:
  return {
    'restartPolicy': 'Never',
    'automountServiceAccountToken': False,
    'enableServiceLinks': False,
    'terminationGracePeriodSeconds': deployment.GRACE_SECONDS,
    'securityContext': {
      'runAsNonRoot': True,
      'runAsUser': 1000,
      'fsGroup': 1000,
      'seccompProfile': {'type': 'RuntimeDefault'},
    },
    'containers': [_container(config, place)],
    'volumes': [
      {'name': 'runs', 'persistentVolumeClaim': {'claimName': config.claim}},
      {'name': 'settings', 'configMap': {'name': _name(config, 'settings')}},
      {'name': 'tmp', 'emptyDir': {'medium': 'Memory', 'sizeLimit': '256Mi'}},
    ],
  }


def _container(config: KubernetesConfig, place: Place) -> dict[str, Any]:
  environment: list[dict[str, Any]] = [
    {'name': name, 'value': value} for name, value in deployment.ENVIRONMENT.items()
  ]
  if place.role == ACTOR:
    field = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    environment.append(
      {'name': _INDEX, 'valueFrom': {'fieldRef': {'fieldPath': field}}}
    )
  return {
    'name': 'node',
    'image': 'qmle-acme',
    'args': deployment.node_command(
      place,
      config.folder,
      index=f'$({_INDEX})' if place.role == ACTOR else None,
      hosts={p.service: _name(config, p.service) for p in called(config)},
    ),
    'env': environment,
    'ports': [{'containerPort': place.port}] if place.port else [],
    'livenessProbe': {
      'exec': {'command': ['sh', '-c', deployment.HEALTH]},
      'initialDelaySeconds': 120,
      'periodSeconds': 30,
      'timeoutSeconds': 10,
    },
    'resources': {
      'requests': {
        'memory': f'{deployment.memory_request(config, place.role)}Gi',
        'cpu': str(_CORES[place.role]),
      },
      'limits': {'memory': f'{deployment.memory_limit(config, place.role)}Gi'},
    },
    'securityContext': {
      'allowPrivilegeEscalation': False,
      'readOnlyRootFilesystem': True,
      'capabilities': {'drop': ['ALL']},
    },
    'volumeMounts': [
      {'name': 'runs', 'mountPath': str(deployment.RUNS)},
      {
        'name': 'settings',
        'mountPath': str(deployment.SETTINGS.parent),
        'readOnly': True,
      },
      {'name': 'tmp', 'mountPath': '/tmp'},
    ],
  }


def _service(config: KubernetesConfig, place: Place) -> dict[str, Any]:
  """Returns the name and address of a node that stay when its Pod goes."""
  return {
    'apiVersion': 'v1',
    'kind': 'Service',
    'metadata': {
      'name': _name(config, place.service),
      'labels': _labels(config, place),
    },
    'spec': {
      'selector': _labels(config, place),
      'ipFamilyPolicy': 'SingleStack',
      'ipFamilies': ['IPv4'],
      'ports': [{'port': place.port, 'targetPort': place.port}],
    },
  }


def _policy(config: KubernetesConfig) -> dict[str, Any]:
  """Returns what lets the run's own Pods in and nobody else, and them out to DNS."""
  own = {'podSelector': {'matchLabels': _labels(config)}}
  dns = [{'port': 53, 'protocol': protocol} for protocol in ('UDP', 'TCP')]
  return {
    'apiVersion': 'networking.k8s.io/v1',
    'kind': 'NetworkPolicy',
    'metadata': {'name': config.name, 'labels': _labels(config)},
    'spec': {
      'podSelector': {'matchLabels': _labels(config)},
      'policyTypes': ['Ingress', 'Egress'],
      'ingress': [{'from': [own]}],
      'egress': [{'to': [own]}, {'ports': dns}],
    },
  }


def _claim(config: KubernetesConfig) -> dict[str, Any]:
  return {
    'apiVersion': 'v1',
    'kind': 'PersistentVolumeClaim',
    'metadata': {'name': config.claim},
    'spec': {
      'accessModes': ['ReadWriteMany'],
      'resources': {'requests': {'storage': config.claim_size}},
    },
  }
