"""QMLE: Q-learning for complex action spaces, as a distributed actor-learner system.

Source of the algorithm: Tavakoli, Ghiassian, Rakićević, "Learning in complex action
spaces without policy gradients", arXiv 2410.06317.
"""

__version__ = '0.1.0'
