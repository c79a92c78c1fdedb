"""TorchRL wraps the environments as they are."""

import pytest

from envs.adapters.gymnasium_env import HideSeekEnv, HideSeekVectorEnv
from envs.adapters.pettingzoo_env import parallel_env
from tests.envs.adapters.conftest import ALONE, SMALL
from tests.examples.scripts import load

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize(
    ("wrapper", "make"),
    [
        ("GymWrapper", lambda: HideSeekEnv(ALONE)),
        ("GymWrapper", lambda: HideSeekEnv("blueprint")),
        ("GymWrapper", lambda: HideSeekVectorEnv(SMALL, num_envs=4, horizon=5)),
        ("PettingZooWrapper", lambda: parallel_env(scenario=SMALL)),
    ],
)
def test_its_own_check(wrapper, make):
    envs = pytest.importorskip("torchrl.envs")
    made = getattr(envs, wrapper)(make())
    envs.check_env_specs(made)
    played = made.rollout(8, break_when_any_done=False)
    assert played.shape[-1] == 8
    made.close()


def test_the_example(capsys):
    pytest.importorskip("torchrl")
    example = load("torchrl_rollout")
    first, second = (example.returns(SMALL, 2, seed=1) for _ in range(2))
    assert first == second
    assert all(h == -s for h, s in zip(first["hider"], first["seeker"], strict=True))  # A zero-sum game.
    example.main(["--episodes", "1"])
    assert "hider: returns" in capsys.readouterr().out
