"""Checkpoints on disk: whole, or known not to be."""

import pathlib
from collections.abc import Callable

import pytest

from qmle_acme.runs.checkpoint_store import CheckpointStore, plain_name


@pytest.fixture
def store(tmp_path: pathlib.Path) -> CheckpointStore:
  """A store with the checkpoints 1 and 2."""
  store = CheckpointStore(tmp_path / 'checkpoints')
  for number in (1, 2):
    keep(store, number)
  return store


def keep(store: CheckpointStore, number: int) -> None:
  """Keeps a checkpoint of two files, made after 10 steps for each number."""
  store.clear_aside()
  (store.aside / 'a').write_text(f'a of {number}')
  (store.aside / 'b').write_bytes(bytes(range(100)))
  store.keep(store.aside, number, {'actor_steps': 10 * number, 'wall_seconds': 0.1})


def newest(store: CheckpointStore) -> int:
  return next(store.whole()).number


def test_the_newest_two_are_kept_with_their_counts(store: CheckpointStore) -> None:
  keep(store, 7)

  assert store.numbers() == [2, 7]
  assert [s.number for s in store.whole()] == [7, 2]
  assert [s.counts['actor_steps'] for s in store.whole()] == [70, 20]
  assert (next(store.whole()).path / 'a').read_text() == 'a of 7'
  assert not store.aside.exists()


def test_what_was_not_named_does_not_count(store: CheckpointStore) -> None:
  store.clear_aside()
  (store.aside / 'a').write_text('a of 3')

  assert newest(store) == 2
  store.clear_aside()
  assert not list(store.aside.iterdir())


def flip(path: pathlib.Path) -> None:
  data = bytearray(path.read_bytes())
  data[len(data) // 2] ^= 1
  path.write_bytes(data)


def cut(path: pathlib.Path) -> None:
  path.write_bytes(path.read_bytes()[:-1])


def empty(path: pathlib.Path) -> None:
  path.write_bytes(b'')


@pytest.mark.parametrize('damage', [flip, cut, empty, pathlib.Path.unlink])
@pytest.mark.parametrize('name', ['a', 'b', 'manifest.json'])
def test_damage_is_named_and_the_one_before_is_used(
  store: CheckpointStore, damage: Callable[[pathlib.Path], None], name: str
) -> None:
  path = store.path / '2' / name
  damage(path)

  assert newest(store) == 1
  (line,) = store.damages()
  assert str(path) in line
  assert '\n' not in line
  store.forget_damaged()
  assert (store.numbers(), store.damages()) == ([1], [])


def test_counts_that_were_changed_are_a_damage(store: CheckpointStore) -> None:
  manifest = store.path / '2' / 'manifest.json'
  manifest.write_text(manifest.read_text().replace('20', '21'))

  assert store.damages() == [f'{manifest} is not what was written']


def test_folder_that_is_no_checkpoint_is_left_alone(store: CheckpointStore) -> None:
  (store.path / 'mine').mkdir()

  assert store.numbers() == [1, 2]
  store.forget_damaged()
  assert (store.path / 'mine').exists()


def test_failure_leaves_those_that_are_there(store: CheckpointStore) -> None:
  store.clear_aside()
  (store.aside / 'a').write_text('a of 3')
  (store.path / '3').write_text('in the way')

  with pytest.raises(OSError):
    store.keep(store.aside, 3, {})

  assert [s.number for s in store.whole()] == [2, 1]


def test_plain_name_is_the_same_folder(tmp_path: pathlib.Path) -> None:
  folder = tmp_path / 'a[b]*?'
  folder.mkdir()
  with plain_name(folder) as name:
    assert not set('[]*?') & set(name)
    pathlib.Path(name, 'x').write_text('here')
  assert (folder / 'x').read_text() == 'here'
  assert not pathlib.Path(name).exists()
