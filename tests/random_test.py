"""Random numbers against the published vectors, a slow twin, and what uniform means."""

import numpy as np
import pytest
import tensorflow as tf

from qmle_acme import random
from qmle_acme.types import Tensor

WORD = 0xFFFFFFFF


def philox(counter: list[int], key: list[int]) -> list[int]:
  """Returns the four words of one block, as in the paper, one step at a time."""
  c, k = list(counter), list(key)
  for _ in range(10):
    first, second = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
    c = [
      (second >> 32) ^ c[1] ^ k[0],
      second & WORD,
      (first >> 32) ^ c[3] ^ k[1],
      first & WORD,
    ]
    k = [(k[0] + 0x9E3779B9) & WORD, (k[1] + 0xBB67AE85) & WORD]
  return c


def expected(count: int, seed: tuple[int, int]) -> np.ndarray:
  """Returns the numbers by the slow twin: word by word over all blocks."""
  (key, stream), blocks = [s % 2**64 for s in seed], -(-count // 4)
  words = [
    philox([b, 0, stream & WORD, stream >> 32], [key & WORD, key >> 32])
    for b in range(blocks)
  ]
  flat = np.array(words, np.uint64).T.reshape(-1)[:count]
  return (flat >> np.uint64(8)).astype(np.float32) * np.float32(2**-24)


def test_published_vectors() -> None:
  # From the authors' Random123, kat_vectors: philox4x32 with 10 rounds.
  assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
  assert philox([WORD] * 4, [WORD] * 2) == [
    0x408F276D,
    0x41C83B0E,
    0xA20BC7C6,
    0x6D5451FD,
  ]


@pytest.mark.parametrize('count', [0, 1, 3, 4, 5, 61, 64, 67, 257])
@pytest.mark.parametrize('seed', [(0, 0), (1, 2), (2**31 - 1, 2**40 + 7), (-1, -5)])
def test_agrees_with_the_slow_twin(count: int, seed: tuple[int, int]) -> None:
  numbers = random.uniform([count], tf.constant(seed, tf.int64))
  np.testing.assert_array_equal(numbers, expected(count, seed))
  with random.without_kernel():
    plain = random.uniform([count], tf.constant(seed, tf.int64))
  np.testing.assert_array_equal(plain, numbers)


def test_shape_and_type_of_the_seed() -> None:
  numbers = random.uniform([2, 3, 5], tf.constant([1, 2], tf.int32))
  assert (numbers.shape, numbers.dtype) == ((2, 3, 5), tf.float32)
  flat = random.uniform([30], tf.constant([1, 2], tf.int64))
  np.testing.assert_array_equal(tf.reshape(numbers, [30]), flat)


def test_graph_and_eager_agree() -> None:
  @tf.function(autograph=False)
  def draw(seed: Tensor) -> Tensor:
    numbers = random.uniform([4, 9], seed)
    assert numbers.shape == (4, 9)
    return numbers

  seed = tf.constant([5, 6], tf.int64)
  np.testing.assert_array_equal(draw(seed), random.uniform([4, 9], seed))


def test_uniform_and_independent() -> None:
  count = 200_000
  numbers = random.uniform([count], tf.constant([3, 4], tf.int64)).numpy()
  assert numbers.min() >= 0.0
  assert numbers.max() < 1.0
  shares = np.histogram(numbers, 20, (0, 1))[0] / count
  np.testing.assert_allclose(shares, 0.05, atol=5 * np.sqrt(0.05 / count))
  other = random.uniform([count], tf.constant([3, 5], tf.int64)).numpy()
  for a, b in ((numbers[1:], numbers[:-1]), (numbers, other)):
    assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(count)


def test_refuses_a_seed_of_one_number() -> None:
  with pytest.raises(tf.errors.InvalidArgumentError, match='seed two'):
    random.uniform([4], tf.constant([1], tf.int64))
