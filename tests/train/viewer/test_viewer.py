"""The viewer without a browser: commands, HTTP, errors."""

import io
import json
import math
import re
import socket
import urllib.request

import numpy as np
import pytest
from PIL import Image

from envs import scenarios
from envs.errors import UserError
from train.cli import main
from train.play.episode_files import load_episodes, save_episodes
from train.play.episodes import replay_actions
from train.viewer import controls
from train.viewer.live_world import LiveGame
from train.viewer.player_choice import PlayerChoice
from train.viewer.recorded import Replay
from train.viewer.viewer import ViewerOptions

from .conftest import WORLD, Served

UP = math.pi / 2  # On a picture seen from above.


@pytest.fixture
def game(run_folder):
    made = LiveGame(WORLD, 0, PlayerChoice([run_folder]), ("mine 7", "random"))
    yield made
    made.close()


def request(served, path, data=None, **headers):
    body = None if data is None else json.dumps(data).encode()
    kind = {"Content-Type": "application/json"} if data is not None else {}
    asked = urllib.request.Request(served.server.url + path, body, kind | headers)
    with urllib.request.urlopen(asked, timeout=60) as reply:
        return reply.headers, reply.read()


def do(served, command, /, **arguments):
    answer = json.loads(request(served, f"do/{command}", arguments)[1])
    return answer.get("error") or answer["answer"]


# --- worlds --------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_game_again(game):
    paths = []
    for _ in range(2):
        for _ in range(5):
            game.step()
        paths.append(game.path)
        game.restart(0)
        for team in (0, 1):
            game.set_player(team, game.teams[team].name)
    assert np.array_equal(*paths)


def test_a_human_takes_over_one_agent(game):
    start = game.after.pose[0, :2].copy()
    keys = {"KeyD", "ShiftLeft"}
    game.human = (0, lambda heading: controls.action(keys, False, UP, game.scenario, heading))
    for _ in range(6):
        game.step()
    episode = game.episode()
    assert (episode.actions[:, 0] == [10, 5, 5, 0, 0]).all()
    assert game.after.pose[0, 0] > start[0] + 0.1


def test_a_played_session_is_recorded_and_replays_exactly(game, tmp_path):
    game.human = (1, lambda heading: controls.action({"KeyW", "KeyQ", "Space"}, True, heading, game.scenario, heading))
    for _ in range(60):
        game.step()
    save_episodes(tmp_path / "a.npz", [game.episode()])
    (episode,) = load_episodes(tmp_path / "a.npz")
    again = replay_actions(episode)
    assert np.array_equal(again.states["pose"], episode.states["pose"])
    assert np.array_equal(again.rewards, episode.rewards) and np.abs(episode.rewards).sum() > 0
    show = Replay([episode])
    for _ in range(60):
        show.step()
    assert np.array_equal(show.after.pose, game.after.pose)
    assert show.score(0) == pytest.approx(game.score(0))


def test_things_can_be_moved_and_the_episode_says_so(game):
    game.step()
    box = WORLD.num_agents
    game.move(box, 2.0, 99.0)
    assert game.after.pose[box, :2] == pytest.approx([2.0, WORLD.floor_size - 0.2], abs=1e-6)
    game.step()
    episode = game.episode()
    assert episode.edited and episode.steps == 2
    assert episode.states["pose"][1, box, 0] == pytest.approx(2.0)


def test_what_agents_see_follows_things_that_are_moved(game):
    """A hider that is put behind the back of its team mate is not seen by it, in front of it it is."""
    game.step()
    x, y, _, yaw = game.after.pose[1]
    heading = yaw - math.pi / 2
    seen = []
    for away in (0.5, -0.5):
        game.move(0, x + away * math.cos(heading), y + away * math.sin(heading))
        seen.append(bool(game.after.visible[1, 0]))
    assert seen == [True, False]


def test_attention_is_known_for_teams_with_a_policy(game):
    hiders, seekers = WORLD.hiders, WORLD.num_agents
    assert np.allclose(game.after.attention[:hiders].sum(1), 1, atol=1e-5)
    assert not game.after.attention[hiders:seekers].any()


