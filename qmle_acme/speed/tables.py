"""What was measured, as tables on the screen."""

from collections.abc import Iterable
from typing import Any

import rich.console
import rich.table

from qmle_acme.speed.timing import Spread

# Columns that every table fits in; a file or a pipe would be taken for a narrow screen.
_WIDTH = 116
_DTYPES = ('float32', 'bfloat16')


class Screen:
  """Shows the sections of a measurement."""

  def __init__(self) -> None:
    width = max(rich.console.Console().width, _WIDTH)
    # Or 'control:dog:walk' would get the picture of a dog.
    self._console = rich.console.Console(width=width, emoji=False)

  def show(self, section: str, data: Any) -> None:
    """Shows what one section has measured."""
    getattr(self, f'_show_{section}')(data)

  def _show_machine(self, machine: dict[str, Any]) -> None:
    load = ', '.join(f'{value:.1f}' for value in machine['load_average_before'])
    self._console.print(
      f'{machine["cpu"]} ({" ".join(machine["cpu_features"])}), '
      f'{machine["usable_cores"]} cores, load {load} before',
      highlight=False,
    )

  def _show_scoring(self, data: dict[str, Any]) -> None:
    self._table(
      f'Matrix products by TensorFlow, {data["threads"]} thread, GFLOP/s',
      ['shape', 'rows', 'float32', 'bfloat16'],
      (
        [r['shape'], f'{r["rows"]:,}', *(f'{r[d]["gflops"]:.0f}' for d in _DTYPES)]
        for r in data['limits']
      ),
    )
    self._table(
      f'Scoring, H = {data["width"]}, {data["threads"]} thread, CPU time, median (min '
      'to max)\n1000/s: candidates; share: of the products in float32 / bfloat16; '
      'ratio: plain by compiled; arg max: with drawing the candidates',
      [
        'shape',
        'A',
        'ms',
        '1000/s',
        'GFLOP/s',
        'share',
        'plain ms',
        'ratio',
        'arg max ms',
      ],
      (_scoring_row(record) for record in data['scoring']),
    )

  def _show_agreement(self, records: list[dict[str, Any]]) -> None:
    if not records:
      return
    self._table(
      'Compiled arg max against the plain layers, trained networks; lack: of the best '
      'value, as a share of the range of values',
      [
        'run',
        'task',
        'states',
        'candidates',
        'same winner',
        'lack: mean',
        '99 %',
        'max',
      ],
      (
        [
          record['run'],
          record['task'],
          f'{record["states"]:,}',
          f'{of["count"]:,}',
          f'{of["same_winner"]:.2%}',
          *(f'{of["lack_of_range_" + name]:.2%}' for name in ('mean', '99', 'max')),
        ]
        for record in records
        for of in record['candidates']
      ),
    )

  def _show_learner(self, records: list[dict[str, Any]]) -> None:
    self._show_steps('Learner step', records)

  def _show_actor(self, records: list[dict[str, Any]]) -> None:
    self._show_steps('Actor step', records)

  def _show_steps(self, title: str, records: list[dict[str, Any]]) -> None:
    for record in records:
      threads = f'{record["threads"]} thread{"s" if record["threads"] > 1 else ""}'
      self._table(
        f'{title} on {record["task"]}, {threads}, median (min to max)',
        ['part', 'CPU ms', 'wall ms'],
        (
          [name, _text(cost['cpu_ms']), _text(cost['wall_ms'])]
          for name, cost in record['parts'].items()
        ),
      )

  def _show_replay(self, data: dict[str, Any]) -> None:
    self._console.print(
      f'Replay on {data["task"]}: {data["rows"]:,} rows of '
      f'{data["data_bytes_per_row"]} bytes take {data["bytes_per_row"]:.0f} bytes '
      f'each, in pieces {_text(data["bytes_per_row_of_pieces"])}; '
      f'the empty server {data["empty_server_mb"]:.0f} MB',
      highlight=False,
    )

  def _show_traffic(self, records: list[dict[str, Any]]) -> None:
    self._table(
      'Between actors and their servers; CPU of the server for each fetch of variables',
      ['task', 'bytes/row', 'bytes/fetch', 'learner ms', 'publisher ms'],
      (
        [
          record['task'],
          f'{record["bytes_per_row"]:,.0f}',
          f'{record["bytes_per_fetch"]:,}',
          f'{record["learner_ms_per_fetch"]:.3g}',
          f'{record["publisher_ms_per_fetch"]:.3g}',
        ]
        for record in records
      ),
    )

  def _show_runs(self, records: list[dict[str, Any]]) -> None:
    self._table(
      'Whole runs; pieces of a window: median (min to max)',
      ['task', 'layout', 'actors', 'steps/s', 'in pieces', 'CPU ms/step', 'idle cores'],
      (_run_row(record) for record in records),
    )
    self._table(
      'Their nodes; a step is one of any actor',
      ['task', 'layout', 'actors', 'node', 'CPU ms/step', 'cores', 'resident MB'],
      (
        [*_run_head(record), node, *(f'{value:.4g}' for value in values.values())]
        for record in records
        for node, values in record['nodes'].items()
      ),
    )

  def _table(self, title: str, columns: list[str], rows: Iterable[list[str]]) -> None:
    table = rich.table.Table(*columns, title=title, title_justify='left')
    for row in rows:
      table.add_row(*row)
    self._console.print(table)


def _scoring_row(record: dict[str, Any]) -> list[str]:
  compiled, plain = record['compiled'], record['plain']
  shares = (f'{compiled["share_of_limit"][dtype]:.2f}' for dtype in _DTYPES)
  return [
    f'{record["states"]} x {record["candidates"]}',
    str(record['action_size']),
    _text(compiled['cpu_ms']),
    f'{compiled["candidates_per_second"] / 1e3:.0f}',
    f'{compiled["gflops"]:.0f}',
    ' / '.join(shares),
    _text(plain['cpu_ms']),
    f'{record["plain_by_compiled"]:.2f}',
    _text(record['argmax']['cpu_ms']),
  ]


def _run_head(record: dict[str, Any]) -> list[str]:
  return [record['task'], record['layout'], str(record.get('actors', '-'))]


def _run_row(record: dict[str, Any]) -> list[str]:
  return [
    *_run_head(record),
    f'{record["steps_per_second"]:.1f}',
    _text(record['steps_per_second_of_pieces']),
    f'{record["cpu_ms_per_step"]:.1f}',
    f'{record["idle_cores"]:.2f}',
  ]


def _text(spread: Spread) -> str:
  return f'{spread["median"]:.3g} ({spread["min"]:.3g} to {spread["max"]:.3g})'
