"""Steps on mujoco_warp make no use of results on the host: a GPU is never waited for. Shown on the CPU."""

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.env_checks import random_actions
from envs.scenarios import SCENARIOS, get
from tests.envs.worlds import needs_warp
from tests.waiting import HostWaitsError, no_waiting

X = torch.arange(3.0)


@pytest.mark.parametrize(
    "work",
    [
        lambda: bool((X > 1).any()),
        lambda: float(X.sum()),
        lambda: X[0].item(),
        lambda: X.nonzero(),
        lambda: X[X > 1],
        lambda: X.clone().__setitem__(X > 1, 0.0),
        lambda: X.tolist(),
        lambda: X.cpu(),
        lambda: X.numpy(),
        lambda: X.unique(),
        lambda: torch.tensor([1.0, 2.0]),
        lambda: X.repeat_interleave(torch.tensor([1, 2, 3])),
        lambda: 1 if X.sum() > 2 else 0,
    ],
)
def test_waiting_is_found(work):
    with pytest.raises(HostWaitsError), no_waiting():
        work()


def test_other_work_goes_on():
    with no_waiting():
        kept = torch.where(X > 1, X, 0.0).repeat_interleave(2)
        kept[torch.arange(2)] = X[:1]
    assert kept.tolist() == [0.0, 0.0, 0.0, 0.0, 2.0, 2.0]


QUICK = ("hide-and-seek/food", "blueprint")
"""Those in which most can happen; the others are slow tests."""


@needs_warp
@pytest.mark.warp
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in SCENARIOS if "small" not in n],
)
def test_steps_with_resets(name):
    """Every world ends an episode: episodes are short and staggered."""
    env = BatchEnv(get(name, horizon=8), 4, engine="warp", stagger=True)
    env.reset()
    generator, ended = torch.Generator().manual_seed(0), torch.zeros(4, dtype=torch.int64)
    env._actions.check = lambda actions: None  # Looks at the actions' range, on the CPU only.
    for step in range(20):
        actions = random_actions(env, generator)
        if step % 5 == 0:
            env.refill()
        with no_waiting():
            result = env.step(actions)
            ended += result.done
    assert (ended >= 2).all()
    assert env.num_repeated_layouts == 0
    assert env.num_diverged == 0
