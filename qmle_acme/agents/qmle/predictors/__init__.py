"""Arg max predictors, and the ensemble that proposes candidates."""

from qmle_acme.agents.qmle.predictors.base import Predictor
from qmle_acme.agents.qmle.predictors.config import FAMILIES, UNIFORM, PredictorConfig
from qmle_acme.agents.qmle.predictors.ensemble import (
  Ensemble,
  make_predictor,
  split_budget,
)

__all__ = [
  'FAMILIES',
  'UNIFORM',
  'Ensemble',
  'Predictor',
  'PredictorConfig',
  'make_predictor',
  'split_budget',
]
