"""Scripted players: what they know, how they move, and how well they do from the scenarios' own starts."""

import math

import numpy as np
import pytest
import torch

from envs.actions import Actions
from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.layouts import LayoutStream
from envs.options.scenario_options import PaddingOptions
from envs.scenarios import get
from tests.envs.worlds import body, small, world
from train.play.moment import Moment
from train.play.players import RandomPlayer
from train.play.scripted import SCRIPTS, ScriptedPlayer, script_actions, script_done
from train.play.scripted.situation import Situation
from train.play.scripted.steering import Steering
from train.stages.rooms import in_room
from train.stages.study import StudyOptions, examine_agent

QUICKSTART = get("hide-and-seek/quickstart")
STARTED = torch.ones(1, dtype=torch.bool)


def actions_of(player, env, steps):
    """Actions (T, W, A, 5) of a player from the environment's first starts on."""
    env.reseed(0)
    obs, chosen = env.reset(), []
    player.begin(env)
    for _ in range(steps):
        chosen.append(player.act(obs, STARTED))
        obs = env.step(chosen[-1]).obs
    return torch.stack(chosen)


HIDE_AND_SEEK = [name for name, script in SCRIPTS.items() if script.game == "hide_and_seek"]
"""Those of the Trading Game are in test_traders.py."""


@pytest.fixture(scope="module")
def env():
    made = BatchEnv(QUICKSTART, 6, threads=1)
    yield made
    made.close()


# --- strength ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", HIDE_AND_SEEK)
def test_strength_0_is_random_play(env, script):
    at_random = actions_of(RandomPlayer(env.action_bins, 3), env, 40)
    assert torch.equal(actions_of(ScriptedPlayer(script, QUICKSTART, 0.0, 3), env, 40), at_random)
    followed = actions_of(ScriptedPlayer(script, QUICKSTART, 1.0, 3), env, 40)
    mine = slice(0, 1) if SCRIPTS[script].team == "hiders" else slice(1, 2)
    assert (followed[:, :, mine] != at_random[:, :, mine]).any(-1).float().mean() > 0.9


