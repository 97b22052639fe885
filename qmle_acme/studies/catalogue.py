"""All studies, by name."""

from qmle_acme.studies.ablation import AblationStudy
from qmle_acme.studies.bandit import BanditStudy
from qmle_acme.studies.budget import BudgetStudy
from qmle_acme.studies.cardinality import CardinalityStudy
from qmle_acme.studies.dimensions import DimensionsStudy
from qmle_acme.studies.exactness import ExactnessStudy
from qmle_acme.studies.locality import LocalityStudy
from qmle_acme.studies.predictors import PredictorsStudy
from qmle_acme.studies.study import Study

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
