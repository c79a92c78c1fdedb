import dataclasses
import math
import weakref
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

import envs
from envs.batch_env import BatchEnv
from envs.env_checks import random_actions
from envs.errors import UserError
from envs.layouts import Layout, LayoutStream
from envs.scenarios import FULL, QUADRANT
from tests.envs.history import assert_same, play, rest
from tests.envs.worlds import body, small, world

SHORT = dataclasses.replace(QUADRANT, name="short", horizon=10)
EAST = math.pi / 2


def test_the_packages_under_test_are_those_of_this_repository():
    repository = Path(__file__).resolve().parents[2]
    found = Path(envs.__file__).resolve()
    assert found.is_relative_to(repository), (
        f"'import envs' gives {found}, not {repository / 'envs'}: another installed package of the same name shadows "
        f"this project's. Uninstall it, or use a fresh virtual environment."
    )


@pytest.mark.parametrize("parts", [3, 5])
def test_reading_poses_within_a_step_changes_nothing(parts):
    plain, watched = (BatchEnv(FULL, 2, seed=1, threads=1) for _ in range(2))
    generator = torch.Generator().manual_seed(0)
    plain.reset()
    watched.reset()
    for _ in range(8):
        actions, before = random_actions(plain, generator), watched.get_state(torch.arange(2)).pose
        plain.advance(actions)
        between = watched.advance(actions, parts).between
        assert between.shape[1] == parts - 1
        poses = torch.stack([before, *between.unbind(1), watched.get_state(torch.arange(2)).pose])
        moved = (poses[1:] - poses[:-1])[:, :, :2, :2].norm(dim=-1)  # Of hiders.
        assert (moved > 0).all() and (moved < 1.2 / parts).all()
    ours, theirs = plain.state_dict(), watched.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def flat_hands(env):
    state = env.get_state(torch.arange(env.num_worlds))
    return {**vars(state.grabs), **{f"lock {name}": value for name, value in vars(state.locks).items()}}


