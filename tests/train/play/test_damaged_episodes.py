"""Episode files from strangers: what is wrong with them is one line, whatever it is."""

import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs import scenarios
from envs.batch_env import BatchEnv
from tests.damage import changed, damaged, examples, read_or_refuse
from train.cli import main
from train.play.episode_files import load_episodes, write_episodes
from train.play.episodes import EpisodePlayer
from train.play.players import RandomPlayer

SCENARIO = dataclasses.replace(scenarios.get("hide-and-seek/food"), horizon=3, boxes=(1, 1), elongated_boxes=(0, 0))


def played():
    env = BatchEnv(SCENARIO, 1, 3, threads=1)
    try:
        return EpisodePlayer(env, RandomPlayer(SCENARIO.action_bins, 3), 3, "somebody").play()
    finally:
        env.close()


def to_bytes(episodes):
    memory = io.BytesIO()
    write_episodes(memory, episodes)
    return memory.getvalue()


EPISODE = played()
WHOLE = to_bytes([EPISODE])
with np.load(io.BytesIO(WHOLE)) as archive:
    ARRAYS = {name: archive[name] for name in archive.files}
HEADER = json.loads(ARRAYS["header"].tobytes())
FOREIGN = [
    *(np.float64, np.int64, np.uint16, np.complex64, np.bool_, ">f4", "<U3", "S4", "datetime64[s]", [("x", "<f4")]),
]
"""Types of arrays that some other program may write."""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged") / "a.npz"


def write(path, header, arrays):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    np.savez(path, **{**arrays, "header": np.frombuffer(text, dtype=np.uint8)})


def use(episodes):
    """What commands do with episodes that could be read."""
    for episode in episodes or []:
        assert episode.steps == len(episode.live) == len(episode.states["pose"]) - 1
        episode.moment(episode.steps)
        episode.score(episode.team("hiders"))
        assert episode.seen.shape == (episode.steps + 1,)


@examples(150)
@given(damaged(WHOLE))
def test_damaged_bytes(path, content):
    path.write_bytes(content)
    use(read_or_refuse(load_episodes, path))


@examples(60)
@given(st.binary(max_size=300))
def test_any_bytes(path, content):
    for start in (b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00"):
        path.write_bytes(start + content)
        assert read_or_refuse(load_episodes, path) is None


@examples(150)
@given(changed(HEADER))
def test_changed_headers(path, header):
    write(path, header, ARRAYS)
    use(read_or_refuse(load_episodes, path))


@examples(150)
@given(st.sampled_from(sorted(set(ARRAYS) - {"header"})), st.data())
def test_arrays_of_other_types_and_shapes(path, name, data):
    values = ARRAYS[name]
    how = data.draw(st.sampled_from(["type", "shape", "number", "none", "more"]))
    arrays = dict(ARRAYS)
    if how == "type":
        kind = np.dtype(data.draw(st.sampled_from(FOREIGN)))
        arrays[name] = np.zeros(values.shape, dtype=kind)
    elif how == "shape":
        arrays[name] = data.draw(st.sampled_from([values[:-1], values[None], values[..., None], values.reshape(-1)]))
    elif how == "number":
        arrays[name] = values.copy()
        numbers = [-2, 99, float("nan")] if values.dtype.kind == "f" else [1, 99]
        arrays[name].reshape(-1)[:1] = data.draw(st.sampled_from(numbers))
    elif how == "none":
        del arrays[name]
    else:
        arrays[name + "x"] = values
    write(path, HEADER, arrays)
    use(read_or_refuse(load_episodes, path))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda header: b"{" * 100_000, "it has no header"),
        (lambda header: b"[]", "it has no header"),
        (lambda header: header["scenario"].update(layout="spiral"), "'layout' must be one of 'random_rooms'"),
        (lambda header: header["scenario"].update(hiders="2"), "'hiders' must be a whole number, found \"2\""),
        (lambda header: header["scenario"].update(game="chess"), "unknown game 'chess'"),
        (lambda header: header["scenario"].update(lidar_rays=-1), "lidar_rays is -1"),
        (lambda header: header["episodes"][0].update(steps=10**30), "'steps' is 1"),
        (lambda header: header["episodes"][0].update(seed=-1), "'seed' is -1; it must not be negative"),
        (lambda header: header["episodes"].append(7), "expected an object"),
        (lambda header: header.update(version="1"), "it has no header"),
        (lambda header: header.update(episodes={}), "lists no episodes"),
    ],
)
@pytest.mark.parametrize("command", ["video", "stats"])
def test_what_is_wrong_is_named(path, capsys, change, said, command):
    header = json.loads(json.dumps(HEADER))
    write(path, change(header) or header, ARRAYS)
    assert main([command, str(path)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and error.count("\n") == 1


def test_sizes_that_no_memory_has(path):
    """An array that says of itself that it has a million million numbers."""
    small = io.BytesIO()
    np.lib.format.write_array_header_1_0(small, {"descr": "<f4", "fortran_order": False, "shape": (10**12,)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", small.getvalue())
    assert read_or_refuse(load_episodes, path) is None


def test_infinity_comes_back(path):
    """A radius of eating that has no end is part of the scenario."""
    food = dataclasses.replace(SCENARIO.food, radius=float("inf"))
    episode = dataclasses.replace(EPISODE, scenario=dataclasses.replace(SCENARIO, food=food))
    path.write_bytes(to_bytes([episode]))
    assert load_episodes(path)[0].scenario.food.radius == float("inf")
    write(path, json.dumps(HEADER).replace('"radius": 0.5', '"radius": Infinity', 1).encode(), ARRAYS)
    assert load_episodes(path)[0].scenario.food.radius == float("inf")
