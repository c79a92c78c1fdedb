"""The Trading Game with food that is hauled: numbers worked out by hand. A step is a tick if nothing else is said."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.batch_env import BatchEnv
from envs.env_checks import random_actions
from envs.errors import UserError
from envs.games.trade.market_floor import GROWN, NOTHING
from envs.layouts import dawns
from envs.options.scenario_options import TradeOptions
from envs.scenarios import get
from tests.envs.worlds import body, needs_warp, world

MIDDLE, HALF = 4.32 / 2, (0.05, 0.05, 0.05)
GREENS = 6
"""The first piece of greens; those before are fruit."""
ENGINES = ["mujoco", pytest.param("warp", marks=(needs_warp, pytest.mark.warp))]
OPTIONS = {"patches": "sides", "pieces": (6, 6), "day_ticks": 16, "day_steps": 16, "carry": "haul"}


def market(traders=1, **trade):
    return get("trade/haul", hiders=traders, trade=TradeOptions(**(OPTIONS | trade)))


def begin(agents, pieces, engine="mujoco", **trade):
    """One world with agents at (x, y) and pieces slot -> (x, y), metres from the fire; the other ones are far away."""
    env = BatchEnv(market(len(agents), **trade), 1, threads=1, engine=engine)
    places = [pieces.get(slot) for slot in range(12)]
    bodies = [place and body(MIDDLE + place[0], MIDDLE + place[1], half=HALF) for place in places]
    layout = world(env.scenario, [(MIDDLE + x, MIDDLE + y) for x, y in agents], bodies)
    env.reset(dataclasses.replace(layout, food=torch.zeros(1, 12, dawns(env.scenario), 3)))
    return env


def step(env, *grab, force=(0, 0)):
    """Let agents grab (1) or not (0), and the first one push; return the rewards."""
    actions = torch.tensor(env.scenario.no_action).repeat(1, env.num_agents, 1)
    actions[0, :, 3] = torch.tensor(grab)
    actions[0, 0, :2] += torch.tensor(force)
    return env.step(actions).reward[0].tolist()


def number(env, name):
    return env.game.statistics(None)[name].item()


def left(env, slot):
    return pytest.approx(env.game.state["trade/left"][0, slot].item(), abs=1e-5)


def place(env, slot):
    return env.engine.pose[0, env.num_agents + slot, :2] - MIDDLE


def test_held_counts_and_released_does_not():
    env = begin([(0, 0)], {0: (0, -0.25)})
    assert step(env, 1) == pytest.approx([0.5 + 0.1])  # Fresh.
    assert step(env, 1) == pytest.approx([0.1]) and left(env, 0) == 0.3
    assert step(env, 0) == [0.0] and left(env, 0) == 0.3
    assert not env.observe()["self"][0, 0, 11:13].any()
    assert step(env, 1) == pytest.approx([0.1]) and left(env, 0) == 0.2
    assert number(env, "offered") == number(env, "reclaimed") == pytest.approx(0.3)
    assert number(env, "collected") == 0.5 and number(env, "exchanged") == 0.0


@pytest.mark.parametrize("engine", ENGINES)
def test_an_eaten_piece_vanishes(engine):
    """Half a unit lasts for five ticks, and less than a meal is left after the fifth."""
    env = begin([(0, 0)], {0: (0, -0.25)}, engine)
    assert [step(env, 1)[0] for _ in range(5)] == pytest.approx([0.6, 0.1, 0.1, 0.1, 0.0], abs=1e-5)
    assert env.game.state["trade/owner"][0, 0] == NOTHING
    step(env, 1)
    assert place(env, 0)[0] < -20 and not env.observe()["pieces_present"][0, 0, 0]
    assert env.get_state(torch.tensor([0])).grabs.holding.tolist() == [[-1]]


def test_half_a_tick():
    env = begin([(0, 0)], {0: (0, -0.25)}, day_steps=32)
    assert step(env, 1) == pytest.approx([0.5 + 0.05]) and left(env, 0) == 0.45


@pytest.mark.parametrize("engine", ENGINES)
def test_dragging(engine):
    """What is held comes along, what is released stays."""
    env = begin([(0, 0)], {0: (0, -0.25)}, engine)
    for _ in range(4):
        step(env, 1, force=(2, 0))
    agent = env.engine.pose[0, 0, :2] - MIDDLE
    assert agent[0] > 0.6 and (place(env, 0) - agent).norm() == pytest.approx(0.25, abs=0.06)
    released_at = place(env, 0)
    for _ in range(4):
        step(env, 0, force=(2, 0))
    assert env.engine.pose[0, 0, 0] - MIDDLE > agent[0] + 0.5 and (place(env, 0) - released_at).norm() < 0.4


class TestOthers:
    def test_exchange(self):
        env = begin([(0, 0.25), (0, -0.26)], {0: (0, 0)})
        assert step(env, 1, 0) == pytest.approx([0.6, 0.0])
        step(env, 0, 0)
        assert number(env, "offered") == pytest.approx(0.4) and number(env, "exchanged") == 0.0
        assert step(env, 0, 1) == pytest.approx([0.0, 0.1])  # Not fresh.
        assert number(env, "exchanged") == number(env, "given/0-1/fruit") == pytest.approx(0.4)
        assert left(env, 0) == 0.3 and number(env, "reclaimed") == 0.0

    def test_a_piece_is_held_by_one(self):
        """The nearest gets what is loose; who holds it keeps it."""
        env = begin([(0, 0.25), (0, -0.26)], {0: (0, 0)})
        assert step(env, 1, 1) == pytest.approx([0.6, 0.0])
        step(env, 0, 1)
        for _ in range(2):
            assert step(env, 1, 1) == pytest.approx([0.0, 0.1])

    def test_seen(self):
        env = begin([(0, 0.25), (0, -0.26)], {0: (0, 0), GREENS: (1, 1)})
        step(env, 1, 0)
        pieces = env.observe()["pieces"][0, :, :, 2:]  # Fruit, greens, fresh, left, mine, another's.
        assert pieces[0, 0].tolist() == pytest.approx([1, 0, 0, 0.4, 1, 0])
        assert pieces[1, 0].tolist() == pytest.approx([1, 0, 0, 0.4, 0, 1])
        assert pieces[:, GREENS].tolist() == [[0, 1, 1, 0.5, 0, 0]] * 2
        assert "boxes" not in env.observe()


class TestBoth:
    def test_a_loose_neighbour(self):
        """Fresh greens beside are eaten, and paid for, bite by bite; with open hands there is nothing."""
        env = begin([(0, 0)], {0: (0, -0.25), GREENS: (0.3, 0)})
        assert step(env, 1) == pytest.approx([0.5 + 0.1 + 1.0])
        assert left(env, 0) == left(env, GREENS) == 0.4 and number(env, "ticks_with_both") == 1.0
        assert env.observe()["self"][0, 0, 11:13].tolist() == pytest.approx([0.4, 0.4])
        assert step(env, 0) == [0.0]

    def test_out_of_reach(self):
        env = begin([(0, 0)], {0: (0, -0.25), GREENS: (0.33, 0)})
        assert step(env, 1) == pytest.approx([0.6]) and left(env, GREENS) == 0.5

    def test_not_from_somebody_s_hands(self):
        """And what is released is had by its neighbour, bite by bite an exchange."""
        env = begin([(-0.25, 0), (0.25, 0)], {0: (-0.25, -0.25), GREENS: (0.0, 0.1)})
        assert step(env, 1, 1) == pytest.approx([0.6, 0.6])
        assert step(env, 1, 0) == pytest.approx([1.0, 0.0])
        assert number(env, "exchanged") == number(env, "given/1-0/greens") == pytest.approx(0.1)
        assert number(env, "drop_swaps") == 0.0

    def test_one_neighbour_for_one_agent(self):
        env = begin([(-0.25, 0), (0.26, 0)], {0: (-0.25, -0.25), 1: (0.26, -0.25), GREENS: (0.0, 0.1)})
        assert step(env, 1, 1) == pytest.approx([1.6, 0.6])


@pytest.mark.parametrize("engine", ENGINES)
def test_dawn(engine):
    """Eaten and loose pieces are new, elsewhere; what is held stays in the hand and does not grow that day."""
    env = BatchEnv(market(), 1, threads=1, engine=engine)
    env.reset()
    start = env.engine.pose[0, 1:, :2]
    state = env.game.state
    for _ in range(5):
        step(env, 0)
    pose = env.engine.pose
    pose[0, 0, :2] = start[3] + torch.tensor([0.25, 0.0])
    env.engine.place(torch.tensor([True]), pose, torch.zeros_like(pose))
    env._worlds.read_engine()
    env._worlds.look()
    state["trade/left"][0, 3], state["trade/owner"][0, 7] = 50.0, NOTHING
    while state["trade/steps"] < 31:
        step(env, 1)
    assert state["trade/holder"][0].tolist() == [-1] * 3 + [0] + [-1] * 8 and place(env, 7)[0] < -20
    step(env, 1)
    others = [slot for slot in range(12) if slot != 3]
    now = env.engine.pose[0, 1:, :2]
    torch.testing.assert_close(now[others], state["trade/crops"][0, others, 1], rtol=0, atol=1e-4)
    assert (state["trade/owner"][0, others] == GROWN).all() and (state["trade/left"][0, others] == 0.5).all()
    assert state["trade/owner"][0, 3] == 0 and (now[3] - start[3]).norm() < 0.2
    for _ in range(5):  # They stay where they have grown.
        step(env, 1)
    torch.testing.assert_close(env.engine.pose[0, 1:, :2][others], now[others], rtol=0, atol=0.02)


def test_pieces_do_not_grow_into_each_other():
    env = BatchEnv(get("trade/haul"), 20, threads=1)
    env.reset()
    crops = env.game.state["trade/crops"].transpose(1, 2)  # (W, dawns, F, 2)
    apart = (crops[:, :, :, None] - crops[:, :, None]).abs().amax(-1) + torch.eye(12)
    assert apart.min() >= 0.1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"boxes": (0, 0)}, r"boxes is \(0, 0\); hauling needs 12, a cube for each piece that grows; see trade/haul"),
        ({"elongated_boxes": (1, 1)}, "hauling needs 12"),
        ({"lock_boxes": True}, "lock_boxes is on; food that is hauled cannot be locked"),
        ({"trade": TradeOptions(**(OPTIONS | {"goods": 2.0}))}, "trade.goods is 2.0; who hauls food starts with empty"),
        ({"trade": TradeOptions(**(OPTIONS | {"patches": "none"}))}, "nothing grows; hauling needs trade.patches"),
        ({"trade": TradeOptions(**(OPTIONS | {"carry": "bag"})), "game_actions": (5,)}, "on an empty floor"),
        ({"game_actions": (5,)}, r"game_actions is \(5,\); the game trade has none"),
        ({"ramps": 1}, "on an empty floor"),
    ],
)
def test_wrong_options(options, words):
    with pytest.raises(UserError, match=words) as error:
        get("trade/haul", **options)
    assert "\n" not in str(error.value)


def test_the_option_alone_says_where_to_start():
    with pytest.raises(UserError, match=r"trade/lite.*boxes is \(0, 0\); hauling needs 12, .* see trade/haul"):
        get("trade/lite", trade=dataclasses.replace(get("trade/lite").trade, carry="haul"))


def test_the_whole_market_is_hauled():
    """Four agents and 40 pieces."""
    trade = dataclasses.replace(get("trade/full").trade, carry="haul")
    env = BatchEnv(get("trade/haul", hiders=4, floor_size=5.28, boxes=(40, 40), trade=trade), 1, threads=1)
    env.reset()
    for _ in range(60):
        env.step(random_actions(env, torch.Generator().manual_seed(0)))
    assert env.num_diverged == 0


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31))
def test_food_is_neither_made_nor_lost(seed):
    """Whatever agents do: a piece is in one hand at most, and the floor loses what is eaten, until dawn."""
    env = begin([(0, 0.25), (0, -0.26)], {0: (0, 0), 1: (0.12, 0), GREENS: (-0.12, 0), 7: (-0.12, 0.12)})
    generator, state = torch.Generator().manual_seed(seed), env.game.state
    for _ in range(8):
        before = state["trade/left"].sum()
        step(env, *torch.randint(2, (2,), generator=generator).tolist())
        holders = state["trade/holder"][state["trade/holder"] >= 0].tolist()
        assert len(holders) == len(set(holders))
        eaten = (before - state["trade/left"].sum()).item()
        assert -1e-4 < eaten <= 0.2 * 2 + 1e-4 and (state["trade/left"] >= 0).all()
