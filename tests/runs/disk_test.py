"""What a run takes on disk, and who is told that there is less."""

import pathlib

from qmle_acme.runs import disk

MIB = 2**20


def test_three_checkpoints_of_what_replay_holds_at_the_end_and_the_records() -> None:
  assert disk.needed(100, replay_size=50, steps=20) == 3 * 20 * 250 + 256 * MIB
  assert disk.needed(100, replay_size=50, steps=90) == 3 * 50 * 250 + 256 * MIB


def test_a_folder_that_is_still_to_be_made_is_judged_by_the_one_above(
  tmp_path: pathlib.Path,
) -> None:
  free, shortage = disk.judge(tmp_path / 'runs' / 'mine', need=0)
  assert free.endswith(f'GiB free in {tmp_path}') and shortage is None


def test_more_than_is_free_is_told_in_gibibytes(tmp_path: pathlib.Path) -> None:
  _, shortage = disk.judge(tmp_path, need=2**60)
  assert shortage == (
    'checkpoints and records may take up to 1073741824.0 GiB: make room'
  )
