"""QMLE: Q-learning for complex action spaces, as a distributed actor-learner system.

Source of the algorithm: Tavakoli, Ghiassian, Rakićević, "Learning in complex action
spaces without policy gradients", arXiv 2410.06317.

From Python: `load_policy` acts by what a run has learned. What is named here is
imported when it is used, since TensorFlow takes seconds.
"""

from typing import TYPE_CHECKING

from qmle_acme import lazy

if TYPE_CHECKING:
  from qmle_acme.policy import Considered, Policy, load_policy

__version__ = '0.1.0'
__all__ = ['Considered', 'Policy', 'load_policy']

__getattr__ = lazy.names(
  __name__, {'Considered': 'policy', 'Policy': 'policy', 'load_policy': 'policy'}
)
