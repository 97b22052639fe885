"""The package, the `qmle` command, and the one list of direct dependencies.

Versions are exact because these work together and few others do: Launchpad's last
builds match TensorFlow 2.12 on Python 3.10 only, and the rest follows from that.
Install from requirements.txt without dependency resolution, as the Makefile and the
Dockerfile do: dm-acme pins a second, broken Launchpad that pip would put over ours.
"""

import ast
import importlib.util
import pathlib
import subprocess
import sys

import setuptools
from setuptools.command import build_ext

DEPENDENCIES = [
  'absl-py==2.5.1',  # Flags, which Acme and Launchpad read.
  'dm-acme==0.4.0',  # Actors, adders, loops, and the D4PG and DMPO learners.
  'dm-control==1.0.50',  # The control suite.
  'dm-env==1.6',  # The environment interface.
  'dm-launchpad-nightly==0.5.2.dev20230302',  # Programs; built for TensorFlow 2.12.
  'dm-reverb==0.11.0',  # The replay server; built for TensorFlow 2.12.
  'dm-sonnet==2.0.2',  # Networks.
  'dm-tree==0.1.10',  # Nested actions.
  'gym==0.25.2',  # Imported by acme.wrappers.
  'gymnasium==1.4.0',  # Environments of other suites, by name.
  'jax==0.4.13',  # Imported by Acme's adders; the last with jnp.DeviceArray.
  'jaxlib==0.4.13',  # What jax needs to be imported.
  'mujoco==3.17.0',  # Physics; dm-control 1.0.50 breaks with 4.
  'numpy==1.23.5',  # Arrays; TensorFlow 2.12 takes no newer.
  'pillow==12.3.0',  # Imported by acme.wrappers.
  'plotext==5.3.2',  # Curves in the terminal; 6 has another interface.
  'portpicker==1.6.0',  # Free ports, as Launchpad picks them.
  'pydantic==2.14.3',  # Types of what configurations hold.
  'pydantic-core==2.50.4',  # What its errors are made of.
  'psutil==7.2.2',  # CPU time and memory of processes.
  'pyyaml==6.0.3',  # Configurations.
  'rich==15.0.0',  # Tables in the terminal.
  'scipy==1.15.3',  # Intervals and trimmed means; densities that tests compare with.
  'setuptools==80.10.2',  # TensorBoard's command imports pkg_resources, gone in 81.
  'tensorflow-cpu==2.12.0',  # The newest that a Launchpad build matches.
  'tensorflow-probability==0.20.1',  # Densities; later ones need 2.18 of TF.
  'trfl==1.2.0',  # Losses, imported by Acme's agents.
  'typing-extensions==4.16.0',  # The only TypedDict that pydantic takes on 3.10.
  'tyro==1.0.17',  # Command lines from dataclasses; exact for its private error hook.
]

# Pictures, tables and videos of runs: `qmle report`, `qmle experiment`, `qmle render`.
REPORT = [
  'imageio==2.38.0',  # Writes videos.
  'imageio-ffmpeg==0.8.1',  # The ffmpeg that imageio writes videos with.
  'jinja2==3.1.6',  # The pages of reports.
  'matplotlib==3.10.9',  # Plots.
  'pandas==2.3.3',  # Tables of reports; the last that takes this numpy.
  'rliable==1.2.0',  # Interquartile means and performance profiles.
]

# Searches for settings: `qmle tune`.
TUNE = [
  'optuna==5.0.0',  # Samplers, pruners and the file of trials.
]

# Records of a run sent on to others: `qmle train --track`. They bring twenty packages,
# so what only runs trainings leaves them out.
TRACK = [
  'mlflow-skinny==3.17.2',  # The client of MLflow alone.
  'wandb==0.28.0',  # Weights & Biases.
]

# Compiles qmle_acme/kernels; a machine that only runs it needs none of it.
BUILD = [
  'ziglang==0.17.1',  # The C compiler: no machine need have one.
]

# The site of docs/: `make docs`.
DOCS = [
  'griffelib==2.3.0',  # Reads what stands below the fields of settings.
  'mkdocs==1.6.1',  # Builds it; the last release, and what the next two work with.
  'mkdocs-material==9.7.7',  # How it looks; searches without a server.
  'mkdocstrings==1.0.6',  # Puts docstrings into pages.
  'mkdocstrings-python==2.0.9',  # Reads them from the source: TensorFlow stays out.
  'pymdown-extensions==11.0.2',  # Code blocks; mkdocstrings 1.0.6 breaks with 12.
]

