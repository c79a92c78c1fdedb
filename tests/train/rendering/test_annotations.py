"""Overlays tell the truth: what is drawn is what the rules and the policy's masks say."""

import dataclasses

import numpy as np
import pytest
import torch

from envs import scenarios
from envs.batch_env import BatchEnv
from envs.games.food import food_marks
from envs.layouts import LayoutStream
from envs.options.scenario_options import BlueprintOptions, FoodOptions
from tests.envs.worlds import ACTION_BINS, NO_ACTION
from train.play.episode_files import load_episodes, save_episodes
from train.play.episodes import Recorder, begin
from train.play.players import RandomPlayer
from train.rendering.annotations import DrawOptions, lines, sight_lines

OPEN = scenarios.get("hide-and-seek/quadrant", horizon=30, preparation_fraction=0.2)
CLOSE = DrawOptions(sight=False, grabs=False)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """An episode read from a file, and the masks that the policy was given at each of its states."""
    env = BatchEnv(OPEN, 1, 0, threads=1)
    layout = LayoutStream(OPEN, 0, 1).draw(torch.tensor([0]))
    obs = begin(env, layout, 0)
    player = RandomPlayer(ACTION_BINS, 0)
    player.begin(4)
    recorder, masks = Recorder(env, layout, 0), [obs]
    for _ in range(OPEN.horizon):
        actions = player.act(masks[-1], torch.zeros(1, dtype=torch.bool))
        recorder.add(actions, env.advance(actions))
        masks.append(env.observe())
    env.close()
    path = tmp_path_factory.mktemp("marks") / "a.npz"
    save_episodes(path, [recorder.finish()])
    return load_episodes(path)[0], masks


def visible_agents(obs, viewer):
    """Agents that the policy's mask shows to an agent: entry k of agent i is agent (i - 1 - k) mod A."""
    return {(viewer - 1 - k) % 4 for k in range(3) if obs["agents_visible"][0, viewer, k]}


def ends(found, moment, entities):
    """Entities at whose centres lines end."""
    return [next(e for e in entities if np.array_equal(moment.pose[e, :3], line.end)) for line in found]


def test_exactly_the_hiders_in_the_seekers_masks_are_marked_as_seen(recorded):
    episode, masks = recorded
    marked = 0
    for index, obs in enumerate(masks):
        moment = episode.moment(index)
        found = sight_lines(moment, OPEN)
        pairs = set(zip((starts(found, moment)), ends(found, moment, range(4)), strict=True))
        expected = {(s, h) for s in (2, 3) for h in visible_agents(obs, s) if h < 2 and index > OPEN.preparation_steps}
        assert pairs == expected and len(found) == len(pairs)
        marked += len(pairs)
    assert marked > 5


def starts(found, moment):
    return [next(e for e in range(4) if np.array_equal(moment.pose[e, :3], line.start)) for line in found]


@pytest.mark.parametrize("agent", range(4))
def test_an_agent_is_connected_with_exactly_what_it_sees(recorded, agent):
    episode, masks = recorded
    for index in range(0, 31, 5):
        moment, obs = episode.moment(index), masks[index]
        drawing = dataclasses.replace(CLOSE, agent=agent)
        ring = len(lines(moment, OPEN, drawing))
        found = lines(moment, OPEN, dataclasses.replace(drawing, sees=True))[ring:]
        boxes = {4 + b for b in range(OPEN.max_boxes) if obs["boxes_visible"][0, agent, b]}
        ramps = {4 + OPEN.max_boxes + r for r in range(OPEN.ramps) if obs["ramps_visible"][0, agent, r]}
        assert set(ends(found, moment, range(moment.pose.shape[0]))) == visible_agents(obs, agent) | boxes | ramps


def test_holders_are_connected_with_what_they_hold(recorded):
    moment = recorded[0].moment(3)
    moment = dataclasses.replace(moment, holding=np.array([-1, 1, -1, 0]), sees=np.zeros((2, 2), dtype=bool))
    found = lines(moment, OPEN, DrawOptions())
    assert starts(found, moment) == [1, 3] and ends(found, moment, range(4, 8)) == [5, 4]


def test_attention_is_as_thick_as_it_is_strong(recorded):
    moment = recorded[0].moment(3)
    weights = np.zeros((4, moment.pose.shape[0]), dtype=np.float32)
    weights[1, [0, 1, 4]] = 0.3, 0.2, 0.5
    drawing = dataclasses.replace(CLOSE, agent=1, attention=True)
    ring = len(lines(moment, OPEN, dataclasses.replace(CLOSE, agent=1)))
    found = lines(dataclasses.replace(moment, attention=weights), OPEN, drawing)[ring:]
    assert ends(found, moment, range(moment.pose.shape[0])) == [0, 4]
    assert found[1].radius > found[0].radius
    assert lines(moment, OPEN, drawing)[ring:] == []


def played(scenario, steps):
    """A recorder after some steps of an episode in which nobody does anything."""
    env = BatchEnv(scenario, 1, 0, threads=1)
    layout = LayoutStream(scenario, 0, 1).draw(torch.tensor([0]))
    begin(env, layout, 0)
    recorder = Recorder(env, layout, 0)
    idle = torch.tensor(NO_ACTION).expand(1, scenario.num_agents, 5)
    for _ in range(steps):
        recorder.add(idle, env.advance(idle))
    env.close()
    return recorder, layout


def test_food_is_a_ball_as_large_as_what_is_left_of_it():
    food = FoodOptions(count=2, health=8.0)
    recorder, layout = played(scenarios.get("hide-and-seek/quadrant", food=food), 1)
    row = {name: values[0] for name, values in recorder.finish().states.items()}
    state = {name.removeprefix("game."): values for name, values in row.items() if name.startswith("game.")}
    state["food/health"] = np.array([8.0, 0.0])
    balls = [line for line in food_marks(recorder.finish().scenario, state) if np.array_equal(line.start, line.end)]
    assert len(balls) == 1 and np.allclose(balls[0].start[:2], layout.food[0, 0, 0, :2])
    full = balls[0].radius
    state["food/health"] = np.array([1.0, 0.0])
    left = [line for line in food_marks(recorder.finish().scenario, state) if np.array_equal(line.start, line.end)]
    assert left[0].radius == pytest.approx(full / 2)  # An eighth of the volume.


def test_sites_are_outlined_where_boxes_are_to_stand():
    scenario = scenarios.get("blueprint", blueprint=BlueprintOptions(sites=(3, 3)))
    recorder, layout = played(scenario, 1)
    found = lines(recorder.moment(), scenario, DrawOptions(grabs=False))
    assert len(found) == 3 * 4
    for site in range(3):
        corners = layout.sites[0, site, 1:, :2].numpy()
        rods = found[4 * site : 4 * site + 4]
        assert all(np.linalg.norm(rod.end - rod.start) == pytest.approx(0.5, abs=1e-5) for rod in rods)
        assert {tuple(rod.start[:2].round(4)) for rod in rods} == {tuple(c.round(4)) for c in corners}


def test_a_recorded_episode_shows_the_same_marks():
    scenario = scenarios.get("blueprint")
    recorder, _ = played(scenario, 3)
    again, now = recorder.finish().moment(3).game, recorder.moment().game
    assert len(now) > 0 and len(again) == len(now)
    assert all(
        np.array_equal(a.start, b.start) and np.array_equal(a.end, b.end) for a, b in zip(again, now, strict=True)
    )
