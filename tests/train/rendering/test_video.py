import dataclasses
import importlib
import math
import os
import sys
import threading
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch

from envs import scenarios
from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.rendering.opengl import _forget, make_context
from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.tower import NetworkConfig
from tests.envs.worlds import ACTION_BINS
from train.cli import main
from train.config.train_config import TrainConfig
from train.play.episodes import EpisodePlayer
from train.play.moment import Moment, between
from train.play.players import RandomPlayer
from train.rendering.annotations import DrawOptions
from train.rendering.overlays import Status, draw_status
from train.rendering.renderer import WorldRenderer
from train.rendering.video import EpisodePainter, VideoOptions, footage, frames_per_step, record
from train.rendering.video_files import open_video
from train.runs.checkpoints import Checkpoint
from train.runs.run_folder import RunFolder
from train.support.json_data import to_plain

SHORT = scenarios.get("hide-and-seek/quadrant", horizon=8, preparation_fraction=0.5)
SMALL = VideoOptions(width=160, height=120, caption="short")


@pytest.fixture(scope="session")
def opengl():
    try:
        make_context(64, 64).free()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture
def env():
    made = BatchEnv(SHORT, 1, seed=3, threads=1)
    yield made
    made.close()


def play(env, episodes=1, seed=3):
    player = EpisodePlayer(env, RandomPlayer(ACTION_BINS, seed), seed)
    return [player.play() for _ in range(episodes)]


def film(path, env, episodes=1, options=SMALL, **more):
    return record(path, env.engine.scene, play(env, episodes), episodes, options, **more)


def moment_of(env, **changes):
    s = env.scenario
    plain = Moment(
        pose=env.engine.pose[0].double().numpy(),
        holding=np.full(s.num_agents, -1),
        locked_by=np.full(s.num_objects, -1),
        sees=np.zeros((s.seekers, s.hiders), dtype=bool),
    )
    return dataclasses.replace(plain, **changes)


# --- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "frames"), [("a.mp4", 1 + 2 * 8), ("a.webm", 1 + 2 * 8), ("a.gif", 1 + 8)])
def test_a_video_has_every_frame_and_moves(opengl, env, tmp_path, name, frames):
    seen = []
    written = film(tmp_path / name, env, progress=lambda done, total: seen.append((done, total)))
    pictures = iio.imread(tmp_path / name)[..., :3]
    assert written == frames and pictures.shape == (frames, 120, 160, 3)
    assert all(picture.std() > 5 for picture in pictures)
    assert (pictures[0] != pictures[-1]).any()
    assert seen == [(i + 1, frames) for i in range(frames)]
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_gif_time_is_real_time(tmp_path):
    with open_video(tmp_path / "a.gif", 32, 32, fps=1 / 0.075) as video:
        for i in range(40):
            frame = np.zeros((32, 32, 3), dtype=np.uint8)
            frame[:, : 1 + i % 30] = 255
            video.add(frame)
    total = sum(iio.immeta(tmp_path / "a.gif", index=i)["duration"] for i in range(40))
    assert total == pytest.approx(40 * 75, abs=10)


@pytest.mark.parametrize("name", ["a.mp4", "a.gif"])
def test_an_interrupted_video_leaves_the_old_file(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), open_video(path, 64, 64, 20) as video:
        video.add(np.zeros((64, 64, 3), dtype=np.uint8))
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_a_failing_encoder_is_one_clear_error(tmp_path):
    with pytest.raises(UserError, match="ffmpeg"), open_video(tmp_path / "a.mp4", 64, 64, 20) as video:
        video._process.kill()
        video._process.wait()
        for _ in range(100):
            video.add(np.zeros((64, 64, 3), dtype=np.uint8))
    assert not list(tmp_path.iterdir())


# --- episodes ------------------------------------------------------------------------------------------------------


