"""All studies, by name."""

from qmle_acme.experiments.ablation import AblationStudy
from qmle_acme.experiments.bandit import BanditStudy
from qmle_acme.experiments.budget import BudgetStudy
from qmle_acme.experiments.cardinality import CardinalityStudy
from qmle_acme.experiments.dimensions import DimensionsStudy
from qmle_acme.experiments.exactness import ExactnessStudy
from qmle_acme.experiments.locality import LocalityStudy
from qmle_acme.experiments.predictors import PredictorsStudy
from qmle_acme.experiments.study import Study

STUDIES: dict[str, Study] = {
  'bandit': BanditStudy(),
  'budget': BudgetStudy(),
  'ablation': AblationStudy(),
  'dimensions': DimensionsStudy(),
  'locality': LocalityStudy(),
  'predictors': PredictorsStudy(),
  'cardinality': CardinalityStudy(),
  'exactness': ExactnessStudy(),
}
