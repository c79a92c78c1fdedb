"""States of scripted play, and walks from one state to its neighbours."""

import pytest
import torch

from envs.errors import UserError
from envs.scenarios import get
from train.starts.sources import Walker, scripted_states

DOOR = get("hide-and-seek/door")


def test_states_of_scripts():
    states = scripted_states(("blocker", "chaser"), DOOR, 60, 1.0, seed=1)
    assert len(states) == 60
    steps = states.tensors["state.steps"]
    assert steps.min() >= 1 and steps.max() < 80 and len(set(steps.tolist())) > 20
    assert states.tensors["state.locks.locked"][:30].any()  # The blocker's first; random play locks little.
    again = scripted_states(("blocker", "chaser"), DOOR, 60, 1.0, seed=1)
    assert all(torch.equal(tensor, again.tensors[name]) for name, tensor in states.tensors.items())


def test_states_of_the_beginning_alone():
    early = scripted_states(("blocker",), DOOR, 40, 0.1, seed=1).tensors["state.steps"]
    assert early.min() >= 1 and early.max() <= 7


def test_a_script_that_cannot_play():
    with pytest.raises(UserError, match=r"the climber cannot play .*: no ramps"):
        scripted_states(("climber",), DOOR, 10, 1.0, seed=0)


def test_neighbours():
    states = scripted_states(("blocker",), DOOR, 8, 1.0, seed=1)
    walker = Walker(DOOR, 8, 6)
    near = walker.neighbours(states, torch.Generator().manual_seed(0))
    walker.close()
    assert len(near) == 8
    moved = (near.tensors["state.pose"] - states.tensors["state.pose"])[:, 0, :2].norm(dim=-1)
    assert (moved > 0.01).all() and (moved < 3.0).all()  # 0.9 s of random forces.
    back = states.tensors["state.steps"] - near.tensors["state.steps"]
    assert (back >= 0).all() and (back <= 6).all() and len(set(back.tolist())) > 1
    assert torch.equal(near.tensors["layout.walls"], states.tensors["layout.walls"])
