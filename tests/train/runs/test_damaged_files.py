"""Files from strangers: what is wrong with them is one line, whatever it is."""

import dataclasses
import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from policies.tower import NetworkConfig
from tests.damage import JSON, changed, damaged, examples, read_or_refuse
from train.cli import main
from train.config.overrides import override, read_overrides
from train.config.presets import get_preset
from train.config.train_config import TrainConfig, validate
from train.runs import checkpoints
from train.runs.checkpoints import Checkpoint, CheckpointFolder, load_checkpoint, save_checkpoint
from train.runs.metrics import MetricsLog, read_metrics
from train.runs.run_folder import RunFolder
from train.runs.saved_policy import load_policy, to_config
from train.support.json_data import to_plain
from train.trainer import Trainer

CONFIG = dataclasses.replace(
    get_preset("quickstart"),
    num_worlds=2,
    threads=1,
    torch_threads=1,
    network=NetworkConfig(embedding_size=4, attention_heads=1, hidden_size=4, lstm_size=4, lidar_filters=1),
)


def fresh_checkpoint():
    trainer = Trainer(CONFIG)
    trainer.begin()
    try:
        return trainer.checkpoint()
    finally:
        trainer.close()


CHECKPOINT = fresh_checkpoint()
SMALL = Checkpoint({"policy.weight": torch.arange(6.0)}, {"counters": {"iteration": 1}})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


def small_file(folder):
    save_checkpoint(folder / "whole.safetensors", SMALL)
    return (folder / "whole.safetensors").read_bytes()


@examples(150)
@given(st.data())
def test_a_damaged_checkpoint_is_told(folder, data):
    whole = small_file(folder)
    content = data.draw(damaged(whole))
    (folder / "a.safetensors").write_bytes(content)
    read = read_or_refuse(load_checkpoint, folder / "a.safetensors")
    assert read is None or read.metadata == SMALL.metadata


@examples(50)
@given(st.binary(max_size=200))
def test_any_bytes_are_told(folder, content):
    for name, read in (("a.safetensors", load_checkpoint), ("config.json", lambda _: RunFolder(folder).read_config())):
        (folder / name).write_bytes(content)
        assert read_or_refuse(read, folder / name) is None


def write_signed(path, tensors, text):
    """Write a checkpoint whose checksum is right, with any text in the place of its metadata."""
    header = {"format": checkpoints.FORMAT, "metadata": text, "sha256": checkpoints._digest(tensors, text)}
    path.write_bytes(save(tensors, header))


