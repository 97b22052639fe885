"""Who reads records."""

import pathlib

import pytest

from qmle_acme.errors import UserError
from qmle_acme.runs.records import read_records


def test_whole_lines_are_read_and_one_that_is_cut_short_is_left_out(
  tmp_path: pathlib.Path,
) -> None:
  path = tmp_path / 'records.jsonl'
  assert read_records(path) == []
  path.write_text('{"step": 1}\n{"step": 2}\n{"st')
  assert read_records(path, 'step') == [{'step': 1}, {'step': 2}]


def test_a_folder_in_place_of_the_file_is_told_in_one_line(
  tmp_path: pathlib.Path,
) -> None:
  with pytest.raises(UserError, match=f'cannot read {tmp_path}: '):
    read_records(tmp_path)
