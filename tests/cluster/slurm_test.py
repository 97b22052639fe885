"""A whole run in an allocation of a real SLURM: three hosts, which are this machine."""

import os
import pathlib
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator

import psutil
import pytest
from deployed import Deployment, output_of, small_settings

from qmle_acme.launch import benchmark
from qmle_acme.runs.run_folder import RunFolder

pytestmark = pytest.mark.cluster

_CONFIGURATION = """
ClusterName=qmle
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=17000
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
ReturnToService=2
SwitchType=switch/none
MpiDefault=none
KillWait=90
NodeName=n[1-3] NodeHostname={host} NodeAddr=127.0.0.1 Port=[17001-17003] CPUs={cores}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
  """A SLURM of its own, in a folder; nothing of this machine's is touched."""

  def __init__(self, folder: pathlib.Path):
    """Starts it."""
    self._folder = folder
    folder.chmod(0o755)
    (folder / 'state').mkdir()
    key = folder / 'munge.key'
    key.touch(0o600)
    key.write_bytes(os.urandom(1024))
    configuration = folder / 'slurm.conf'
    host = output_of('hostname', '--short')
    configuration.write_text(
      _CONFIGURATION.format(folder=folder, host=host, cores=os.cpu_count())
    )
    os.environ['SLURM_CONF'] = str(configuration)
    self._daemons: list[subprocess.Popen[bytes]] = []
    munge = [f'--{kind}-file={folder}/munge.{kind}' for kind in ('key', 'pid', 'log')]
    # Without a seed from an earlier time, and in a folder that others may read.
    self._start(
      'munged', '--foreground', '--force', *munge, f'--socket={folder}/munge.socket',
      f'--seed-file={folder}/munge.seed',
    )  # fmt: skip
    self._start('slurmctld', '-D')
    for name in ('n1', 'n2', 'n3'):
      self._start('slurmd', '-D', '-N', name)
    for _ in range(60):
      idle = subprocess.run(
        ['sinfo', '--noheader', '-o', '%t %D'], capture_output=True, text=True
      )
      if idle.stdout.split() == ['idle', '3']:
        return
      if any(daemon.poll() is not None for daemon in self._daemons):
        break
      time.sleep(1.0)
    self.stop()
    outputs = ''.join(path.read_text() for path in folder.glob('*.out'))
    raise AssertionError(f'no three idle hosts: {idle.stdout} {outputs}')

  def _start(self, *command: str) -> None:
    with (self._folder / f'{command[0]}.out').open('ab') as out:
      self._daemons.append(subprocess.Popen(command, stdout=out, stderr=out))

  def stop(self) -> None:
    """Ends all of its daemons."""
    for daemon in reversed(self._daemons):
      daemon.terminate()
      try:
        daemon.wait(20.0)
      except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
    del os.environ['SLURM_CONF']


class Allocation(Deployment):
  """A run in an allocation."""

  def __init__(self, root: pathlib.Path):
    run = root / 'runs' / 'proof'
    super().__init__('slurm', root, run, '--run', str(run), '--nodes', '3')

  def submit(self) -> str:
    """Submits the script; returns the number of the job."""
    return output_of('sbatch', '--parsable', str(self.out / 'run.sbatch'))

  def state(self, job: str) -> str:
    """Returns the state of a job, such as COMPLETED, and its exit code."""
    words = self._words(job)
    return f'{words["JobState"]} {words["ExitCode"]}'

  def minutes(self, job: str) -> int:
    """Returns for how many whole minutes a job has run, less than an hour."""
    return int(self._words(job)['RunTime'].split(':')[1])

  def _words(self, job: str) -> dict[str, str]:
    shown = output_of('scontrol', '--oneliner', 'show', 'job', job)
    return dict(word.split('=', 1) for word in shown.split() if '=' in word)

  def process(self, role: str) -> psutil.Process:
    """Returns the process of a node."""
    for process in psutil.process_iter(['cmdline']):
      command = process.info['cmdline'] or []
      if str(self.folder.path) in command and f'--role {role} ' in ' '.join(command):
        return process
    raise AssertionError(f'{role} does not run')

  def step(self, job: str, role: str) -> str:
    """Returns the number of the step in which a node runs."""
    return f'{job}.{self.process(role).environ()["SLURM_STEP_ID"]}'

  def show_logs(self) -> None:
    """See `Deployment`; and what the job has printed."""
    super().show_logs()
    for output in self.out.glob('slurm-*.out'):
      print(f'--- {output.name}\n{output.read_text(errors="replace")[-3000:]}')