@examples(150)
@given(changed(CHECKPOINT.metadata))
def test_a_checkpoint_that_says_nonsense_of_itself_is_told(folder, metadata):
    """The checksum is right: whoever wrote this meant it. It is a policy all the same, or one line."""
    path = folder / "nonsense.safetensors"
    write_signed(path, CHECKPOINT.group("policy") and CHECKPOINT.tensors, json.dumps(metadata))
    saved = read_or_refuse(load_policy, path)
    assert saved is None or saved.config == validate(saved.config)


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "[" * 100_000, '{"a": 1e999}', "NaN", '"\\ud800"'])
def test_a_header_that_is_no_object_is_told(folder, text):
    write_signed(folder / "b.safetensors", CHECKPOINT.tensors, text)
    assert read_or_refuse(load_policy, folder / "b.safetensors") is None


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("config", "scenario", "layout"), "spiral", "'layout' must be one of 'random_rooms', 'quadrant'"),
        (("config", "scenario", "hiders"), 1.5, "'hiders' must be a whole number, found 1.5"),
        (("config", "scenario", "game"), "chess", "unknown game 'chess'"),
        (("config", "ppo", "clip"), "wide", "'clip' must be a number, found \"wide\""),
        (("config", "network", "lstm_size"), 10**9, "--network.lstm-size is 1000000000; it must be from 1 to 4096"),
        (("config", "network", "lstm_size"), 2000, "tensor 'actor.lstm"),
        (("config", "network"), None, "expected an object for NetworkConfig, found NoneType"),
        (("counters", "iteration"), "7", "'iteration' must be a whole number, found \"7\""),
        (("counters", "iteration"), float("inf"), "'iteration' must be a whole number, found Infinity"),
        (("observation_spec", "entities"), [1, 2], "'entities' must be an object, each value a list of 2"),
        (("observation_spec", "self_features"), -5, "describes no network"),
        (("observation_spec", "self_features"), 10**15, "has shape"),
        (("action_bins",), [11, 11], "does not hold a policy for the actions of its scenario"),
    ],
)
def test_what_is_wrong_is_named(folder, capsys, place, value, said):
    metadata = json.loads(json.dumps(CHECKPOINT.metadata))
    holder = metadata
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    path = folder / "iteration-0000001.safetensors"
    write_signed(path, CHECKPOINT.tensors, json.dumps(metadata))
    assert main(["evaluate", str(path)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and error.count("\n") == 1


@examples(100)
@given(changed(to_plain(CONFIG)))
def test_a_changed_configuration_is_possible_or_told(plain):
    config = read_or_refuse(to_config, plain, "config.json")
    assert config is None or isinstance(config, TrainConfig)


@pytest.mark.parametrize(
    "text", ['{"config": {"seed": "x"}}', '{"config": 3}', "[]", "\xff", '{"config": {"seed": -1}}']
)
def test_a_damaged_configuration_cannot_be_resumed(tmp_path, capsys, text):
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    assert main(["train", "--resume", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"config.json", "run.lock"}


@examples(100)
@given(JSON | changed({"iteration": 3, "score": 1.5, "file": "x"}))
def test_a_mark_of_the_best_that_is_none_counts_as_none(folder, mark):
    (folder / "best.json").write_text(json.dumps(mark))
    iteration, score = CheckpointFolder(folder).best()
    assert (iteration is None) == (score == float("-inf")) or score == float("inf")
    assert isinstance(score, float) and (iteration is None or isinstance(iteration, int))


LINES = [{"iteration": i, "env_steps": 10 * i, "losses/entropy": 1.5, "perf/diverged_worlds": 0.0} for i in (1, 2, 3)]


@examples(80)
@given(st.lists(JSON | changed(LINES[1]), max_size=3), st.binary(max_size=20))
def test_lines_of_metrics_that_are_none_are_left_out(folder, lines, noise):
    path = folder / "metrics.jsonl"
    texts = [json.dumps(line).encode() for line in (LINES[0], *lines, LINES[2])]
    path.write_bytes(b"\n".join([*texts[:2], noise.replace(b"\n", b""), *texts[2:]]) + b"\n")
    read = read_metrics(path)
    assert read[0] == LINES[0] and read[-1] == LINES[2]
    for numbers in read:
        assert isinstance(numbers["iteration"], int) and isinstance(numbers["env_steps"], int)
        assert all(value is None or isinstance(value, (int, float)) for value in numbers.values())
    MetricsLog(folder, 1, 10).close()
    assert all(numbers["iteration"] <= 1 for numbers in read_metrics(path))


@examples(100)
@given(st.data())
def test_override_files(folder, data):
    """Any JSON, any options of any value: a configuration that is possible, or one line."""
    names = st.sampled_from(
        ["seed", "ppo", "ppo.clip", "scenario.boxes", "scenario.food.radius", "init_from", "Ppo", "x"]
    )
    content = data.draw(st.dictionaries(names, JSON, min_size=1, max_size=2) | JSON)
    path = folder / "o.json"
    path.write_text(json.dumps(content))
    values = read_or_refuse(read_overrides, path)
    if values is not None:
        config = read_or_refuse(override, CONFIG, values, "o.json")
        assert config is None or read_or_refuse(validate, config) in (None, config)


@examples(60)
@given(
    st.text(max_size=30)
    | st.sampled_from(["ppo.clip = inf", "seed = 1979-05-27", "a.b.c = 1", "seed = nan", "[" * 2000])
)
def test_override_files_in_toml(folder, text):
    path = folder / "o.toml"
    path.write_text(text, errors="surrogatepass")
    values = read_or_refuse(read_overrides, path)
    if values is not None:
        config = read_or_refuse(override, CONFIG, values, "o.toml")
        assert config is None or read_or_refuse(validate, config) in (None, config)