def test_an_episode_ends_and_the_next_one_begins():
    short = scenarios.get("hide-and-seek/quadrant", horizon=3)
    game = LiveGame(short, 0, PlayerChoice([]), ("random", "zero"))
    layouts = [game.layout]
    for _ in range(3):
        game.step()
    assert game.done
    game.step()
    layouts.append(game.layout)
    assert game.number == 2 and game.steps == 0 and not game.done
    assert not np.array_equal(layouts[0].agent_pose, layouts[1].agent_pose)
    game.close()


@pytest.mark.parametrize(
    ("keys", "heading", "bins"),
    [
        (set(), None, [5, 5, 5, 0, 0]),
        ({"KeyW"}, None, [5, 7, 5, 0, 0]),
        ({"ArrowLeft"}, None, [3, 5, 5, 0, 0]),
        ({"KeyW", "KeyD"}, None, [6, 6, 5, 0, 0]),
        ({"KeyW", "ShiftLeft"}, None, [5, 10, 5, 0, 0]),
        ({"KeyW"}, 0.0, [7, 5, 5, 0, 0]),
        ({"KeyD"}, 0.0, [5, 3, 5, 0, 0]),
        ({"KeyQ", "Space"}, None, [5, 5, 6, 1, 0]),
        ({"KeyW", "KeyS"}, None, [5, 5, 5, 0, 0]),
    ],
)
def test_keys_mean_actions(keys, heading, bins):
    forward = UP if heading is None else heading
    assert controls.action(keys, False, forward, scenarios.QUADRANT, 0.3) == bins
    assert controls.action(keys, True, forward, scenarios.QUADRANT, 0.3)[4] == 1


@pytest.mark.parametrize(
    ("keys", "forward", "options", "bins"),
    [
        ({"KeyW"}, UP, {"movement_bins": 3}, [1, 2, 1, 0, 0]),
        ({"KeyW", "KeyD", "KeyQ"}, UP, {"movement_bins": 3}, [2, 2, 2, 0, 0]),
        ({"KeyW"}, UP, {"movement_bins": 5}, [2, 3, 2, 0, 0]),
        ({"KeyW", "ShiftLeft", "KeyE"}, UP, {"movement_bins": 5}, [2, 4, 1, 0, 0]),
        # Looking to the right: up on the picture is to the agent's left, and forward ahead.
        ({"KeyW"}, UP, {"heading_forces": True}, [5, 7, 5, 0, 0]),
        ({"KeyW"}, 0.0, {"heading_forces": True}, [7, 5, 5, 0, 0]),
        ({"KeyS"}, 0.0, {"heading_forces": True, "movement_bins": 3}, [0, 1, 1, 0, 0]),
    ],
)
def test_keys_mean_the_actions_that_there_are(keys, forward, options, bins):
    scenario = scenarios.get("hide-and-seek/quadrant", **options)
    assert controls.action(keys, False, forward, scenario, heading=0.0) == bins


# --- over HTTP -----------------------------------------------------------------------------------------------------


def test_the_page_and_its_pictures(served):
    headers, page = request(served, "")
    assert b"<canvas" in page and "text/html" in headers["Content-Type"]
    headers, picture = {}, b""
    while not picture:  # A slow machine has none yet when the server stops waiting for it.
        headers, picture = request(served, "frame?after=0")
    state = json.loads(headers["X-State"])
    assert Image.open(io.BytesIO(picture)).size == (160, 120)
    assert state["paused"] and state["teams"] == ["mine 7", "mine 7"] and state["step"] == 0


def test_commands_change_the_world(served):
    assert do(served, "step") is None and do(served, "step") is None
    assert served.state()["step"] == 2
    do(served, "player", team=1, name="mine 3")
    do(served, "look", agent=2, camera="follow", lidar=True, minimap=True)
    state = served.state()
    assert state["teams"] == ["mine 7", "mine 3"] and state["look"]["camera"] == "follow"
    assert state["mind"]["agent"] == "seeker 0" and sum(w for _, w in state["mind"]["attends"]) > 0.3
    do(served, "seed", seed=5)
    assert (served.state()["seed"], served.state()["step"]) == (5, 0)
    do(served, "reset", again=False)
    assert served.state()["episode"] == 2
    do(served, "play", agent=0)
    do(served, "keys", keys=["KeyF"])
    assert served.state()["played"] == 0 and served.state()["lock"]
    do(served, "scenario", horizon=50)
    assert served.state()["steps"] == 50


