"""The script that has SLURM run a grid (tests/cluster/slurm_test.py has it run)."""

import pathlib
import shlex
import subprocess

from qmle_acme.benchmark import slurm_array
from qmle_acme.benchmark.grid import BenchmarkConfig, make_grid
from qmle_acme.launch import benchmark


def test_each_element_has_the_command_of_its_run(tmp_path: pathlib.Path) -> None:
  out = tmp_path / "the runs' folder"
  arguments = ('--tasks', 'bandit:bimodal,control:cartpole:swingup', '--seeds', '2')
  assert benchmark.main([*arguments, '--out', str(out), '--slurm']) == 0
  script = out / slurm_array.FILE
  assert subprocess.run(['bash', '-n', script]).returncode == 0
  # Without its trainings: what the element would run, as words.
  text = script.read_text()
  array = text[text.index('runs=(') : text.index('eval')]
  shown = subprocess.run(
    ['bash', '-c', f'{array} printf "%s\\n" "${{runs[@]}}"'],
    capture_output=True,
    text=True,
    check=True,
  ).stdout.splitlines()
  grid = make_grid(BenchmarkConfig(out=out, tasks=arguments[1], seeds=2))
  assert [shlex.split(line)[1:] for line in shown] == [list(r.arguments) for r in grid]
  assert f'#SBATCH --array=0-{len(grid) - 1}\n' in text
  assert [path.name for path in out.iterdir()] == [slurm_array.FILE]