def test_a_moment_says_what_the_environment_says(env):
    (episode,) = play(env)
    assert episode.steps == SHORT.horizon and list(episode.live) == [False] * 4 + [True] * 4
    score = episode.score(episode.team("hiders"))
    for index in range(5, 9):
        # whoever is drawn as seen is what the rules call seen
        assert episode.seen[index] == episode.moment(index).sees.any()
        assert abs(score[index] - score[index - 1]) in (1.0, 10.0)
    assert not any(episode.moment(index).sees.any() for index in range(5))


def test_same_seed_gives_equal_pictures(opengl):
    runs = []
    for seed in (1, 1, 2):
        env = BatchEnv(SHORT, 1, seed=seed, threads=1)
        painter = EpisodePainter(env.engine.scene, SMALL)
        painter.show(footage(play(env, 1, seed)[0], env.engine.scene))
        runs.append(np.stack([painter.draw(step, 0.5) for step in (0, 3, 7)]))
        painter.close()
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_pictures_may_be_drawn_in_any_thread(opengl, env):
    renderer = WorldRenderer(env.engine.scene, 64, 48)
    pictures = [renderer.draw(moment_of(env))]
    for task in (lambda: pictures.append(renderer.draw(moment_of(env))), renderer.close):
        thread = threading.Thread(target=task)
        thread.start()
        thread.join(60)
    np.testing.assert_array_equal(*pictures)


def test_episodes_differ_and_follow_each_other(opengl, env, tmp_path):
    options = dataclasses.replace(SMALL, overlay=False, speed=2.0)
    assert film(tmp_path / "a.mp4", env, 2, options) == 2 * (1 + 8)
    pictures = iio.imread(tmp_path / "a.mp4").astype(int)
    assert abs(pictures[0] - pictures[9]).max() > 60


def test_a_grid_shows_episodes_at_once(opengl, env, tmp_path):
    options = dataclasses.replace(SMALL, overlay=False, speed=2.0, grid=4)
    assert film(tmp_path / "a.mp4", env, 3, options) == 1 + 8
    picture = iio.imread(tmp_path / "a.mp4")[4].astype(int)
    assert picture.shape == (120, 160, 3)
    tiles = [picture[:60, :80], picture[:60, 80:], picture[60:, :80]]
    assert all(abs(a - b).max() > 60 for a, b in zip(tiles, [*tiles[1:], tiles[0]], strict=True))
    assert (picture[64:, 84:] > 245).all()  # the fourth place is empty


def test_slow_videos_get_more_frames():
    assert [frames_per_step(Path("a.mp4"), speed) for speed in (0.5, 1, 2, 4)] == [4, 2, 1, 1]
    assert frames_per_step(Path("a.GIF"), 1) == 1


def test_bodies_move_between_two_moments(env):
    env.reset()
    start = moment_of(env)
    end = dataclasses.replace(start, pose=start.pose + 1.0, holding=start.holding + 1)
    middle = between(start, end, 0.25)
    assert np.allclose(middle.pose, start.pose + 0.25) and (middle.holding == end.holding).all()
    assert between(start, end, 1.0) is end
    gone = np.where(np.arange(len(start.pose))[:, None] == 1, -40.0, start.pose)
    vanishes = between(start, dataclasses.replace(start, pose=gone), 0.25)
    assert np.array_equal(vanishes.pose, start.pose)  # Eaten food does not fly away.


# --- pictures ------------------------------------------------------------------------------------------------------


class TopView(WorldRenderer):
    def draw(self, moment, **drawing):
        return super().draw(moment, DrawOptions(camera="top", **drawing))


