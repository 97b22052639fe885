"""QMLE: Q-learning for complex action spaces, as a distributed actor-learner system.

Source of the algorithm: Tavakoli, Ghiassian, Rakićević, "Learning in complex action
spaces without policy gradients", arXiv 2410.06317.

From Python: `train` trains, `load_policy` acts by what a run has learned. What is named
here is imported when it is used, since TensorFlow takes seconds.
"""

import os
from typing import TYPE_CHECKING

from qmle_acme import lazy

if TYPE_CHECKING:
  from qmle_acme.agents.acme.d4pg import D4PGConfig
  from qmle_acme.agents.acme.dmpo import DMPOConfig
  from qmle_acme.agents.qmle import QMLEConfig
  from qmle_acme.callbacks import Callback, EarlyStopping, Result
  from qmle_acme.errors import UserError
  from qmle_acme.policy import Considered, Policy, load_policy
  from qmle_acme.runs.evaluations import Evaluation
  from qmle_acme.trainer import train

# TensorFlow reads it at its import; else it speaks of the processor before we speak.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

__version__ = '0.1.0'
__all__ = [
  'Callback',
  'Considered',
  'D4PGConfig',
  'DMPOConfig',
  'EarlyStopping',
  'Evaluation',
  'Policy',
  'QMLEConfig',
  'Result',
  'UserError',
  'load_policy',
  'train',
]

__getattr__, __dir__ = lazy.names(
  __name__,
  {
    'Callback': 'callbacks',
    'Considered': 'policy',
    'D4PGConfig': 'agents.acme.d4pg',
    'DMPOConfig': 'agents.acme.dmpo',
    'EarlyStopping': 'callbacks',
    'Evaluation': 'runs.evaluations',
    'Policy': 'policy',
    'QMLEConfig': 'agents.qmle',
    'Result': 'callbacks',
    'UserError': 'errors',
    'load_policy': 'policy',
    'train': 'trainer',
  },
)