def test_a_box_follows_the_mouse(served):
    """What is picked at a box's place on the picture is that box, and it comes to where it is dragged."""
    do(served, "look", camera="top")
    served.state()
    spots = {do(served, "take", x=x / 40, y=y / 30): (x / 40, y / 30) for x in range(8, 32) for y in range(4, 28)}
    box = next(entity for entity in spots if entity >= WORLD.num_agents)
    do(served, "take", x=spots[box][0], y=spots[box][1])
    do(served, "drag", x=0.5, y=0.5)
    do(served, "drop")
    request(served, f"frame?after={served.state()['frame'] - 1}")
    pose = served.viewer.episode().states["pose"][-1, box]
    assert np.abs(pose[:2] - 3.0).max() < 0.3
    headers, data = request(served, "episode.npz")
    assert "attachment" in headers["Content-Disposition"]
    with np.load(io.BytesIO(data)) as archive:
        assert json.loads(archive["header"].tobytes())["episodes"][0]["edited"]


MISTAKES = [
    ("player", {"team": 0, "name": "robot"}, "unknown player 'robot'"),
    ("player", {"team": 5, "name": "random"}, "'team' is 5; it must be a whole number from 0 to 1"),
    ("player", {"team": 1}, "command 'player' needs the argument 'name', a text"),
    ("look", {"camera": "moon"}, "'camera' is 'moon'; it must be one of overview, top, follow, first-person"),
    ("look", {"agent": 9}, "no agent 9"),
    ("look", {"agent": 1.0}, "'agent' is 1.0; it must be null or a whole number from 0 to 9"),
    ("look", {"panel": False, "agent": 9}, "no agent 9"),
    ("look", {"colour": 1}, "command 'look' has no argument 'colour'; it takes camera, agent, cones"),
    ("play", {"agent": 9}, "no agent 9"),
    ("play", {"agent": True}, "'agent' is True"),
    ("speed", {"speed": math.nan}, "'speed' is nan; it must be a number from 0.05 to 8"),
    ("speed", {"speed": math.inf}, "'speed' is inf"),
    ("click", {"x": 0.5, "y": 1e300}, "'y' is 1e+300"),
    ("keys", {"keys": "KeyW"}, "'keys' is 'KeyW'; it must be a list"),
    ("keys", {"keys": ["KeyW", {}]}, "it must be a list of different ones of KeyW"),
    ("pause", {"on": 1}, "'on' is 1; it must be true or false"),
    ("drop", {"hard": True}, "it takes no arguments"),
    ("seed", {"seed": -1}, "'seed' is -1; it must be a whole number from 0 to 4294967295"),
    ("seed", {"seed": 2**32}, "it must be a whole number from 0 to 4294967295"),
    ("scenario", {"name": "hide-and-seek/ful"}, "unknown scenario"),
    ("scenario", {"name": "hide-and-seek/quickstart"}, "does not fit scenario"),
    ("scenario", {"gravity": 1}, "no argument 'gravity'"),
    ("scenario", {"hiders": 0}, "'hiders' is 0"),
    ("scenario", {"boxes": [3, 2]}, "boxes is (3, 2)"),
    ("scenario", {"boxes": [3]}, "'boxes' is [3]; it must be a list of two"),
    ("go", {"step": 3}, "only recorded episodes"),
    ("fly", {}, "unknown command 'fly'; there are describe, pause"),
    ("episode", {}, "unknown command 'episode'"),
]


def test_mistakes_are_told_and_change_nothing(served):
    do(served, "play", agent=0)
    do(served, "keys", keys=["KeyF"])
    do(served, "pause", on=True)
    before = served.state()
    for command, arguments, message in [*MISTAKES, ("step", {"back": True}, "only recorded episodes")]:
        told = do(served, command, **arguments)
        assert message in told and "\n" not in told
    assert before | {"frame": 0} == served.state() | {"frame": 0} and before["lock"]