class TestAutoReset:
    def test_the_observation_of_an_ended_episode_is_the_next_ones_first(self):
        env = BatchEnv(SHORT, 3, seed=5, threads=1)
        env.reset()
        generator = torch.Generator().manual_seed(0)
        for step in range(1, 21):
            result = env.step(random_actions(env, generator))
            assert result.done.tolist() == [step % 10 == 0] * 3
            if step % 10 == 0:
                assert result.obs["self"][..., 4:8].abs().max() == 0
                assert result.obs["self"][..., 9].abs().max() == 0
                stream = LayoutStream(SHORT, 5, 3)
                for _ in range(step // 10 + 1):
                    expected = stream.draw(torch.arange(3))
                assert_close(result.obs["self"][..., :3], expected.agent_pose[..., :3], rtol=0, atol=1e-6)
                assert_close(result.obs["boxes"][:, 0, :, :3], expected.box_pose[..., :3], rtol=0, atol=1e-6)

    def test_nothing_of_the_old_episode_is_left(self):
        """Held and locked at the end of an episode; the next one equals the same episode in a fresh environment."""
        s = small(name="leftovers", boxes=(0, 1), horizon=6)
        layout = world(s, [(2.5, 3.0, EAST)], [body(3.0, 3.0)])
        used, fresh = BatchEnv(s, 1, threads=1), BatchEnv(s, 1, threads=1)
        used.reset(layout)
        actions = rest(used)
        actions[0, 0] = torch.tensor([7, 5, 5, 1, 1])
        for _ in range(5):
            used.step(actions)
        state = used.get_state(torch.tensor([0]))
        assert state.locks.locked.item()
        assert state.grabs.holding[0, 0] == 0
        closer = world(s, [(2.52, 3.0, EAST)], [body(3.0, 3.0)])
        for grab in (1, 0):
            used.reset(closer)
            fresh.reset(closer)
            before, anew = (flat_hands(env) for env in (used, fresh))
            for name, value in before.items():
                assert torch.equal(value, anew[name]), name
            actions[0, 0] = torch.tensor([9, 5, 5, grab, 0])
            for _ in range(5):
                ours, theirs = used.step(actions), fresh.step(actions)
                assert_same([ours.obs], [theirs.obs])
                mine, others = (env.get_state(torch.tensor([0])).grabs for env in (used, fresh))
                if grab:
                    assert torch.equal(mine.offset, others.offset)
            assert ours.obs["boxes"][0, 0, 0, 0] > 3.2

    def test_some_worlds_end_while_others_go_on(self):
        """Staggered: first ends at 1/4, 2/4, 3/4 and all of the horizon, and never together again."""
        s = dataclasses.replace(SHORT, horizon=8)
        env = BatchEnv(s, 4, threads=1, stagger=True)
        env.reset()
        generator = torch.Generator().manual_seed(0)
        ended, counted, truncated = [], [], []
        for _ in range(16):
            result = env.step(random_actions(env, generator))
            ended.append(result.done.tolist())
            truncated.append(result.truncated.tolist())
            counted.append(len(result.statistics.get("length", [])))
            assert torch.equal(result.obs["self"][:, 0, 9] == 0, result.done)
        expected = [[(step - 2 * (w + 1)) % 8 == 0 and step >= 2 * (w + 1) for w in range(4)] for step in range(1, 17)]
        assert ended == expected
        # Shortened first episodes are left out of the statistics; world 3's first one is whole.
        assert counted == [0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
        assert truncated == [[step == 2 * (w + 1) < 8 for w in range(4)] for step in range(1, 17)]

    def test_what_the_game_ends_is_not_truncated(self, monkeypatch):
        """Over in step 4, when the first episode of world 0 would have been cut short, and that of world 1
        would not."""
        env = BatchEnv(dataclasses.replace(SHORT, horizon=8), 2, threads=1, stagger=True)
        env.reset()
        judge, over = env.game.judge, torch.tensor([False, False])

        def end(view):
            verdict = judge(view)
            verdict.over = over & (view.steps == 4)
            return verdict

        monkeypatch.setattr(env.game, "judge", end)
        saved = env.state_dict()
        for game_ends in (False, True):
            over[:] = game_ends
            for step in range(1, 5):
                result = env.step(rest(env))
                assert result.done.tolist() == [step == 4, game_ends and step == 4]
                assert result.truncated.tolist() == [step == 4 and not game_ends, False]
            env.load_state_dict(saved)

    def test_the_last_state_of_an_episode_is_asked_for_where_it_was_cut_short(self):
        """Halves of the horizon of 8: in step 4 alone, also in an environment that goes on from a saved state."""
        env = BatchEnv(dataclasses.replace(SHORT, horizon=8), 2, threads=1, stagger=True)
        env.reset()
        for step in range(1, 13):
            if step == 3:
                saved, env = env.state_dict(), BatchEnv(env.scenario, 2, threads=1)
                env.load_state_dict(saved)
            transition = env.advance(rest(env))
            assert env.cuts_short(transition) == (step == 4)
            env.conclude(transition)


class TestReproducibility:
    def test_same_seed_same_worlds_at_any_number_of_threads(self):
        scenario = dataclasses.replace(FULL, horizon=12)
        environments = [BatchEnv(scenario, 5, seed=4, threads=threads) for threads in (1, 2, 0)]
        starts = [env.reset() for env in environments]
        histories = [[start, *play(env, 16)] for start, env in zip(starts, environments, strict=True)]
        assert_same(histories[0], histories[1])
        assert_same(histories[0], histories[2])

    def test_another_seed_gives_other_worlds(self):
        first, second = (BatchEnv(QUADRANT, 2, seed=seed, threads=1).reset() for seed in (0, 1))
        assert not torch.equal(first["self"], second["self"])
        assert not torch.equal(first["self"][0], first["self"][1])


class TestBrokenPhysics:
    @pytest.mark.parametrize("value", [math.nan, math.inf, 1e9])
    def test_the_world_is_reset_and_counted_and_others_go_on(self, value):
        broken, sane = (BatchEnv(QUADRANT, 3, seed=3, threads=1) for _ in range(2))
        for env in (broken, sane):
            env.reset()
            play(env, 5)
        worlds = torch.tensor([1])
        velocity = broken.engine.velocity[worlds]
        velocity[0, 0, 0] = value
        broken.engine.set_bodies(worlds, broken.engine.pose[worlds], velocity)
        ours, theirs = broken.step(rest(broken)), sane.step(rest(sane))
        assert broken.num_diverged == 1
        assert sane.num_diverged == 0
        assert ours.done.tolist() == [False, True, False]
        assert ours.truncated.tolist() == [False, True, False]
        assert ours.reward[1].abs().max() == 0
        assert len(ours.statistics["length"]) == 0, "a broken episode does not count"
        second = Layout.stack([LayoutStream(QUADRANT, 3, 3).draw(torch.tensor([1, 1]))]).select([1])
        assert_close(ours.obs["self"][1, :, :3], second.agent_pose[0, :, :3], rtol=0, atol=1e-6)
        for name, seen in ours.obs.items():
            assert torch.equal(seen[[0, 2]], theirs.obs[name][[0, 2]]), name
        for mine, other in zip(play(broken, 20, seed=1), play(sane, 20, seed=1), strict=True):
            assert all(v.isfinite().all() for n, v in mine.items() if not n.startswith("stat/"))
            assert torch.equal(mine["self"][[0, 2]], other["self"][[0, 2]])
        assert broken.num_diverged == 1

    def test_broken_in_the_last_step_is_an_end_of_the_game(self):
        env = BatchEnv(SHORT, 1, threads=1)
        env.reset()
        for step in range(1, 11):
            if step == 10:
                velocity = torch.full_like(env.engine.velocity, math.nan)
                env.engine.set_bodies(torch.tensor([0]), env.engine.pose, velocity)
            transition = env.advance(rest(env))
            env.conclude(transition)
        assert (transition.done.item(), transition.broken.item(), transition.truncated.item()) == (True, True, False)
        assert not env.engine.diverged.item()

    def test_its_next_episode_is_a_whole_one_and_counts(self):
        env = BatchEnv(SHORT, 1, threads=1)
        env.reset()
        pose = env.engine.pose
        pose[0, 0, 0] = math.nan
        env.engine.set_bodies(torch.tensor([0]), pose, torch.zeros_like(pose))
        assert env.step(rest(env)).done.item()
        for step in range(1, 11):
            result = env.step(rest(env))
            assert result.done.item() == (step == 10)
        assert result.statistics["length"].tolist() == [10.0]


@pytest.fixture(scope="module")
def env():
    env = BatchEnv(QUADRANT, 2, threads=1)
    env.reset()
    return env


class TestBadInput:
    @pytest.mark.parametrize(
        "actions",
        [
            torch.zeros(2, 4, 4, dtype=torch.int64),
            torch.zeros(3, 4, 5, dtype=torch.int64),
            torch.zeros(4, 5, dtype=torch.int64),
            torch.zeros(2, 4, 5),
            torch.zeros(2, 4, 5, dtype=torch.int32),
        ],
        ids=["components", "worlds", "dimensions", "float", "int32"],
    )
    def test_actions_of_another_form(self, env, actions):
        with pytest.raises(ValueError, match=r"int64 of shape \(2, 4, 5\)") as error:
            env.step(actions)
        assert str(actions.dtype) in str(error.value)
        assert str(tuple(actions.shape)) in str(error.value)

    @pytest.mark.parametrize("component, value", [(0, 11), (2, -1), (3, 2), (4, 2)])
    def test_actions_out_of_range(self, env, component, value):
        actions = rest(env)
        actions[1, 2, component] = value
        with pytest.raises(ValueError, match=r"\(11, 11, 11, 2, 2\)"):
            env.step(actions)

    def test_layouts_that_do_not_fit(self, env):
        layout = world(QUADRANT, boxes=[body(3.0, 3.0)], ramps=[body(5.0, 5.0)])
        with pytest.raises(UserError, match="1 worlds, the environment 2"):
            env.reset(layout)
        other = world(small(boxes=(0, 1)), boxes=[body(3.0, 3.0)])
        with pytest.raises(UserError, match="needs"):
            env.reset(Layout.stack([other, other]))

    def test_no_worlds(self):
        with pytest.raises(UserError, match="num_worlds is 0"):
            BatchEnv(QUADRANT, 0)


def test_closing_frees_the_engine_and_twice_is_fine():
    env = BatchEnv(QUADRANT, 1, threads=1)
    env.reset()
    engine = weakref.ref(env.engine)
    env.close()
    assert engine() is None
    env.close()


def test_memory_is_reported():
    assert 1_000 < BatchEnv(QUADRANT, 2, threads=1).bytes_per_world < 10_000_000


def test_a_step_before_reset_says_so():
    env = BatchEnv(QUADRANT, 1, threads=1)
    with pytest.raises(RuntimeError, match=r"call reset\(\) before step"):
        env.step(torch.zeros(1, QUADRANT.num_agents, 5, dtype=torch.int64))
    env.close()