@pytest.fixture
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
  engine = Slurm(tmp_path_factory.mktemp('slurm'))
  try:
    yield engine
  finally:
    engine.stop()


@pytest.mark.usefixtures('slurm')
def test_run_reaches_its_end_through_kills_and_ends_of_the_job(
  tmp_path: pathlib.Path,
) -> None:
  run = Allocation(tmp_path)
  job = run.submit()
  try:
    run.wait_until(lambda: int(run.status().get('saved_steps', 0)) > 0, 'a checkpoint')
    assert len(hosts_of_actors(run)) == 2
    saved = run.status()['saved_steps']
    run.process('learner').send_signal(signal.SIGKILL)
    run.wait_for_progress('after the kill of the learner', generation=2)
    assert run.status()['actor_steps'] > saved
    step = run.step(job, 'replay')
    output_of('scancel', '--signal=KILL', step)
    run.wait_for_progress('after the kill of the step of replay', generation=3)
    assert run.step(job, 'replay') != step
    output_of('scancel', job)
    run.wait_until(lambda: run.state(job).startswith('CANCELLED'), 'the cancellation')
    assert_has_saved(run)
    job = run.submit()
    run.wait_for_progress('after the cancellation', generation=3)
    # Between one and two minutes are left then, and SLURM warns two minutes ahead.
    limit = run.minutes(job) + 2
    output_of('scontrol', 'update', f'JobId={job}', f'TimeLimit={limit}')
    run.wait_until(lambda: run.state(job).startswith('PENDING'), 'to be queued again')
    assert_has_saved(run)
    steps = run.status()['saved_steps'] + 2000
    run.set_end(steps)
    # Not at once: in the second in which SLURM revokes the job's credential it would
    # revoke a new one too, and the job be over.
    later = ('StartTime=now+3seconds', 'TimeLimit=INFINITE')
    output_of('scontrol', 'update', f'JobId={job}', *later)
    run.wait_until(lambda: run.state(job) == 'COMPLETED 0:0', 'the end')
    run.assert_whole(steps)
  finally:
    run.show_logs()
    subprocess.run(['scancel', '--full', '--signal=KILL', job])


@pytest.mark.usefixtures('slurm')
def test_each_run_of_a_benchmark_is_an_element_of_an_array(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.chdir(tmp_path)
  pathlib.Path('small.yaml').write_text(small_settings())
  arguments = (
    '--tasks bandit:bimodal --agents qmle --seeds 2 --steps 150 --layout local '
    '--config small.yaml --out of\\ two'
  )
  assert benchmark.main([*shlex.split(arguments), '--slurm']) == 0
  job = output_of('sbatch', '--parsable', '--wait', 'of two/array.sbatch')
  for seed in (1, 2):
    folder = RunFolder(tmp_path / 'of two' / 'bandit-bimodal' / 'qmle' / f'seed{seed}')
    assert folder.is_finished(150), (job, folder.read_status())
    assert folder.read_config().seed == seed


def assert_has_saved(run: Allocation) -> None:
  """Asserts that the run has been stopped, and that nothing of it is lost."""
  stopped = run.status()
  assert (stopped['state'], stopped['error']) == ('stopped', None)
  assert stopped['actor_steps'] == stopped['saved_steps'] > 0


def hosts_of_actors(run: Allocation) -> set[str]:
  """Returns on which hosts the actors run."""
  return {
    process.environ()['SLURMD_NODENAME']
    for process in psutil.process_iter(['cmdline'])
    if str(run.folder.path) in (process.info['cmdline'] or [])
    and '--role actor ' in ' '.join(process.info['cmdline'])
  }