DEV = [
  *REPORT,
  *BUILD,
  *DOCS,
  *TUNE,
  *TRACK,
  'hypothesis==6.168.5',  # Invariants on random inputs.
  'ipykernel==7.3.0',  # The kernel of a notebook, which a test trains in.
  'kubernetes-validate==1.37.0',  # The schemas of the Kubernetes API.
  'mypy==2.4.1',  # Types.
  'nbclient==0.11.0',  # Runs a notebook as its server would.
  'pytest==9.2.0',  # Runs the tests.
  'pytest-xdist==3.8.0',  # Runs them on several cores.
  'ruff==0.17.6',  # Format and lint.
  'types-pyyaml==6.0.12.20261113',  # Types of PyYAML for mypy.
]

NATIVE = pathlib.Path('qmle_acme/kernels')
# One library for every processor with AVX2 and every glibc since 2012. Sums may be
# reordered, which vectors need; infinities and NaN keep their meaning.
CFLAGS = [
  '-target',
  'x86_64-linux-gnu.2.17',
  '-std=c11',
  '-O3',
  '-Wall',
  '-Wextra',
  '-fPIC',
  '-shared',
  '-ffp-contract=fast',
  '-fassociative-math',
  '-fno-signed-zeros',
  '-fno-trapping-math',
  '-fno-math-errno',
]


class BuildNative(build_ext.build_ext):
  """Compiles our libraries: TensorFlow's operations, and what is preloaded."""

  def get_ext_filename(self, fullname: str) -> str:
    """Returns the file's path: no module of Python, so without its version."""
    return fullname.replace('.', '/') + '.so'

  def build_extension(self, extension: setuptools.Extension) -> None:
    """Compiles with the pinned compiler, for operations against TensorFlow."""
    out = pathlib.Path(self.get_ext_fullpath(extension.name))
    out.parent.mkdir(parents=True, exist_ok=True)
    found = importlib.util.find_spec('tensorflow')
    tensorflow = pathlib.Path(found.submodule_search_locations[0])
    compiler = [sys.executable, '-m', 'ziglang', 'cc', *CFLAGS]
    framework = tensorflow / 'libtensorflow_framework.so.2'
    links = {
      'tensorflow': ['-isystem', tensorflow / 'include', framework],
      'dl': ['-ldl'],
    }
    (library,) = extension.libraries
    sources = [*extension.sources, *links[library]]
    subprocess.run([*compiler, *sources, '-o', out], check=True)


def read_version() -> str:
  """Returns the version that the package says it has."""
  source = pathlib.Path('qmle_acme/__init__.py').read_text()
  (version,) = (
    node.value
    for node in ast.parse(source).body
    if isinstance(node, ast.Assign) and ast.unparse(node.targets) == '__version__'
  )
  return str(ast.literal_eval(version))


setuptools.setup(
  name='qmle_acme',
  version=read_version(),
  description='Q-learning with maximum likelihood estimation, distributed.',
  long_description=pathlib.Path('README.md').read_text(),
  long_description_content_type='text/markdown',
  license='Apache-2.0',
  license_files=['LICENSE'],
  python_requires='>=3.10,<3.11',
  # `launch` is a name that other packages have too, so it is installed below ours.
  package_dir={'qmle_acme.launch': 'launch', 'qmle_acme.configs': 'configs'},
  packages=[
    *setuptools.find_packages(include=['qmle_acme', 'qmle_acme.*']),
    'qmle_acme.launch',
    'qmle_acme.configs',
  ],
  package_data={
    'qmle_acme': ['py.typed'],
    'qmle_acme.report': ['*.csv', '*.jinja'],
    'qmle_acme.configs': ['*.yaml', '*/*.yaml'],
  },
  install_requires=DEPENDENCIES,
  cmdclass={'build_ext': BuildNative},
  ext_modules=[
    setuptools.Extension(
      'qmle_acme.kernels._operations',
      sorted(map(str, NATIVE.glob('*.c'))),
      depends=sorted(map(str, NATIVE.glob('*.h'))),
      libraries=['tensorflow'],
    ),
    setuptools.Extension(
      'qmle_acme.kernels._stored',
      [str(NATIVE / 'preload' / 'stored.c')],
      libraries=['dl'],
    ),
    setuptools.Extension(
      'qmle_acme.kernels._loopback',
      [str(NATIVE / 'preload' / 'loopback.c')],
      libraries=['dl'],
    ),
  ],
  extras_require={
    'report': REPORT,
    'tune': TUNE,
    'track': TRACK,
    'build': BUILD,
    'docs': DOCS,
    'dev': DEV,
  },
  entry_points={'console_scripts': ['qmle = qmle_acme.launch.main:main']},
)