def test_every_decoration_shows(opengl, env):
    env.reset()
    renderer = TopView(env.engine.scene, 320, 240)
    renderer.show(env.engine.world_model(0))
    plain = renderer.draw(moment_of(env)).astype(int)
    assert np.array_equal(plain, renderer.draw(moment_of(env)))
    objects = np.arange(SHORT.num_objects)
    by_hider = renderer.draw(moment_of(env, locked_by=np.where(objects == 0, 0, -1))).astype(int)
    by_seeker = renderer.draw(moment_of(env, locked_by=np.where(objects == 0, SHORT.hiders, -1))).astype(int)
    sees = renderer.draw(moment_of(env, sees=np.ones((SHORT.seekers, SHORT.hiders), dtype=bool))).astype(int)
    holds = renderer.draw(moment_of(env, holding=np.full(SHORT.num_agents, 1))).astype(int)
    renderer.close()
    for picture in (by_hider, by_seeker, sees, holds):
        assert (abs(picture - plain).max(-1) > 30).sum() > 20
    changed = abs(by_hider - by_seeker).max(-1) > 60
    assert by_hider[changed][:, 2].mean() > by_seeker[changed][:, 2].mean()  # bluer
    assert by_hider[changed][:, 0].mean() < by_seeker[changed][:, 0].mean()  # less red


def test_vision_cones_end_at_walls(opengl, env):
    env.reset()
    renderer = TopView(env.engine.scene, 160, 120)
    renderer.show(env.engine.world_model(0))
    renderer.draw(moment_of(env))
    pose = env.engine.pose[0, 0].double().numpy()
    outline = renderer._view_outline(pose, env.engine.scene.entity_body[0])
    renderer.close()
    ends = pose[:2] + outline
    assert (ends > -0.2).all() and (ends < 6.2).all()
    directions = np.arctan2(outline[:, 1], outline[:, 0])
    spread = np.unwrap(directions)
    assert spread[-1] - spread[0] == pytest.approx(math.radians(135), abs=1e-6)


def test_panel_leaves_the_scene_alone_and_tells_the_state():
    picture = np.full((240, 320, 3), 200, dtype=np.uint8)
    status = Status(seconds=10.0, duration=18.0, preparation=7.2, seen=True, hiders_score=-3.0)
    seen = draw_status(picture, status)
    hidden = draw_status(picture, dataclasses.replace(status, seen=False))
    waiting = draw_status(picture, dataclasses.replace(status, seen=None))
    assert (seen[40:] == 200).all() and (picture == 200).all()
    assert (seen != hidden).any() and (seen != waiting).any()
    alone, alone_unseen = (
        draw_status(picture, dataclasses.replace(status, alone=True, seen=seen)) for seen in (True, False)
    )
    assert (alone == alone_unseen).all() and (alone != hidden).any()
    long = draw_status(np.full((720, 1280, 3), 200, dtype=np.uint8), status)
    assert (long[110:] == 200).all() and (long[20:60] != 200).mean() > 0.8


# --- command -------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def short_scenario(monkeypatch):
    monkeypatch.setitem(scenarios.SCENARIOS, "hide-and-seek/quadrant", dataclasses.replace(SHORT))


COMMAND = ["video", "--agent", "random", "--scenario", "hide-and-seek/quadrant", "--width", "160", "--height", "120"]


def test_command_writes_and_says_so(opengl, tmp_path, capsys):
    threads = torch.get_num_threads()
    try:
        assert main([*COMMAND, "-o", str(tmp_path / "a.gif"), "--cones"]) == 0
    finally:
        torch.set_num_threads(threads)
    assert "wrote" in capsys.readouterr().out
    assert len(iio.imread(tmp_path / "a.gif")) == 9


@pytest.fixture
def run_folder(tmp_path, env):
    """A run of one untrained checkpoint."""
    config = TrainConfig(scenario=SHORT, network=NetworkConfig(embedding_size=8, hidden_size=8, lstm_size=8))
    spec = env.observation_spec
    observation = ObservationSpec.from_dict(spec)
    policy = ActorCritic(observation, ACTION_BINS, config.network)
    metadata = {
        "config": to_plain(config),
        "counters": {"iteration": 7},
        "observation_spec": policy.spec.to_dict(),
        "action_bins": list(ACTION_BINS),
    }
    folder = RunFolder(tmp_path / "run")
    folder.create(config)
    tensors = {f"policy.{name}": tensor for name, tensor in policy.state_dict().items()}
    folder.checkpoints.save(7, Checkpoint(tensors, metadata), keep=1)
    return folder


