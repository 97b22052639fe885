"""Arg max predictors, and the ensemble that proposes candidates."""

from typing import TYPE_CHECKING

from qmle_acme import lazy

if TYPE_CHECKING:
  from qmle_acme.agents.qmle.predictors.base import Predictor
  from qmle_acme.agents.qmle.predictors.config import (
    UNIFORM,
    AutoregressiveConfig,
    CategoricalConfig,
    DeltaConfig,
    GaussianConfig,
    MemberConfig,
    MixtureConfig,
    PredictorConfig,
    families,
  )
  from qmle_acme.agents.qmle.predictors.ensemble import (
    Ensemble,
    make_predictor,
    split_budget,
  )

__all__ = [
  'UNIFORM',
  'AutoregressiveConfig',
  'CategoricalConfig',
  'DeltaConfig',
  'Ensemble',
  'GaussianConfig',
  'MemberConfig',
  'MixtureConfig',
  'Predictor',
  'PredictorConfig',
  'families',
  'make_predictor',
  'split_budget',
]

__getattr__, __dir__ = lazy.names(
  __name__,
  {
    'AutoregressiveConfig': 'config',
    'CategoricalConfig': 'config',
    'DeltaConfig': 'config',
    'families': 'config',
    'GaussianConfig': 'config',
    'MemberConfig': 'config',
    'MixtureConfig': 'config',
    'PredictorConfig': 'config',
    'UNIFORM': 'config',
    'Predictor': 'base',
    'Ensemble': 'ensemble',
    'make_predictor': 'ensemble',
    'split_budget': 'ensemble',
  },
)
