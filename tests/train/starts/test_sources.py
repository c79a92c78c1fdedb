"""States of scripted play, and walks from one state to its neighbours."""

import dataclasses

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.scenarios import get
from train.play.agents import make_agent
from train.play.scripted import SCRIPTS, script_done
from train.starts.sources import Walker, scripted_states

DOOR = get("hide-and-seek/door")


def test_states_of_scripts_are_from_before_their_goal():
    states, lead, _ = scripted_states(("blocker",), DOOR, 60, seed=1)
    assert len(states) == len(lead) == 60
    assert lead.min() >= 1 and len(set(lead.tolist())) > 8
    assert not states.tensors["state.locks.locked"][lead > 2].any()
    held = states.tensors["state.grabs.holding"][:, 0] >= 0
    assert held[(lead > 1) & (lead < 6)].float().mean() > 0.8  # It carries its box to the door.
    again, *_ = scripted_states(("blocker",), DOOR, 60, seed=1)
    assert all(torch.equal(tensor, again.tensors[name]) for name, tensor in states.tensors.items())


def test_states_of_the_quickest_episodes():
    """The quicker half: none of an episode that is slower than most, and from the beginning of those that are not."""
    every, quick = (scripted_states(("blocker",), DOOR, 300, seed=1, fastest=share)[:2] for share in (1.0, 0.5))
    goals, quick_goals = (states.tensors["state.steps"] + lead for states, lead in (every, quick))
    assert quick_goals.max() <= goals[every[1] == 1].float().median() < goals.max()
    assert (quick[0].tensors["state.steps"] == 1).any()


def test_states_of_two_scripts():
    states, _, whose = scripted_states(("blocker", "chaser"), DOOR, 40, seed=1)
    assert whose.tolist() == [0] * 20 + [1] * 20
    assert (states.tensors["state.steps"][whose == 1] > 2).any()


def test_the_script_goes_on_to_its_goal_from_there():
    """So many steps as it said: the states are those of its play, and nothing is missing of them."""
    states, lead, _ = scripted_states(("blocker",), DOOR, 40, seed=1)
    fine = dataclasses.replace(DOOR, movement_bins=11, heading_forces=False)
    env, everywhere = BatchEnv(fine, 40), torch.arange(40)
    env.reset(states.layout)
    obs = env.set_state(everywhere, states.state)
    player = make_agent("blocker", fine, 0)
    player.begin(env)
    reached = torch.full((40,), 99)
    for step in range(1, 25):
        obs = env.step(player.act(obs, torch.zeros(40, dtype=torch.bool))).obs
        reached = torch.where((reached == 99) & script_done("blocker", env), step, reached)
    assert ((reached - lead).abs() <= 2).float().mean() > 0.8
    env.close()


def test_climbers_against_blockers():
    """The door is blocked when they get in, as it never is while hiders play at random."""
    quadrant = get("hide-and-seek/quickstart", hiders_anywhere=False, door_dropout_probability=1.0)
    for against, blocked in (("blocker", True), ("random", False)):
        states, lead, _ = scripted_states(("climber",), quadrant, 40, seed=1, against=against)
        late = states.select(lead <= 20)
        assert len(late) >= 3
        env = BatchEnv(quadrant, len(late))
        env.reset(late.layout)
        env.set_state(torch.arange(len(late)), late.state)
        share = script_done("blocker", env).float().mean()
        env.close()
        assert share > 0.6 if blocked else share < 0.2


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_has_a_goal(script):
    scenario = "trade/full" if SCRIPTS[script].game == "trade" else "hide-and-seek/quickstart"
    states, lead, _ = scripted_states((script,), get(scenario), 10, seed=1)
    assert len(states) == 10 and (lead >= 1).all()


def test_a_script_that_cannot_play():
    with pytest.raises(UserError, match=r"the climber cannot play .*: no ramps"):
        scripted_states(("climber",), DOOR, 10, seed=0)


def test_a_script_that_gets_nowhere():
    with pytest.raises(UserError, match="blocker:0: it never reaches its goal"):
        scripted_states(("blocker:0",), get("hide-and-seek/door", horizon=6), 10, seed=0)


def test_neighbours():
    states, *_ = scripted_states(("blocker",), DOOR, 8, seed=1)
    walker = Walker(DOOR, 8, 6)
    near = walker.neighbours(states, torch.Generator().manual_seed(0))
    walker.close()
    assert len(near) == 8
    moved = (near.tensors["state.pose"] - states.tensors["state.pose"])[:, 0, :2].norm(dim=-1)
    assert (moved > 0.01).all() and (moved < 3.0).all()  # 0.9 s of random forces.
    back = states.tensors["state.steps"] - near.tensors["state.steps"]
    assert (back >= 0).all() and (back <= 6).all() and len(set(back.tolist())) > 1
    assert torch.equal(near.tensors["layout.walls"], states.tensors["layout.walls"])


def test_neighbours_depend_on_the_generator_alone():
    """Not on walks before: of several agents who lock one box at once, the one whose lock it is is drawn."""
    scenario = get("hide-and-seek/quadrant", lock_unseen=True, lock_type="any_lock_specific")
    env = BatchEnv(scenario, 16, 3, threads=1)
    env.keep_starts()
    env.reset()
    states = env.capture(torch.arange(16))
    env.close()
    box = scenario.num_agents
    pose, steps = states.tensors["state.pose"], states.tensors["state.steps"]
    for agent, shift in enumerate([[0.45, 0.0], [-0.45, 0.0], [0.0, 0.45], [0.0, -0.45]][:box]):
        pose[:, agent, :2] = pose[:, box, :2] + torch.tensor(shift)
    steps[:] = scenario.preparation_steps + 5
    walkers = [Walker(scenario, 16, 8) for _ in range(2)]
    walkers[0].neighbours(states, torch.Generator().manual_seed(1))
    first, second = (walker.neighbours(states, torch.Generator().manual_seed(7)) for walker in walkers)
    assert all(torch.equal(tensor, second.tensors[name]) for name, tensor in first.tensors.items())
    assert first.tensors["state.locks.locked"].any()
    for walker in walkers:
        walker.close()
