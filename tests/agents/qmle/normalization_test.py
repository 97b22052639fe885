"""The learner counts observations in, and their statistics travel with the network."""

import dataclasses

import numpy as np
import tiny_agent

from qmle_acme.agents.qmle.parameters import Parameters


def test_statistics_travel_with_the_network_and_are_not_trained() -> None:
  store = tiny_agent.Store(seed=1)
  config = dataclasses.replace(
    tiny_agent.CONFIG, normalize_observations=True, target_update_period=2
  )
  samples = [store.draw(range(4)), store.draw(range(4, 8))]
  learner, _ = tiny_agent.make_learner(samples, config=config)
  network, target = learner.state['network'], learner.state['target_network']
  norm, target_norm = (n.q.observation_encoder.running_norm for n in (network, target))
  trained = {v.ref() for v in network.trainable_variables}
  assert not trained & {v.ref() for v in norm.variables}

  learner.step()
  assert (float(norm.count), float(target_norm.count)) == (4.0, 0.0)
  learner.step()  # Copies the network to the target.
  seen = np.concatenate([sample.transition.o_tm1 for sample in samples])
  for statistics in (norm, target_norm):
    np.testing.assert_allclose(statistics.mean, seen.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(statistics.deviation, seen.std(axis=0), rtol=1e-5)
  published = learner.get_variables(['policy'])[0][0]
  np.testing.assert_array_equal(published, Parameters(network.variables).numpy())
