"""Tests of what goes from the learner to the actors."""

import numpy as np
import pytest
import tensorflow as tf

from qmle_acme.agents.qmle.parameters import Number, Parameters


def make_variables() -> list[tf.Variable]:
  return [tf.Variable([[1.0, 2.0], [3.0, 4.0]]), tf.Variable(5.0), tf.Variable([6.0])]


def test_parameters_are_all_values_in_order() -> None:
  parameters = Parameters(make_variables())
  np.testing.assert_array_equal(parameters.numpy(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])


def test_each_variable_takes_its_part() -> None:
  variables = make_variables()
  Parameters(variables).assign(np.arange(-6, 0, dtype=np.float32))
  assert [variable.numpy().tolist() for variable in variables] == [
    [[-6.0, -5.0], [-4.0, -3.0]],
    -2.0,
    [-1.0],
  ]


def test_values_are_read_anew() -> None:
  variables = make_variables()
  parameters = Parameters(variables)
  before = parameters.numpy()
  variables[1].assign(7.0)
  np.testing.assert_array_equal(parameters.numpy() - before, [0, 0, 0, 0, 2.0, 0])


@pytest.mark.parametrize('size', [5, 7])
def test_a_vector_of_another_network_is_refused(size: int) -> None:
  variables = make_variables()
  with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
    Parameters(variables).assign(np.zeros(size, np.float32))
  assert variables[0].numpy()[0, 0] == 1.0


def test_number_takes_an_array() -> None:
  number = Number(1.0)
  number.assign(np.array(2.5, np.float32))
  assert number.value == 2.5
