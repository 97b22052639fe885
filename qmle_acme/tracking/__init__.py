"""Records of a run, sent on to Weights & Biases or MLflow while it goes on."""

from qmle_acme.tracking.following import check, following

__all__ = ['check', 'following']
