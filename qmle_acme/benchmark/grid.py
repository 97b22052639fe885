"""A grid of runs: tasks x agents x seeds, the same settings for every agent."""

import contextlib
import dataclasses
import functools
import pathlib
import shlex
from typing import Annotated, Literal

from pydantic import Field

from qmle_acme import environments
from qmle_acme.benchmark import suites
from qmle_acme.errors import UserError
from qmle_acme.runs import config as config_lib
from qmle_acme.runs import shipped
from qmle_acme.runs.run_folder import DIED, RunFolder
from qmle_acme.settings import Count, check

# Settings of a run that the grid makes, by what makes them.
_OWN_OPTIONS = {
  'env': '--suite or --tasks',
  'agent': '--agents',
  'label': '--agents',
  'seed': '--seeds',
  'steps': '--steps',
  'layout': '--layout',
  'run': '--out',
}


_STEPS = 500_000


@dataclasses.dataclass(frozen=True)
class Contestant:
  """An agent with its settings, as a benchmark compares it.

  Attributes:
    name: what its runs and the report call it.
    files: YAML files of its settings, in order.
    settings: the defaults with these files over them.
  """

  name: str
  files: tuple[pathlib.Path, ...]
  settings: config_lib.RunConfig


@dataclasses.dataclass(frozen=True)
class BenchmarkConfig:
  """Settings of a benchmark."""

  out: pathlib.Path = pathlib.Path('results')
  """Folder of the runs: <out>/<task>/<agent>/seed<n>."""
  suite: str = ''
  """Tasks of a suite: control9, control18, complex, high_dimensional, quick, or a YAML
  file like those in configs/suites."""
  tasks: str = ''
  """Tasks by their names, with commas between them, instead of a suite."""
  agents: str = 'qmle,d4pg,dmpo'
  """Agents to compare, with commas between them: qmle, d4pg, dmpo; strong, jagged,
  chance or quick, which are QMLE with settings that come with the package; or a YAML
  file of settings with a label of its own."""
  seeds: Annotated[int, Field(ge=1, le=10_000)] = 3
  """Runs of each agent on each task; their seeds are 1, 2, and so on."""
  steps: Count | None = None
  """Environment steps of each run: by default what the suite says, or 500,000."""
  layout: Literal['local', 'distributed'] = 'distributed'
  """Layout of each run."""
  tuned: bool = True
  """Give agents that have a configs/baselines/<agent>_tuned.yaml, which d4pg and dmpo
  have, Acme's own settings for control tasks; else those of Acme 0.4.0's classes. What
  --config says comes after."""
  config: str = ''
  """Settings for every run that no other option here sets: a YAML file, or a name of
  settings that come with the package."""
  jobs: Annotated[int, Field(ge=1, le=1_000)] = 1
  """Runs side by side."""
  print_commands: bool = False
  """Print the commands of the runs, one a line, and start none."""
  slurm: bool = False
  """Write <out>/array.sbatch, with which SLURM runs the grid as an array of jobs, one a
  run, and start none. Its hosts must share this folder and <out>."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: a value lies outside its range; the message names it.
    """
    if bool(self.suite) == bool(self.tasks):
      given = 'both are' if self.suite else 'neither is'
      raise UserError(f'name either a --suite or --tasks: {given} given')
    check(self)

  @property
  def file(self) -> pathlib.Path | None:
    """The file of settings for every run, if there is one."""
    return shipped.settings_file(self.config) if self.config else None

  @functools.cached_property
  def suite_tasks(self) -> dict[str, suites.Task]:
    """The tasks, in the order of the suite or of the command line.

    Of a task of the command line nothing is said, though a suite may have it.

    Raises:
      UserError: the suite or a task is not known.
    """
    tasks = (
      suites.load(self.suite)
      if self.suite
      else {name: suites.Task(dimensions=0) for name in _listed('--tasks', self.tasks)}
    )
    if self._has_own_tasks:
      for name in tasks:
        environments.check(name)
    return tasks

  @property
  def _has_own_tasks(self) -> bool:
    """Whether the tasks are the user's own, which are checked before any run.

    Of a suite that comes with the package the extras of some tasks may be missing.
    """
    return not self.suite or shipped.is_path(self.suite)

  @functools.cached_property
  def contestants(self) -> tuple[Contestant, ...]:
    """The agents, in the order of the command line.

    Raises:
      UserError: there is no such agent, a file is damaged, or two have one name.
    """
    found = tuple(_contestant(self, word) for word in _listed('--agents', self.agents))
    names = [contestant.name for contestant in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
      raise UserError(f'two of --agents are called {twice[0]}: give one a label')
    return found

  def check_fit(self) -> None:
    """Makes the environments of the user's own tasks for agents that need a box.

    Raises:
      UserError: such an agent cannot act in one of them.
    """
    choosy = [c for c in self.contestants if c.settings.of_agent.ONLY_BOX]
    if not choosy or not self._has_own_tasks:
      return
    for name, task in self.suite_tasks.items():
      if task.relaxed:
        continue
      with environments.make(name, seed=0) as environment:
        for contestant in choosy:
          try:
            contestant.settings.of_agent.check_actions(environment.action_spec())
          except UserError as error:
            raise UserError(f'{contestant.name} on {name}: {error}') from None


@dataclasses.dataclass(frozen=True)
class GridRun:
  """One run of a grid.

  Attributes:
    task: the environment's name.
    env: the same, or its relaxed form if the agent needs that.
    agent: the name of the agent with its settings.
    seed: of the run.
    steps: environment steps that it is to take.
    folder: of the run.
    arguments: of the `qmle` command that starts or resumes it.
  """

  task: str
  env: str
  agent: str
  seed: int
  steps: int
  folder: RunFolder
  arguments: tuple[str, ...]

  @property
  def name(self) -> str:
    """What a person calls it."""
    return f'{self.agent} on {self.task}, seed {self.seed}'

  @property
  def command(self) -> str:
    """The command as it is typed."""
    return shlex.join(['qmle', *self.arguments])

  @property
  def output(self) -> pathlib.Path:
    """The file that takes what the command prints, beside the run folder."""
    return self.folder.path.with_suffix('.out')

  def steps_taken(self) -> int:
    """Returns the actor steps that the run's status names; none if it is damaged."""
    with contextlib.suppress(UserError):
      return int(self.folder.read_status().get('actor_steps', 0))
    return 0

  def is_finished(self) -> bool:
    """Returns whether there is nothing left to do.

    A run whose status is damaged is not finished: its own command says what is wrong,
    and the others go on.
    """
    with contextlib.suppress(UserError):
      return self.folder.is_finished(self.steps)
    return False

  def has_died(self) -> bool:
    """Returns whether its process is gone without a word, as after SIGKILL."""
    with contextlib.suppress(UserError):
      return self.folder.read_status().get('state') == DIED
    return False


def make_grid(config: BenchmarkConfig) -> list[GridRun]:
  """Returns the runs, seed by seed: a grid cut short has whole comparisons.

  Raises:
    UserError: a name is not known, a setting is not one that a run can have or that a
      file can give it, or a run that is there, finished or not, was made with others.
  """
  settings = config_lib.load_yaml(config.file) if config.file else {}
  options = [f'{key} ({_OWN_OPTIONS[key]})' for key in settings if key in _OWN_OPTIONS]
  if options:
    raise UserError(
      f'{config.file} sets {", ".join(options)}: use the options of the benchmark; '
      '--agents takes files of settings and their names, too'
    )
  tasks, contestants = config.suite_tasks, config.contestants
  grid = []
  for seed in range(1, config.seeds + 1):
    for task, said in tasks.items():
      for contestant in contestants:
        run = _make_run(config, task, said, contestant, seed)
        run.folder.check_same(
          dataclasses.replace(
            contestant.settings, env=run.env, seed=seed, layout=config.layout
          ),
          # All else is compared, return by wall time too.
          may_change=('steps:', 'actors:', 'learner_threads:'),
        )
        grid.append(run)
  return grid


def _contestant(config: BenchmarkConfig, word: str) -> Contestant:
  """Returns the agent of a word in --agents: its name, or a file of settings."""
  if word in config_lib.AGENTS:
    tuned = shipped.BASELINES / f'{word}_tuned.yaml'
    files = [tuned] if config.tuned and tuned.exists() else []
  else:
    files = [shipped.settings_file(word, 'agent', config_lib.AGENTS)]
  files += filter(None, [config.file])
  settings = config_lib.overlay_files(config_lib.RunConfig(run=config.out), files)
  if word in config_lib.AGENTS:
    settings = dataclasses.replace(settings, agent=word)
  return Contestant(settings.label or settings.agent, tuple(files), settings)


def _make_run(
  config: BenchmarkConfig,
  task: str,
  said: suites.Task,
  contestant: Contestant,
  seed: int,
) -> GridRun:
  name, settings = contestant.name, contestant.settings
  path = config.out / task.replace(':', '-') / name / f'seed{seed}'
  # In some tasks of a suite agents of boxes act by the relaxed form.
  env = f'relaxed:{task}' if said.relaxed and settings.of_agent.ONLY_BOX else task
  steps = config.steps or said.steps or _STEPS
  options = {
    'env': env,
    'agent': settings.agent,
    'run': path,
    'steps': steps,
    'seed': seed,
    'layout': config.layout,
  }
  pairs = [*(('config', file) for file in contestant.files), *options.items()]
  words = [word for name, value in pairs for word in (f'--{name}', str(value))]
  folder = RunFolder(path)
  return GridRun(task, env, name, seed, steps, folder, ('train', *words))


def _listed(option: str, text: str) -> tuple[str, ...]:
  """Returns the names in a list with commas, each once.

  Raises:
    UserError: there are none.
  """
  names = tuple(dict.fromkeys(filter(None, map(str.strip, text.split(',')))))
  if not names:
    raise UserError(f'{option} is empty: give names with commas between them')
  return names
