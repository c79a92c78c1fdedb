import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from envs.errors import UserError
from train.cli import main
from train.config.overrides import override, read_overrides
from train.config.presets import get_preset


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5
    pair: tuple[int, int] = (1, 2)
    flag: bool = True


@dataclass(frozen=True)
class Config:
    seed: int = 0
    name: str = "a"
    kind: Literal["x", "y"] = "x"
    limit: float | None = None
    inner: Inner = field(default_factory=Inner)


def write(folder: Path, text: str, suffix: str = ".toml") -> Path:
    path = folder / f"o{suffix}"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".toml", 'seed = 3\n"inner.rate" = 2\nlimit = 1.5\n[inner]\npair = [5, 6]'),
        (".toml", "seed = 3\ninner.rate = 2.0\nlimit = 1.5\ninner.pair = [5, 6]"),
        (".json", '{"seed": 3, "inner.rate": 2, "limit": 1.5, "inner": {"pair": [5, 6]}}'),
    ],
)
def test_nested_and_dotted_keys(tmp_path, suffix, text):
    config = override(Config(), read_overrides(write(tmp_path, text, suffix)), "o")
    assert config == Config(seed=3, limit=1.5, inner=Inner(rate=2.0, pair=(5, 6)))
    assert isinstance(config.inner.rate, float)


def test_null_and_hyphens(tmp_path):
    path = write(tmp_path, '{"ppo": {"learning-rate": 1}, "init-from": null}', ".json")
    assert read_overrides(path) == {"ppo.learning_rate": 1, "init_from": None}
    assert override(get_preset("quickstart"), read_overrides(path), "o").ppo.learning_rate == 1.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sede": 1}, "o: unknown option 'sede', did you mean 'seed'?"),
        ({"inner.rat": 1}, "unknown option 'inner.rat', did you mean 'inner.rate'?"),
        ({"rate": 1}, "unknown option 'rate', did you mean 'inner.rate'?"),
        ({"zzz": 1}, "unknown option 'zzz'"),
        ({"inner": 1}, "'inner' is a group of options; set its fields, such as 'inner.rate'"),
        ({"seed.x": 1}, "'seed' is one option, it has no 'x'"),
        ({"seed": 1.5}, "'seed' must be a whole number, found 1.5"),
        ({"seed": True}, "'seed' must be a whole number, found true"),
        ({"inner.flag": 1}, "'inner.flag' must be true or false, found 1"),
        ({"inner.rate": "fast"}, "'inner.rate' must be a number, found \"fast\""),
        ({"kind": "z"}, "'kind' must be one of 'x', 'y'"),
        ({"limit": "z"}, "'limit' must be a number or null"),
        ({"inner.pair": [1]}, "'inner.pair' must be a list of 2"),
        ({"inner.pair": [1, "a"]}, "'inner.pair' must be a list of 2"),
    ],
)
def test_mistakes_are_named(values, message):
    with pytest.raises(UserError) as caught:
        override(Config(), values, "o")
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("suffix", "text", "message"),
    [
        (".toml", "seed = ", "is not TOML"),
        (".json", "{", "is not JSON"),
        (".json", "[1]", "one object"),
        (".yaml", "", r"must end in \.toml or \.json"),
        (".json", '{"a": {"b": 1}, "a.b": 2}', r"names 'a\.b' twice"),
    ],
)
def test_unreadable_files(tmp_path, suffix, text, message):
    with pytest.raises(UserError, match=message):
        read_overrides(write(tmp_path, text, suffix))
    with pytest.raises(UserError, match="No such file"):
        read_overrides(tmp_path / "none.toml")


def test_command_line_wins_over_later_files_over_earlier_ones(tmp_path, capsys):
    first, second = tmp_path / "1.toml", tmp_path / "2.toml"
    first.write_text("seed = 1\niterations = 1\nnum-worlds = 2\n[network]\nhidden-size = 8\nlstm-size = 8\n")
    second.write_text("seed = 2\n[ppo]\nrollout-steps = 10\nminibatches = 2\n")
    files = ["--override", str(first), "--override", str(second)]
    assert main(["train", "quickstart", *files, "--num-worlds", "3", "--run-dir", str(tmp_path / "run")]) == 0
    stored = json.loads((tmp_path / "run" / "config.json").read_text())
    config = stored["config"]
    assert [config[name] for name in ("seed", "iterations", "num_worlds")] == [2, 1, 3]
    assert config["ppo"]["rollout_steps"] == 10
    assert stored["overrides"][str(second)] == {"seed": 2, "ppo.rollout_steps": 10, "ppo.minibatches": 2}
    second.write_text("sede = 1")
    assert main(["train", "quickstart", *files, "--run-dir", str(tmp_path / "other")]) == 2
    assert "did you mean 'seed'?" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
