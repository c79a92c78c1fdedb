"""Physics stays sane under rough play. ``-m slow -s`` prints the numbers of 100,000 env steps (20,000 on
mujoco_warp)."""

import dataclasses

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.scenarios import FULL
from tests.envs.busy import Counts, crossings, play
from tests.envs.worlds import needs_warp

SPEED_LIMIT = 25.0  # Metres per second.
ROUGH = dataclasses.replace(FULL, preparation_fraction=0.0)
"""Seekers are never frozen."""


class TestCrossings:
    WALL = torch.tensor([[[3.0, 3.0, 0.05, 1.0, 0.5]]])

    @pytest.mark.parametrize(
        "start, end, expected",
        [
            ((2.8, 3.0, 0.25), (3.2, 3.0, 0.25), True),
            ((3.2, 3.5, 0.25), (2.8, 3.9, 0.25), True),
            ((2.8, 3.0, 0.25), (2.95, 3.0, 0.25), False),
            ((2.8, 4.1, 0.25), (3.2, 4.1, 0.25), False),
            ((2.8, 3.0, 0.75), (3.2, 3.0, 0.75), False),
            ((2.8, 1.9, 0.25), (2.8, 4.1, 0.25), False),
            ((2.8, 3.0, 0.40), (3.2, 3.0, 1.20), False),
        ],
    )
    def test_hand_made(self, start, end, expected):
        start, end = torch.tensor([[start]]), torch.tensor([[end]])
        assert crossings(start, end, torch.tensor([0.25]), self.WALL)[0].item() == expected
        turned = self.WALL[..., [1, 0, 3, 2, 4]]
        mirrored = start[..., [1, 0, 2]], end[..., [1, 0, 2]]
        assert crossings(*mirrored, torch.tensor([0.25]), turned)[0].item() == expected

    def test_absent_walls(self):
        start, end = torch.tensor([[[-0.1, 0.0, 0.25]]]), torch.tensor([[[0.1, 0.0, 0.25]]])
        through, over = crossings(start, end, torch.tensor([0.25]), torch.zeros(1, 1, 5))
        assert not through.any()
        assert not over.any()

    def test_over_a_wall(self):
        start, end = torch.tensor([[[2.8, 3.0, 0.75]]]), torch.tensor([[[3.2, 3.0, 0.75]]])
        through, over = crossings(start, end, torch.tensor([0.25]), self.WALL)
        assert not through.any()
        assert over.all()


def check(counts: Counts) -> None:
    assert counts.top_speed < SPEED_LIMIT
    assert counts.worlds_broken == 0
    assert counts.grabs > counts.steps / 100, "the agents are busy"
    assert counts.locks > counts.steps / 1000
    assert counts.climbs > counts.steps / 1000
    through = sum(number for wall, number in counts.through.items() if wall.startswith("outer"))
    assert through <= 1 + counts.steps / 20_000, "the 4 m walls keep everything in; 0 in 100,000 steps when measured"


def test_a_short_while():
    check(play(BatchEnv(ROUGH, 16), 2_000))


def test_tilting_boxes():
    env = BatchEnv(dataclasses.replace(ROUGH, tilting_boxes=True), 16)
    counts = play(env, 2_000)
    print(counts)
    assert counts.top_speed < SPEED_LIMIT
    assert counts.worlds_broken == 0
    tilts = env.get_state(torch.arange(16)).pose[..., 4:].abs()
    assert tilts.max() > 1.4, "some boxes lie on their sides"


@pytest.mark.slow
def test_100000_env_steps():
    counts = play(BatchEnv(ROUGH, 64), 100_000, seed=1)
    print(counts)
    check(counts)
    assert counts.over > 0, "the count of crossings works"


@needs_warp
@pytest.mark.warp
@pytest.mark.slow
def test_20000_env_steps_of_mujoco_warp():
    """Its solver is a sparse one here; the same limits, and nothing dropped."""
    env = BatchEnv(ROUGH, 32, engine="warp")
    counts = play(env, 20_000, seed=1)
    print(counts)
    check(counts)
    env.engine.check_overflow()
