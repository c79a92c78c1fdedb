"""PettingZoo's own way to Stable-Baselines3: SuperSuit copies the environment and makes a row of every agent."""

import numpy as np
import pytest

from envs.adapters.pettingzoo_env import parallel_env


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("copies", "processes"), [(1, 1), (2, 1), (2, 2)])
def test_stable_baselines3_learns_through_supersuit(copies, processes):
    supersuit = pytest.importorskip("supersuit")
    algorithm = pytest.importorskip("stable_baselines3").PPO
    rows = supersuit.pettingzoo_env_to_vec_env_v1(parallel_env(scenario="hide-and-seek/quickstart", horizon=20))
    worlds = supersuit.concat_vec_envs_v1(rows, copies, num_cpus=processes, base_class="stable_baselines3")
    try:
        positions = worlds.reset()["self"][::2, :2]
        assert len(np.unique(positions, axis=0)) == copies  # Each copy plays episodes of its own.
        model = algorithm("MultiInputPolicy", worlds, n_steps=40, batch_size=40, device="cpu")
        before = {name: value.clone() for name, value in model.policy.named_parameters()}
        model.learn(100)
        assert any((value != before[name]).any() for name, value in model.policy.named_parameters())
    finally:
        worlds.close()