@pytest.mark.parametrize("what", ["run", "checkpoint"])
def test_a_run_gets_its_video_in_its_own_folder(opengl, run_folder, what):
    path = run_folder.path if what == "run" else run_folder.checkpoints.file(7)
    assert main(["video", str(path), "--width", "160", "--height", "120", "--seed", "2"]) == 0
    assert [file.name for file in run_folder.videos.iterdir()] == ["iteration-0000007-seed-2.mp4"]


def test_a_policy_that_does_not_fit_the_scenario_is_one_line(run_folder, capsys):
    assert main(["video", str(run_folder.path), "--scenario", "hide-and-seek/quickstart"]) == 2
    assert "does not fit scenario 'hide-and-seek/quickstart'" in capsys.readouterr().err
    assert not list(run_folder.videos.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "a.avi"], ".mp4, .webm or .gif"),
        (["-o", "missing/a.mp4"], "folder is missing"),
        (["-o", "."], "cannot write"),
        (["-o", "a.mp4", "--camera", "moon"], "unknown camera 'moon'"),
        (["-o", "a.mp4", "--camera", "follow"], "--focus"),
        (["-o", "a.mp4", "--sees"], "--focus"),
        (["-o", "a.mp4", "--attention", "--focus", "0"], "trained policy"),
        (["-o", "a.mp4", "--focus", "4"], "agents 0 to 3"),
        (["-o", "a.mp4", "--width", "161"], "even"),
        (["-o", "a.mp4", "--speed", "0"], "--speed"),
        (["-o", "a.mp4", "--episodes", "0"], "--episodes"),
        (["-o", "a.mp4", "--grid", "65"], "--grid"),
        (["-o", "a.mp4", "--best-of", "2", "--episodes", "3"], "--best-of is 2"),
        (["-o", "a.mp4", "--best-of", "2", "--best-for", "all"], "hiders or seekers"),
        (["-o", "a.mp4", "--agent", "robot"], "unknown agent"),
        (["-o", "a.mp4", "some-run"], "either"),
        ([], "-o"),
    ],
)
def test_bad_requests_are_one_line(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert main([*COMMAND, *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("error: ") and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_missing_run_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["video", "nothing", "-o", "a.mp4"]) == 2
    assert "no run or checkpoint at nothing" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_without_opengl_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    real = importlib.import_module

    def without_backends(name, *rest):
        if name in ("mujoco.egl", "mujoco.osmesa", "mujoco.glfw", "mujoco.cgl"):
            raise ImportError("no such library\nin this test")
        return real(name, *rest)

    monkeypatch.setattr("envs.rendering.opengl.importlib.import_module", without_backends)
    monkeypatch.setattr("envs.rendering.opengl._forget", lambda backend: None)
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main([*COMMAND, "-o", "a.mp4"]) == 2
    error = capsys.readouterr().err
    assert "libegl1" in error and "libosmesa6" in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_opengl_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "disable")
    with pytest.raises(UserError, match="MUJOCO_GL"):
        make_context(64, 64)


def test_the_second_backend_gets_a_clean_start(monkeypatch):
    """PyOpenGL binds itself to the first platform that is tried; a failed one must not rule out the next."""
    monkeypatch.setenv("PYOPENGL_PLATFORM", "egl")
    monkeypatch.setattr(sys, "modules", {**sys.modules, "OpenGL": object(), "mujoco.egl": object()})
    _forget("egl")
    assert "PYOPENGL_PLATFORM" not in os.environ
    assert not [name for name in sys.modules if name in ("OpenGL", "mujoco.egl")]
