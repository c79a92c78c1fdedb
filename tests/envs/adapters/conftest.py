"""Scenarios that the adapters are tried on."""

import dataclasses

import pytest
import torch

from envs.adapters.frame_renderer import Picture
from envs.errors import UserError
from envs.scenarios import QUICKSTART, SCENARIOS

torch.set_num_threads(1)

SMALL = "hide-and-seek/quickstart"
ALONE = dataclasses.replace(QUICKSTART, name="test/alone", game="free_play", hiders=1, seekers=0, horizon=20)
"""One agent."""
ONE_AGENT = [name for name, scenario in SCENARIOS.items() if scenario.num_agents == 1]


def each_scenario(*, fast):
    """Parameters for every registered scenario; the ones that are not in ``fast`` are slow."""
    return [pytest.param(name, marks=() if name in fast else pytest.mark.slow) for name in SCENARIOS]


@pytest.fixture(scope="session")
def opengl():
    """Skip without OpenGL."""
    try:
        Picture(32, 32).close()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture
def no_display(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
