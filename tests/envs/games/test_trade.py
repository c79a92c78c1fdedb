"""The Trading Game in the box world: numbers worked out by hand, and the light of the grid version."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.games.trade.daylight import light_at, sun
from envs.games.trade.market_floor import GROWN, NOTHING
from envs.options.scenario_options import TradeOptions
from envs.scenarios import get
from tests.envs.games.trading_grid import SIZE, TradingGrid
from tests.envs.worlds import world

PICK_FRUIT, PUT_FRUIT, PICK_GREENS, PUT_GREENS = 1, 2, 3, 4
CELL, MIDDLE = 0.45, 5.28 / 2
DAY, NIGHT = "dawn", "dusk"


def market(traders=2, **trade):
    """Nothing grows; bags hold 2 units, of fruit in the first and of greens in the second one."""
    options = TradeOptions(**({"patches": "none", "goods": 2.0} | trade))
    return get("trade/full", hiders=traders, trade=options)


def begin(scenario, *places):
    """One world with agents at (x, y[, yaw]) cells from the fire; at yaw 0 they look down, along -y."""
    env = BatchEnv(scenario, 1, threads=1)
    agents = [(MIDDLE + CELL * x, MIDDLE + CELL * y, *yaw) for x, y, *yaw in places]
    env.reset(world(env.scenario, agents))
    return env


def step(env, *choices):
    """Let agents stand still and choose; return the rewards."""
    actions = torch.tensor(env.scenario.no_action).repeat(1, env.num_agents, 1)
    actions[0, :, 5] = torch.tensor(choices)
    return env.step(actions).reward[0].tolist()


def bags(env):
    return env.game.state["trade/bag"][0].flatten().tolist()


def number(env, name):
    return env.game.statistics(None)[name].item()


def lie(env, *pieces):
    """Let pieces (x, y, kind, owner) lie on the floor, and nothing else; cells from the fire."""
    state = env.game.state
    state["trade/owner"][:] = NOTHING
    for slot, (x, y, kind, owner) in enumerate(pieces):
        state["trade/place"][0, slot] = torch.tensor([MIDDLE + CELL * x, MIDDLE + CELL * y])
        state["trade/kind"][0, slot], state["trade/owner"][0, slot] = kind, owner


class TestLight:
    def test_as_on_the_grid(self):
        """At every cell at every tick of two days and nights."""
        grid, options = TradingGrid(0), TradeOptions()
        cells = [(x, y) for x in range(SIZE) for y in range(SIZE)]
        offset = CELL * (torch.tensor([cells]).float() - 5)
        for grid.tick in range(96):
            steps = torch.tensor([grid.tick])
            light = light_at(options, sun(options, steps), offset)[0]
            torch.testing.assert_close(light, torch.tensor([grid.light(cell) for cell in cells]), rtol=0, atol=1e-6)

    def test_begins_at_dusk(self):
        late, early = TradeOptions(begins="dusk"), TradeOptions()
        assert torch.equal(sun(late, torch.arange(60)), sun(early, torch.arange(24, 84)))

    def test_steps_and_ticks_are_apart(self):
        """With two steps in a tick noon comes after 24 of them."""
        options = TradeOptions(day_steps=48)
        assert sun(options, torch.tensor([0, 12, 24, 48, 72])).tolist() == [0.0, 0.5, 1.0, 0.0, -1.0]


class TestRewards:
    def test_holding(self):
        """Two units last for 19 ticks at 0.1 and leave a tenth less than is needed after the 20th."""
        env = begin(market(1), (0, 0))
        rewards = [step(env, 0)[0] for _ in range(21)]
        assert rewards == pytest.approx([0.1] * 19 + [0.0] * 2, abs=1e-6)

    def test_holding_both(self):
        env = begin(market(1), (0, 0))
        env.game.state["trade/bag"][:] = 1.0
        assert step(env, 0) == [1.0] and number(env, "ticks_with_both") == 1.0

    @pytest.mark.parametrize(("x", "light"), [(0.4, 1 / 6), (1.4, 0.0), (2.4, -1 / 12), (2.6, -1 / 12)])
    def test_a_tick_after_dusk(self, x, light):
        env = begin(market(1, begins=NIGHT, goods=0.0), (x, 0))
        assert step(env, 0)[0] == pytest.approx(10 * min(light, 0), abs=1e-5)
        assert number(env, "light_penalty") == pytest.approx(-10 * min(light, 0), abs=1e-5)

    def test_midnight_two_cells_away(self):
        env = begin(market(1, begins=NIGHT, goods=0.0, darkness=3.0), (2, 0))
        rewards = [step(env, 0)[0] for _ in range(12)]
        assert rewards == pytest.approx([-3 / 12] + [-3 / 6] * 11, abs=1e-5)

    def test_severity(self):
        """A share of the loss is rewarded; what is counted is the whole loss."""
        env = begin(market(1, begins=NIGHT, goods=0.0), (4, 0))
        env.game.severity = 0.25
        assert step(env, 0)[0] == pytest.approx(-10 / 12 / 4, abs=1e-5)
        assert number(env, "light_penalty") == pytest.approx(10 / 12, abs=1e-5)
        assert number(env, "total_reward") == pytest.approx(-10 / 12, abs=1e-5)
        assert number(env, "return/hiders") == pytest.approx(-10 / 12, abs=1e-5)

    def test_half_a_tick(self):
        """With two steps in a tick everything but fresh food is paid, and eaten, by halves."""
        env = begin(market(1, day_steps=48), (0, 0))
        lie(env, (0.3, 0, 1, GROWN))
        assert step(env, PICK_GREENS)[0] == pytest.approx(0.5 + 0.5)
        assert bags(env) == pytest.approx([1.95, 0.45])

    def test_company(self):
        env = begin(market(3, community=0.2, goods=0.0), (0, 0), (1, 0), (4, 0))
        assert step(env, 0, 0, 0) == pytest.approx([0.1, 0.1, 0.05], abs=1e-4)


class TestPicking:
    def test_all_of_a_kind_in_reach(self):
        env = begin(market(1), (0, 0))
        lie(env, (0.5, 0, 0, GROWN), (0, -0.69, 0, GROWN), (0, 0.71, 0, GROWN), (0.2, 0, 1, GROWN))
        assert step(env, PICK_FRUIT)[0] == pytest.approx(2 * 0.5 + 0.1)
        assert bags(env) == pytest.approx([2.0 + 1.0 - 0.1, 0.0])
        assert (env.game.state["trade/owner"] != NOTHING).sum() == 2
        assert number(env, "collected") == 1.0 and number(env, "exchanged") == 0.0

    def test_the_nearest_gets_it(self):
        env = begin(market(2, goods=0.0), (-0.6, 0), (0.5, 0))
        lie(env, (0, 0, 0, GROWN))
        step(env, PICK_FRUIT, PICK_FRUIT)
        assert bags(env) == pytest.approx([0, 0, 0.4, 0])

    def test_equally_near_agents_take_turns(self):
        env = begin(market(2, goods=0.0), (-0.5, 0), (0.5, 0))
        state = env.game.state
        for turn in range(2):
            lie(env, (0, 0, 0, GROWN))
            pose = env.engine.pose.clone()
            pose[0, :, :2] = torch.tensor([[MIDDLE - 0.25, MIDDLE], [MIDDLE + 0.25, MIDDLE]])
            state["trade/place"][0, 0], env._worlds.pose = torch.tensor([MIDDLE, MIDDLE]), pose
            state["trade/bag"][:] = 0
            step(env, PICK_FRUIT, PICK_FRUIT)
            assert [bag > 0 for bag in bags(env)] == [turn == 0, False, turn == 1, False]

    def test_behind_the_back(self):
        """With a cone of vision what is not seen is not picked: at yaw 0 an agent looks down."""
        scenario = dataclasses.replace(market(1), vision_angle=2.0)
        env = begin(scenario, (0, 0))
        lie(env, (0, 0.5, 0, GROWN))
        assert step(env, PICK_FRUIT)[0] == pytest.approx(0.1)
        lie(env, (0, -0.5, 0, GROWN))
        assert step(env, PICK_FRUIT)[0] == pytest.approx(0.6)


class TestPutting:
    def test_in_front(self):
        env = begin(market(1), (0, 0, torch.pi / 2))
        step(env, PUT_FRUIT)
        assert bags(env) == pytest.approx([1.4, 0])
        slot = int((env.game.state["trade/owner"][0] == 0).nonzero())
        torch.testing.assert_close(
            env.game.state["trade/place"][0, slot], torch.tensor([MIDDLE + 0.6 * CELL, MIDDLE]), rtol=0, atol=1e-4
        )

    def test_not_what_one_has_not(self):
        env = begin(market(1, goods=0.4), (0, 0))
        step(env, PUT_FRUIT)
        step(env, PUT_GREENS)
        assert bags(env) == pytest.approx([0.2, 0]) and not (env.game.state["trade/owner"] != NOTHING).any()

    def test_no_place_left(self):
        env = begin(market(1, spare_pieces=2, goods=3.0), (0, 0))
        for _ in range(4):
            step(env, PUT_FRUIT)
        assert bags(env) == pytest.approx([3.0 - 2 * 0.5 - 4 * 0.1, 0])

    def test_several_at_once(self):
        """Each gets a slot of its own, in the order of agents."""
        env = begin(market(4), (-1, -1), (1, -1), (-1, 1), (1, 1))
        step(env, PUT_FRUIT, PUT_GREENS, 0, PUT_GREENS)
        assert env.game.state["trade/owner"][0, :4].tolist() == [0, 1, 3, NOTHING]
        assert env.game.state["trade/kind"][0, :3].tolist() == [0, 1, 1]


class TestDeals:
    def test_given_and_taken_back(self):
        env = begin(market(), (0, 0), (0, -1))
        step(env, PUT_FRUIT, 0)
        assert step(env, PICK_FRUIT, 0) == pytest.approx([0.1, 0.1])  # Not fresh.
        assert number(env, "reclaimed") == 0.5 and number(env, "exchanged") == 0.0
        step(env, PUT_FRUIT, 0)
        assert step(env, 0, PICK_FRUIT) == pytest.approx([0.1, 1.0])
        assert number(env, "exchanged") == number(env, "given/0-1/fruit") == number(env, "exchanged/fruit") == 0.5
        assert number(env, "reciprocated") == 0.0 and number(env, "given/1-0/fruit") == 0.0

    @pytest.mark.parametrize(("apart", "wait", "swaps"), [(1.0, 1, 1), (1.0, 3, 1), (1.0, 4, 0), (0.5, 1, 0)])
    def test_drop_swap(self, apart, wait, swaps):
        """Two pieces, put down out of reach of each other and within three ticks, change owners."""
        env = begin(market(), (-apart / 2, 0.6, 0.0), (apart / 2, 0.6, 0.0))
        step(env, PUT_FRUIT, 0)
        for _ in range(wait - 1):
            step(env, 0, 0)
        step(env, 0, PUT_GREENS)
        env.game.options = dataclasses.replace(env.game.options, reach=2.0)  # They need not walk.
        step(env, PICK_GREENS, PICK_FRUIT)
        assert number(env, "reciprocated") == 0.5 and number(env, "exchanged") == 1.0
        assert number(env, "drop_swaps") == swaps

    def test_gifts_of_one_kind_are_no_swap(self):
        env = begin(market(), (-0.6, 0), (0.6, 0))
        lie(env, (-0.6, -0.5, 0, 1), (0.6, -0.5, 0, 0))
        step(env, PICK_FRUIT, PICK_FRUIT)
        assert number(env, "exchanged") == 1.0 and number(env, "drop_swaps") == 0.0


class TestDays:
    def test_dawn_clears_and_refills(self):
        env = BatchEnv(get("trade/lite"), 2, threads=1)
        env.reset()
        state, grown = env.game.state, 12
        first = state["trade/place"][:, :grown].clone()
        assert (state["trade/owner"][:, :grown] == GROWN).all() and (state["trade/owner"][:, grown:] == NOTHING).all()
        state["trade/owner"][:, 0], state["trade/owner"][:, grown] = NOTHING, 1
        nothing = torch.tensor(env.scenario.no_action).repeat(2, 2, 1)
        for _ in range(31):
            env.step(nothing)
        assert (state["trade/owner"][:, 0] == NOTHING).all() and (state["trade/owner"][:, grown] == 1).all()
        env.step(nothing)
        assert (state["trade/owner"][:, :grown] == GROWN).all() and (state["trade/owner"][:, grown:] == NOTHING).all()
        assert (state["trade/place"][:, :grown] - first).abs().amin(1).min() > 0  # Elsewhere.

    def test_where_food_grows(self):
        """Fruit in the left corners and greens in the right ones, 3 cells wide, within the walls."""
        env = BatchEnv(get("trade/full"), 8, threads=1)
        env.reset()
        cells = (env.game.state["trade/place"][:, :40] - MIDDLE) / CELL
        fruit = env.game.state["trade/kind"][:, :40] == 0
        assert torch.equal(cells[..., 0] < 0, fruit) and fruit.sum(1).tolist() == [20] * 8
        assert cells.abs().min() > 2.3 and cells.abs().max() < 5.5


class TestSeeing:
    def test_by_night(self):
        """Agent 0 at the fire sees what the fire lights, agent 1 in the dark also sees what is near."""
        env = begin(market(begins=NIGHT), (0, 0), (4, 0))
        step(env, 0, 0)
        lie(env, (2.4, 0, 0, GROWN), (3.1, 0, 0, GROWN), (-4, 0, 0, GROWN))
        obs = env.observe()
        assert obs["pieces_visible"][0, 0, :3].tolist() == [True, False, False]
        assert obs["pieces_visible"][0, 1, :3].tolist() == [True, True, False]
        assert obs["pieces_present"][0, 0, :4].tolist() == [True, True, True, False]
        assert obs["agents_visible"][0].flatten().tolist() == [False, True]

    def test_by_day(self):
        env = begin(market(), (0, 0), (4, 0))
        step(env, 0, 0)
        assert env.observe()["agents_visible"].all()

    def test_features(self):
        env = begin(market(begins=NIGHT), (0, 0), (2, 0))
        step(env, PUT_FRUIT, 0)
        obs, own = env.observe(), 11
        piece = obs["pieces"][0, 1, 0]
        torch.testing.assert_close(piece, torch.tensor([-0.9, -0.27, 1.0, 0.0, 0.0]), rtol=0, atol=1e-3)
        bag_and_name = [1.4, 0.0, 1.0, 0.0]
        assert obs["self"][0, 0, own : own + 4].tolist() == pytest.approx(bag_and_name)
        assert obs["agents"][0, 1, 0, own : own + 4].tolist() == pytest.approx(bag_and_name)
        assert obs["self"][0, 1, own + 4 :].tolist() == pytest.approx([-1 / 12, -1.0, -1 / 12])  # Sun, sinking, light.
        torch.testing.assert_close(obs["fire"][0, 1, 0], torch.tensor([-0.9, 0.0]), rtol=0, atol=1e-3)

    def test_without_names(self):
        scenario = market(identity=False)
        env = begin(scenario, (0, 0), (2, 0))
        assert env.observe()["self"].shape[-1] == 11 + 2 + 3 == env.observation_spec["self_features"]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("trade/lite", {"layout": "empty"}, "game trade with layout empty: trade and market only go together"),
        ("hide-and-seek/full", {"layout": "market"}, "hide_and_seek with layout market: trade and market only go"),
        ("hide-and-seek/full", {"game_actions": (5,)}, r"game_actions is \(5,\); the game hide_and_seek has none"),
        ("trade/lite", {"game_actions": ()}, r"game_actions is \(\); the game trade has \(5,\)"),
        ("trade/full", {"hiders": 5}, "hiders is 5; trade is for at most 4"),
        ("trade/full", {"seekers": 1}, "seekers is 1; trade is played by hiders alone"),
        ("trade/full", {"boxes": (1, 1)}, "trade is played on an empty floor"),
        ("trade/full", {"floor_size": 2.6}, "floor_size is 2.6, too small for patches"),
        ("trade/full", {"trade": TradeOptions(goods=-1.0)}, "trade.goods is -1.0; it must be in"),
        ("trade/full", {"trade": TradeOptions(day_steps=0)}, "trade.day_steps is 0; it must be at least 1"),
    ],
)
def test_wrong_options(name, options, words):
    with pytest.raises(UserError, match=words) as error:
        get(name, **options)
    assert "\n" not in str(error.value)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(1, 6))
def test_food_is_neither_made_nor_lost(seed, spare, goods):
    """Whatever agents choose: they and the floor hold less by what is eaten, and bags are never negative."""
    env = begin(market(4, goods=goods / 2, spare_pieces=spare), (-0.3, -0.3), (0.3, -0.3), (-0.3, 0.3), (0.3, 0.3))
    generator, state = torch.Generator().manual_seed(seed), env.game.state

    def lying():
        return int((state["trade/owner"] != NOTHING).sum())

    def food():
        return float(state["trade/bag"].sum()) + 0.5 * lying()

    for _ in range(6):
        before, mouthfuls = food(), int((state["trade/bag"] > 1e-5).sum()) + lying()
        step(env, *torch.randint(5, (4,), generator=generator).tolist())
        eaten = before - food()
        assert -1e-4 < eaten <= 0.1 * min(mouthfuls, 8) + 1e-4
        assert (state["trade/bag"] >= 0).all()
