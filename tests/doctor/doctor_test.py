"""`qmle doctor` sees what is wrong with a machine, on this one as it is."""

import os
import pathlib
import subprocess
import sys

import psutil
import pytest

from qmle_acme.doctor import installation, network, resources
from qmle_acme.doctor.findings import Finding, Level
from qmle_acme.doctor.resources import Need
from qmle_acme.launch import main

ROOT = pathlib.Path(__file__).parents[2]
CPU = pathlib.Path('/proc/cpuinfo').read_text()
# What holds wherever the tests run; the rest may differ from machine to machine.
SOUND = ('python', 'versions', 'ports', 'proxies', 'visitors', 'open files', 'disk')


def doctor(*arguments: str, **variables: str) -> tuple[int, dict[str, tuple[str, str]]]:
  """Returns the exit code of the command, and level and line by what was examined."""
  done = subprocess.run(
    [sys.executable, '-m', 'qmle_acme.launch', 'doctor', *arguments],
    env=os.environ | variables,
    cwd=ROOT,
    capture_output=True,
    text=True,
  )
  assert done.returncode in (0, 1), done.stderr
  lines = done.stdout.splitlines()
  return done.returncode, {
    line[8:19].strip(): (line[:8].strip(), line[19:]) for line in lines
  }


def test_a_sound_machine_is_a_line_each() -> None:
  code, found = doctor()

  assert code == 0
  assert [found[name][0] for name in SOUND] == ['ok'] * len(SOUND)
  assert set(found) == {*SOUND, 'processor', 'memory', 'rendering'}
  assert found['processor'][1].endswith(
    ('kernels: AVX2', 'kernels: AVX-512', 'kernels: AMX')
  )


def test_a_run_is_examined_with_the_options_of_train(tmp_path: pathlib.Path) -> None:
  """A row of synthetic:box:2 takes 32 bytes, 932 with what is beside it, 10^6 times."""
  run = tmp_path / 'run'
  arguments = ['--env', 'synthetic:box:2', '--actors', '50', '--run', str(run)]

  code, found = doctor(*arguments)

  assert code == 0
  assert '50 actors need up to 1,856' in found['open files'][1]
  assert '; replay needs 0.87 when it is full' in found['memory'][1]
  assert str(tmp_path) in found['disk'][1] and not run.exists()


def test_too_few_open_files_are_bad() -> None:
  done = subprocess.run(
    f'ulimit -n 200; {sys.executable} -m qmle_acme.launch doctor',
    shell=True,
    cwd=ROOT,
    capture_output=True,
    text=True,
  )

  assert done.returncode == 1
  assert 'bad     open files 200 a process; 2 actors need up to 320 -> ' in done.stdout


def test_a_limit_of_instructions_that_says_nothing_is_told() -> None:
  code, found = doctor(QMLE_MAX_CPU_ISA='avx2')

  assert code == 0
  assert found['processor'][0] == 'warning'
  assert "QMLE_MAX_CPU_ISA is 'avx2'" in found['processor'][1]


@pytest.mark.skipif('avx512_vnni' not in CPU, reason='this processor has AVX2 alone')
def test_the_kernels_are_those_that_the_library_chooses(
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  most = 'AMX' if 'amx_int8' in CPU else 'AVX-512'
  monkeypatch.delenv('QMLE_MAX_CPU_ISA', raising=False)
  assert installation.chosen_kernels() == most
  for asked, chosen in {'AVX2': 'AVX2', 'AVX512': 'AVX-512', 'avx2': most}.items():
    monkeypatch.setenv('QMLE_MAX_CPU_ISA', asked)
    assert installation.chosen_kernels() == chosen


def test_versions_that_do_not_fit_are_named() -> None:
  pins = installation.pinned(
    ['numpy==1.23.5', 'rich==1.0', 'qmle-nothing==2', 'ruff==1; extra == "dev"']
  )

  assert installation.unfit(pins) == {'rich': '15.0.0', 'qmle-nothing': 'missing'}


@pytest.mark.parametrize(
  ('variables', 'level'),
  [
    ({}, Level.GOOD),
    ({'http_proxy': 'http://127.0.0.1:9'}, Level.BAD),
    ({'ALL_PROXY': 'http://127.0.0.1:9'}, Level.BAD),
    ({'https_proxy': 'http://127.0.0.1:9', 'grpc_proxy': ''}, Level.GOOD),
    (main.make_environment({'http_proxy': 'http://127.0.0.1:9'}), Level.GOOD),
  ],
)
def test_a_proxy_before_our_servers_is_bad(
  variables: dict[str, str], level: Level
) -> None:
  assert network.proxies(variables).level == level


def test_open_ports_are_told_unless_a_bind_is_preloaded() -> None:
  script = 'from qmle_acme.doctor import network; print(network.visitors().level.name)'
  command = [sys.executable, '-c', script]
  levels = []
  for is_open in (True, False):
    environment = main.make_environment(os.environ, is_open)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    levels.append(done.stdout.strip())

  assert levels == ['WARNING', 'GOOD']


def test_a_host_that_does_not_lead_here_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setattr(network, '_HOST', 'nowhere.invalid')
  found = network.free_ports()

  assert found.level == Level.BAD and 'nowhere.invalid' in found.text


def test_memory_is_judged_by_the_need() -> None:
  total = psutil.virtual_memory().total

  def level(need: int | None) -> Level:
    return resources.memory_for(Need(replay_bytes=need)).level

  assert level(2 * total) == Level.BAD
  assert level(total - 1) == Level.WARNING
  assert level(1) == level(None) == Level.GOOD


def test_a_folder_that_cannot_be_is_bad_and_a_full_disk_a_warning() -> None:
  nowhere: Finding = resources.disk_for(Need(pathlib.Path('/dev/null/run')))
  full: Finding = resources.disk_for(Need(disk_bytes=2**60))

  assert nowhere.level == Level.BAD and '/dev/null' in nowhere.text
  assert full.level == Level.WARNING and 'make room' in full.advice
