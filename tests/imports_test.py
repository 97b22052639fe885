"""Imports point one way only, and the road of a transition knows nothing of studies."""

import ast
import pathlib
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).parent.parent

# From what needs nothing to what a person types. A part may import those before it.
LAYERS = (
  'qmle_acme.lazy',
  'qmle_acme',
  'qmle_acme.types',
  'qmle_acme.errors',
  'qmle_acme.settings',
  'qmle_acme.plugins',
  'qmle_acme.files',
  'qmle_acme.locks',
  'qmle_acme.processes',
  'qmle_acme.kernels',
  'qmle_acme.random',
  'qmle_acme.actions',
  'qmle_acme.networks',
  'qmle_acme.graphs',
  'qmle_acme.replay',
  'qmle_acme.agents',
  'qmle_acme.agents.qmle.predictors',
  'qmle_acme.agents.qmle.argmax',
  'qmle_acme.agents.qmle',
  'qmle_acme.agents.acme',
  'qmle_acme.environments',
  'qmle_acme.runs',
  'qmle_acme.policy',
  'qmle_acme.export',
  'qmle_acme.topology',
  'qmle_acme.tracking',
  'qmle_acme.training',
  'qmle_acme.callbacks',
  'qmle_acme.trainer',
  'qmle_acme.doctor',
  'qmle_acme.cluster',
  'qmle_acme.benchmark',
  'qmle_acme.tuning',
  'qmle_acme.report',
  'qmle_acme.speed',
  'qmle_acme.experiments',
  'qmle_acme.launch',
)


def layer(module: str) -> str:
  """Returns the longest name in LAYERS that the module is, or lies in."""
  names = [name for name in LAYERS if f'{module}.'.startswith(f'{name}.')]
  return max(names, key=len)


def modules() -> Iterator[tuple[str, pathlib.Path]]:
  for root in ('qmle_acme', 'launch'):
    for path in sorted((ROOT / root).rglob('*.py')):
      parts = path.relative_to(ROOT).with_suffix('').parts
      if root == 'launch':  # That is its folder; it is installed as a part of ours.
        parts = ('qmle_acme', *parts)
      yield '.'.join(p for p in parts if p != '__init__'), path


def imported(path: pathlib.Path) -> Iterator[str]:
  """Yields the modules of ours that a file imports, wherever in it."""
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
      is_beside = node.level == 1 and not node.module and path.parent.name == 'launch'
      if is_beside:  # The name that mypy knows it by is not that of the installed one.
        yield from (f'qmle_acme.launch.{alias.name}' for alias in node.names)
        continue
      assert node.level == 0 and node.module, f'{path} has a relative import'
      yield from (f'{node.module}.{alias.name}' for alias in node.names)


@pytest.mark.parametrize(('module', 'path'), list(modules()))
def test_imports_point_one_way(module: str, path: pathlib.Path) -> None:
  if module == 'qmle_acme':  # Names for users, which are imported when they are used.
    return
  own = LAYERS.index(layer(module))
  for name in imported(path):
    if name.startswith('qmle_acme'):
      assert LAYERS.index(layer(name)) <= own, f'{module} imports {name}'


def test_every_part_has_its_layer() -> None:
  parts = {m for m, path in modules() if m.count('.') == 1 and m.startswith('qmle')}
  assert parts <= set(LAYERS)