def test_a_recorded_episode_goes_back_and_forth_but_stays_as_it_is(opengl, game):
    for _ in range(12):
        game.step()
    with Served(
        Replay([game.episode()]), PlayerChoice([]), ViewerOptions(width=160, height=120, paused=True)
    ) as served:
        do(served, "go", step=7)
        assert served.state()["step"] == 7
        first = served.viewer.frame(0, 60).jpeg
        do(served, "step")
        do(served, "step", back=True)
        state = served.state()
        assert state["step"] == 7 and not state["live"] and state["steps"] == 12
        assert served.viewer.frame(0, 60).jpeg == first
        assert "recorded episode" in do(served, "play", agent=0)


# --- command -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--port", "70000"], "--port is 70000"),
        (["--camera", "moon"], "unknown camera 'moon'"),
        (["--width", "10"], "--width is 10"),
        (["--seed", "-1"], "--seed is -1"),
        (["--host", "203.0.113.7"], "cannot listen on 203.0.113.7"),
        (["--host", "a" * 70], "cannot listen on aaaa"),
        (["--hiders", "robot"], "unknown player 'robot'"),
        (["nothing"], "nothing"),
        (["nothing.npz"], "in its own scenario"),
        (["a.npz", "b"], "watched alone"),
    ],
)
def test_bad_requests_are_one_line(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["watch", "--scenario", "hide-and-seek/quadrant", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("error: ") and error.count("\n") == 1


def test_a_missing_episode_file_is_one_line(capsys):
    assert main(["watch", "nothing.npz"]) == 2
    assert capsys.readouterr().err == "error: no episode file at nothing.npz\n"


def test_a_port_in_use_is_one_line(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["watch", "--port", port, "--scenario", "hide-and-seek/quadrant"]) == 2
    error = capsys.readouterr().err
    assert f"port {port} is in use" in error and error.count("\n") == 1


def test_without_a_browser_it_says_where_to_look(monkeypatch, capsys):
    monkeypatch.setattr("train.commands.watch.webbrowser.open", lambda url: False)
    monkeypatch.setattr("train.commands.watch.Viewer.run", lambda self: self._show.close())
    words = ["--port", "0", "--open", "--scenario", "hide-and-seek/quadrant"]
    assert main(["watch", *words]) == 0
    assert "no browser was found on this machine; open http://127.0.0.1:" in capsys.readouterr().out


def test_the_address_for_others_has_a_token(monkeypatch, capsys):
    monkeypatch.setattr("train.commands.watch.Viewer.run", lambda self: self._show.close())
    assert main(["watch", "--port", "0", "--host", "0.0.0.0", "--scenario", "hide-and-seek/quadrant"]) == 0
    assert re.search(r"watch at http://\S+:\d+/\?token=[\w-]{43} \(Ctrl-C", capsys.readouterr().out)


def test_without_opengl_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setenv("MUJOCO_GL", "disable")
    assert main(["watch", "--port", "0", "--scenario", "hide-and-seek/quadrant"]) == 2
    assert "MUJOCO_GL" in capsys.readouterr().err


def test_a_roster_needs_checkpoints(tmp_path):
    with pytest.raises(UserError, match="nothing"):
        PlayerChoice([tmp_path / "nothing"]).policy("nothing")


# --- the market ----------------------------------------------------------------------------------------------------


def test_a_market_by_day_and_by_night():
    """Light of the pictures and bags over heads; ``test_market_pictures.py`` has what becomes of them."""
    game = LiveGame(scenarios.get("trade/full"), 0, PlayerChoice([]), ("trader", "random"))
    light, carried = [game.after.daylight], []
    for _ in range(36):
        game.step()
        light.append(game.after.daylight)
        carried.append(sum(mark.carrier >= 0 for mark in game.after.game))
    game.close()
    assert (light[0], light[12], light[24], light[36]) == pytest.approx((0.5, 1.0, 0.5, 0.0), abs=1e-6)
    assert carried[0] == 0 and carried[22] > 20  # Of 40 pieces, some are eaten.


@pytest.mark.parametrize(("key", "choice"), [("Digit1", 1), ("Digit4", 4), ("Digit5", 0), ("KeyW", 0)])
def test_digits_choose_what_the_game_has(key, choice):
    market = scenarios.get("trade/full")
    assert controls.action({key}, False, UP, market, 0.0)[5:] == [choice]
    assert len(controls.action({key}, False, UP, scenarios.QUADRANT, 0.0)) == 5
