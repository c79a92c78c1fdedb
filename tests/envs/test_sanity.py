"""Physics stays sane under rough play. ``-m slow -s`` prints the numbers of 100,000 env steps."""

import dataclasses

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.scenarios import FULL
from tests.envs.busy import Counts, crossings, play

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
        assert crossings(start, end, torch.tensor([0.25]), self.WALL).item() == expected
        turned = self.WALL[..., [1, 0, 3, 2, 4]]
        mirrored = start[..., [1, 0, 2]], end[..., [1, 0, 2]]
        assert crossings(*mirrored, torch.tensor([0.25]), turned).item() == expected

    def test_absent_walls(self):
        start, end = torch.tensor([[[-0.1, 0.0, 0.25]]]), torch.tensor([[[0.1, 0.0, 0.25]]])
        assert not crossings(start, end, torch.tensor([0.25]), torch.zeros(1, 1, 5)).any()


def check(counts: Counts) -> None:
    assert counts.top_speed < SPEED_LIMIT
    assert counts.worlds_broken == 0
    assert counts.grabs > counts.steps / 100, "the agents are busy"
    assert counts.locks > counts.steps / 1000
    assert counts.climbs > counts.steps / 1000


def test_a_short_while():
    counts = play(BatchEnv(ROUGH, 16), 2_000)
    check(counts)
    assert counts.through["outer/boxes"] + counts.through["outer/ramps"] <= 4


@pytest.mark.slow
def test_100000_env_steps():
    counts = play(BatchEnv(ROUGH, 64), 100_000, seed=1)
    print(counts)
    check(counts)
