"""Graphs of one signature."""

from typing import NamedTuple

import pytest
import tensorflow as tf

from qmle_acme.graphs import SingleGraph


class Pair(NamedTuple):
  left: tf.Tensor
  right: tf.Tensor


class Counter:
  """Adds pairs to what it holds, and counts how often it was traced."""

  def __init__(self) -> None:
    self.traces = 0
    self._sum = tf.Variable([0.0, 0.0])
    self.add = SingleGraph(self._add)

  def _add(self, pair: Pair, factor: tf.Tensor) -> dict[str, tf.Tensor]:
    self.traces += 1
    self._sum.assign_add(factor * (pair.left - pair.right))
    return {'sum': self._sum.read_value()}


def pair(left: float, right: float) -> Pair:
  return Pair(tf.constant([left, 0.0]), tf.constant([right, 1.0]))


def test_each_call_takes_its_own_values_and_none_but_the_first_is_traced() -> None:
  counter = Counter()
  assert counter.traces == 0
  first = counter.add(pair(3.0, 1.0), tf.constant(2.0))
  second = counter.add(pair(5.0, 7.0), tf.constant(0.5))
  assert first['sum'].numpy().tolist() == [4.0, -2.0]
  assert second['sum'].numpy().tolist() == [3.0, -2.5]
  assert counter.traces == 1


def test_each_instance_has_its_own_graph() -> None:
  counters = Counter(), Counter()
  sums = [c.add(pair(1.0, 0.0), tf.constant(1.0))['sum'].numpy() for c in counters]
  assert [values.tolist() for values in sums] == [[1.0, -1.0]] * 2


def test_one_whose_arguments_are_told_is_traced_before_it_is_called() -> None:
  traces = []

  def double(x: tf.Tensor) -> tf.Tensor:
    traces.append(x.shape)
    return 2.0 * x

  graph = SingleGraph(double, tf.TensorSpec([2], tf.float32))
  assert traces == [[2]]
  assert graph(tf.constant([1.0, -3.0])).numpy().tolist() == [2.0, -6.0]
  assert len(traces) == 1


def test_other_shapes_than_those_of_the_first_call_are_refused() -> None:
  counter = Counter()
  counter.add(pair(1.0, 0.0), tf.constant(1.0))
  with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
    counter.add(Pair(tf.zeros(3), tf.zeros(3)), tf.constant(1.0))