def test_strength_is_the_share_of_decisions(env):
    """The others are those of random play, and so is all that the other team does."""
    player = ScriptedPlayer("blocker", QUICKSTART, 0.3, 3)
    random = RandomPlayer(env.action_bins, 3)
    player.begin(env)
    random.begin(env)
    obs, followed = env.reset(), []
    for _ in range(100):
        actions, at_random = player.act(obs, STARTED), random.act(obs, STARTED)
        scripted, followers = script_actions("blocker", env)
        assert followers.tolist() == [True, False]
        assert torch.equal(actions[:, 1], at_random[:, 1])
        is_random, is_scripted = (actions == at_random).all(-1)[:, 0], (actions == scripted).all(-1)[:, 0]
        assert (is_random | is_scripted).all()
        followed.append(is_scripted & ~is_random)
        obs = env.step(actions).obs
    assert float(torch.stack(followed).float().mean()) == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_the_seed_decides(env, strength):
    first, again, other = (actions_of(ScriptedPlayer("climber", QUICKSTART, strength, s), env, 50) for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("script", HIDE_AND_SEEK)
def test_it_remembers_nothing(env, script):
    """In the middle of an episode that is taken up in other worlds it does the same."""
    actions_of(ScriptedPlayer(script, QUICKSTART, 1.0, 0), env, 45)
    other = BatchEnv(QUICKSTART, 6, seed=9, threads=1)
    other.load_state_dict(env.state_dict())
    for _ in range(5):
        mine, theirs = script_actions(script, env)[0], script_actions(script, other)[0]
        assert torch.equal(mine, theirs)
        env.step(mine)
        other.step(theirs)
    other.close()


@pytest.mark.parametrize(
    ("script", "scenario", "message"),
    [
        ("climber", get("hide-and-seek/door"), "no ramps"),
        ("blocker", get("hide-and-seek/full"), "no room with doors"),
        ("blocker", get("hide-and-seek/quadrant", boxes=(0, 0)), "no boxes"),
        ("ramp-thief", get("hide-and-seek/quadrant", door_cells=0), "no room with doors"),
        ("chaser", get("hide-and-seek/quadrant", seekers=0), "no seekers"),
        ("chaser", get("lock-and-return"), "not hide-and-seek"),
        ("blocker", get("hide-and-seek/quadrant", tilting_boxes=True), "boxes that tilt"),
    ],
)
def test_where_it_cannot_be_played_is_said(script, scenario, message):
    with pytest.raises(UserError, match=f"the {script} cannot play in scenario '{scenario.name}': {message}"):
        ScriptedPlayer(script, scenario, 1.0, 0)


# --- the room ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["quadrant", "variable-quadrant", "door"])
def rooms(request):
    """Layouts of 100 worlds, and their rooms as scripts see them."""
    scenario = get(f"hide-and-seek/{request.param}")
    layout = LayoutStream(scenario, 5, 100).draw(torch.arange(100))
    env = BatchEnv(scenario, 100, threads=1)
    env.reset(layout)
    yield layout, Situation(env).room
    env.close()


def hits_wall(layout, place, radius):
    """(W,) bool: places (W, 2) are within a radius of walls."""
    offset = (place[:, None] - layout.walls[..., :2]).abs() - layout.walls[..., 2:4]
    return ((offset.clamp(min=0).norm(dim=-1) < radius) & layout.wall_present).any(-1)


def test_doors_are_gaps_in_the_walls(rooms):
    layout, room = rooms
    assert room.open.any(1).all() and room.open.any(0).all()
    closed = hits_wall(layout, room.corner, 0.15)  # Two doors may meet there, once in a hundred worlds.
    assert closed.float().mean() > 0.95
    for wall in range(2):
        there, centre = room.open[:, wall] & closed, room.door[:, wall]
        along = torch.tensor([[0.0, 1.0], [1.0, 0.0]])[wall]
        assert not hits_wall(layout, centre, 0.29)[there].any()
        for side in (-0.4, 0.4):
            assert hits_wall(layout, centre + side * along, 0.11)[there].all()
        solid = room.solid[:, wall]
        assert hits_wall(layout, solid, 0.01).all()
    points = 6 * torch.rand(100, 50, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(room.inside(points), in_room(layout, points))


def test_the_way_leads_there_and_not_through_walls(rooms):
    """An agent that walks where it is told, 5 cm at a time, arrives from anywhere anywhere."""
    layout, room = rooms
    generator = torch.Generator().manual_seed(1)
    here, goal = (0.4 + 5.2 * torch.rand(100, 2, generator=generator) for _ in range(2))
    free = ~(hits_wall(layout, here, 0.25) | hits_wall(layout, goal, 0.25))
    assert free.sum() > 50 and (room.inside(here[:, None]) != room.inside(goal[:, None]))[free].any()
    touched = torch.zeros(100, dtype=torch.bool)
    for _ in range(400):
        offset = room.way(here[:, None], goal[:, None])[:, 0] - here
        here = here + offset * (0.05 / offset.norm(dim=-1, keepdim=True).clamp(min=0.05))
        touched |= hits_wall(layout, here, 0.1)
    assert ((here - goal).norm(dim=-1) < 0.01)[free].all()
    assert not touched[free].any()


# --- steering ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"heading_forces": True}, {"movement_bins": 5}, {"substeps": 30}])
def test_forces_point_at_the_target_whatever_the_actions_are(options):
    scenario = small(hiders=1, seekers=0, **options)
    env = BatchEnv(scenario, 1, threads=1)
    for angle in (0.3, 2.0, 4.0):
        env.reset(world(scenario, [(3.0, 3.0, 1.1)]))
        situation = Situation(env)
        steer = Steering(situation)
        target = torch.tensor([3 + 2 * math.cos(angle), 3 + 2 * math.sin(angle)])
        steer.go(torch.tensor([0]), target.expand(1, 1, 2), speed=3.0)
        steer.look(torch.tensor([0]), target.expand(1, 1, 2))
        command = Actions(scenario, 1, env.device).commands(steer.actions, situation.yaw(torch.tensor([0])))[0, 0]
        wanted = 55 * torch.tensor([math.cos(angle), math.sin(angle)])  # 3 m/s: 30 N, friction 10 N, from rest 15 N.
        limit = 100 * scenario.action_limit / (scenario.movement_bins // 2)
        assert (100 * command[:2] - wanted).norm() <= limit / 2 * 1.42
        assert float(command[2]) * math.sin(angle + math.pi / 2 - 1.1) >= 0


@pytest.mark.parametrize("seconds", [0.075, 0.15])
def test_an_agent_gets_where_it_shall_and_looks_there(seconds):
    scenario = small(hiders=1, seekers=0, substeps=round(seconds / 0.005))
    env = BatchEnv(scenario, 1, threads=1)
    env.reset(world(scenario, [(2.0, 2.0, 0.0)]))
    target, who = torch.tensor([[[4.0, 3.0]]]), torch.tensor([0])
    for _ in range(round(1.5 / seconds)):
        steer = Steering(Situation(env))
        steer.go(who, target)
        steer.look(who, yaw=2.0)
        env.step(steer.actions)
    pose = env.get_state(torch.tensor([0])).pose[0, 0]
    assert (pose[:2] - target[0, 0]).norm() < 0.1 and float(pose[3]) == pytest.approx(2.0, abs=0.14)


# --- from the scenarios' own starts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "scenario", "strategy", "least"),
    [
        ("chaser", "quickstart", "chasing", 0.9),
        ("chaser", "full", "chasing", 0.6),
        ("blocker", "quickstart", "door blocking", 0.6),
        ("blocker", "door", "door blocking", 0.8),
        ("climber", get("hide-and-seek/door", ramps=1, padding=PaddingOptions()), "ramp use", 0.4),
        ("ramp-thief", "quadrant", "ramp defence", 0.25),
        ("defender", "quickstart", "ramp defence", 0.25),
        ("defender", "quickstart", "door blocking", 0.4),
    ],
)
def test_strategies_are_played_from_fresh_starts(agent, scenario, strategy, least):
    """Lower bounds with much room; docs/scripted_players.md has the shares of 50 episodes."""
    hiders = "blocker" if agent == "climber" else None  # It climbs to who is shut in.
    options = StudyOptions(episodes=12, num_worlds=12, threads=1, hiders=hiders)
    scenario = get(f"hide-and-seek/{scenario}") if isinstance(scenario, str) else scenario
    shares = examine_agent(agent, scenario, options)
    assert shares[strategy].value >= least


def test_a_blocker_presses_lock_beside_its_box_only():
    """Beside another one it must not, because the lock takes all boxes in reach."""
    scenario = get("hide-and-seek/door", boxes=(2, 2))
    walls = [(3.1, 0.65, 0.05, 0.5, 0.5), (3.1, 2.45, 0.05, 0.6, 0.5), (4.5, 3.1, 1.35, 0.05, 0.5)]
    env = BatchEnv(scenario, 1, threads=1)
    for agent, lock in (((3.55, 1.5), 1), ((4.9, 2.4), 0)):
        boxes = [body(3.1, 1.5), body(5.2, 2.7)]
        frame = [(0.1, 3.0, 0.05, 2.85, 4.0), (5.9, 3.0, 0.05, 2.85, 4.0)]
        env.reset(world(scenario, [(*agent, -math.pi / 2), (1.0, 5.0)], boxes, (), frame + walls))
        actions, _ = script_actions("blocker", env)
        assert int(actions[0, 0, 4]) == lock
    env.close()


@pytest.mark.parametrize(
    ("hider", "box", "holds"),
    [
        ((4.5, 1.5), (3.1, 1.5), True),
        ((4.5, 1.5), (3.1, 1.65), True),  # A gap of 0.25 m beside it.
        ((4.5, 1.5), (3.1, 1.72), False),  # Of 0.32 m, which an agent of 0.3 m passes.
        ((4.5, 1.5), (2.4, 1.5), False),
        ((4.5, 1.5), None, False),
        ((1.0, 2.0), (3.1, 1.5), False),
    ],
    ids=["shut in", "a narrow gap", "a wide gap", "before the door", "no box", "outside"],
)
def test_a_climber_takes_a_ramp_only_if_somebody_is_shut_in(hider, box, holds):
    scenario = get("hide-and-seek/door", boxes=(0, 1), ramps=1, padding=PaddingOptions(), preparation_fraction=0.0)
    walls = [(3.1, 0.65, 0.05, 0.5, 0.5), (3.1, 2.45, 0.05, 0.6, 0.5), (4.5, 3.1, 1.35, 0.05, 0.5)]
    frame = [(0.1, 3.0, 0.05, 2.85, 4.0), (5.9, 3.0, 0.05, 2.85, 4.0)]
    env = BatchEnv(scenario, 1, threads=1)
    boxes = [] if box is None else [body(*box)]
    env.reset(world(scenario, [(*hider, 0.0), (1.0, 4.6, math.pi / 2)], boxes, [body(1.7, 4.6)], frame + walls))
    held = False
    for _ in range(8):
        actions, _ = script_actions("climber", env)
        env.step(actions)
        held |= bool(env.get_state(torch.tensor([0])).grabs.holding[0, 1] >= 0)
    assert held == holds
    env.close()


def test_a_chaser_does_not_wait_behind_the_wall_of_a_corner():
    """The hider stands in the room's corner, nearer to the outside than the distance at which a chaser stops."""
    scenario = get("hide-and-seek/door", door_wall="left", door_spread=0.0, preparation_fraction=0.0, boxes=(0, 0))
    env = BatchEnv(scenario, 4, threads=1)
    layout = LayoutStream(scenario, 0, 4).draw(torch.arange(4))
    layout.agent_pose[:, 0, :2] = torch.tensor([3.35, 2.85])
    layout.agent_pose[:, 1, :2] = torch.tensor([2.8, 3.4])
    env.reset(layout)
    seen = torch.zeros(4)
    for _ in range(60):
        actions, _ = script_actions("chaser", env)
        actions[:, 0] = torch.tensor(scenario.no_action)
        seen += env.advance(actions).hiders_seen
    env.close()
    assert (seen > 30).all()


@pytest.mark.parametrize("name", ["hide-and-seek/full", "hide-and-seek/random-teams", "trade/haul"])
def test_who_and_what_takes_part(name):
    """Also of the last of many entities: what is absent is parked in a row."""
    scenario = get(name)
    layout = LayoutStream(scenario, 0, 8).draw(torch.arange(8))
    env = BatchEnv(scenario, 8, threads=1)
    env.reset(layout)
    found = Situation(env).present[:, : scenario.num_agents + scenario.max_boxes]
    poses = env.get_state(torch.arange(8)).pose.double().numpy()
    nobody = np.zeros((0, 0), dtype=bool)
    moments = [Moment(pose, holding=nobody, locked_by=nobody, sees=nobody) for pose in poses]
    shown = torch.tensor([[moment.has(entity) for entity in range(found.shape[1])] for moment in moments])
    env.close()
    present = torch.cat([layout.agent_present, layout.box_present], dim=1)
    assert torch.equal(found, present)
    assert torch.equal(shown, found)


def test_a_chaser_walks_around_boxes():
    """The hider stands behind a locked box that the straight way leads into."""
    scenario = get("hide-and-seek/door", boxes=(1, 1), preparation_fraction=0.0)
    frame = [(0.1, 3.0, 0.05, 2.85, 4.0), (5.9, 3.0, 0.05, 2.85, 4.0)]
    walls = [(3.1, 0.65, 0.05, 0.5, 0.5), (3.1, 2.45, 0.05, 0.6, 0.5), (4.5, 3.1, 1.35, 0.05, 0.5)]
    env = BatchEnv(scenario, 1, threads=1)
    env.reset(world(scenario, [(5.5, 1.5, 0.0), (3.6, 1.5, 0.0)], [body(4.8, 1.5)], (), frame + walls))
    still, seen = torch.tensor(scenario.no_action), 0
    for _ in range(40):
        actions, _ = script_actions("chaser", env)
        actions[:, 0] = still
        actions[:, 0, 4] = 1  # Holds the lock.
        seen += int(env.advance(actions).hiders_seen)
    assert env.get_state(torch.tensor([0])).locks.locked[0, 0]
    env.close()
    assert seen > 20


def test_a_blocker_waits_where_no_gap_shows_it():
    scenario = get("hide-and-seek/door", door_wall="left", door_spread=0.0)
    env = BatchEnv(scenario, 8, threads=1)
    env.reset(LayoutStream(scenario, 0, 8).draw(torch.arange(8)))
    for _ in range(70):
        actions, _ = script_actions("blocker", env)
        chasing, _ = script_actions("chaser", env)
        actions[:, 1:] = chasing[:, 1:]
        env.step(actions)
    blocked = script_done("blocker", env)
    away = env.get_state(torch.arange(8)).pose[:, 0, :2] - torch.tensor([3.1, 3.1])
    env.close()
    assert blocked.float().mean() > 0.7
    assert (away[blocked].abs() < 0.8).all()
