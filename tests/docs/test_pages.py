"""What the documentation shows runs: Python blocks, and the options of every command."""

import ast
import importlib
import json
import re
import sys

import pytest
import torch
import tyro

from envs import scenarios
from envs.batch_env import BatchEnv
from envs.env_checks import play_randomly
from tests.docs.pages import NAMES, ROOT, blocks, commands, prose, registers
from train.cli import COMMANDS, main
from train.config.presets import choose
from train.ladder.catalogue import LADDERS

torch.set_num_threads(1)

GAME = "CONTRIBUTING.md"
SLOW = ("docs/counting.md",)
WITH_PYTHON = [
    pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
    for name in NAMES
    if blocks(name, "python") and name != GAME
]
SHORTER = {"docs/counting.md": {"1024": "64", "512": "32"}, "README.md": {"range(240)": "range(20)"}}
"""Page -> numbers that make its code quick."""
ELSEWHERE = ("source", "tensorboard")
"""Commands of other programs."""


def statements(code):
    return [line for line in code.splitlines() if line.strip()]


@pytest.fixture(autouse=True)
def registries():
    """Undo what the pages register."""
    kept = [(registry, dict(registry)) for registry in (scenarios.SCENARIOS, scenarios.GAMES)]
    yield
    for registry, before in kept:
        registry.clear()
        registry.update(before)


def write_what_pages_read(folder):
    """The files that some pages' code finds: runs of a sweep, and recorded episodes."""
    for variant in ("baseline", "entropy-high"):
        for seed, seen in ((0, 0.25), (1, 0.75)):
            run = folder / "runs" / "entropy" / "runs" / variant / f"seed{seed}"
            run.mkdir(parents=True)
            (run / "metrics.jsonl").write_text(json.dumps({"charts/seen_fraction": seen}) + "\n{}\n")
    arguments = ["--agent", "random", "--scenario", "explore/small", "-o", str(folder / "mine.npz")]
    assert main(["record", *arguments]) == 0


@registers()
@pytest.mark.parametrize("name", WITH_PYTHON)
def test_page_runs_from_top_to_bottom(name, tmp_path, monkeypatch, capsys):
    write_what_pages_read(tmp_path)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    for number, code in enumerate(blocks(name, "python")):
        for long, short in SHORTER.get(name, {}).items():
            assert long in code
            code = code.replace(long, short)
        exec(compile(code, f"{name}, block {number}", "exec"), names)
    if name == "docs/custom_scenarios.md":
        train, evaluate = commands(name, marked=True)
        names["__name__"] = "__main__"
        for words in (train, [*evaluate, "--episodes", "2"]):
            monkeypatch.setattr(sys, "argv", words[1:])
            with pytest.raises(SystemExit, match=r"^0$"):
                exec(compile(code, f"{name}, the script", "exec"), names)
        assert (tmp_path / "runs" / "gather" / "config.json").exists()
    if name == "docs/sweeps.md":
        assert "baseline: 0.500 +- 0.354 over 2 seeds" in capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name in NAMES if blocks(name, "python", marked=True) and name != GAME])
def test_what_pages_import_from_here_exists(name):
    """Also in blocks that are not run."""
    for code in blocks(name, "python", marked=True):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ("envs", "policies", "train"):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    if not hasattr(module, alias.name):
                        importlib.import_module(f"{node.module}.{alias.name}")


def test_ten_lines_step_64_worlds():
    assert len(statements(blocks("docs/api.md", "python")[0])) == 10


@pytest.mark.parametrize("name", ["README.md", "docs/api.md"])
def test_the_first_lines_step_worlds_with_a_sixth_component_too(name):
    changes = {"hide-and-seek/full": "trade/lite", "range(240)": "range(2)", "range(20)": "range(2)", "64": "2"}
    code = blocks(name, "python")[0]
    for old, new in changes.items():
        code = code.replace(old, new)
    names = {}
    exec(compile(code, name, "exec"), names)
    assert names["actions"].shape == (2, 2, 6)


def test_a_custom_scenario_takes_less_than_60_lines():
    assert max(len(statements(code)) for code in blocks("docs/custom_scenarios.md", "python")) < 60


def add_the_game_of_the_recipe():
    """Do what the recipe for a game says: the class, its entry in GAMES, its scenario. Returns its test."""
    names = {"__name__": "envs.games.touch", "__package__": "envs.games"}
    game, scenario, test = blocks(GAME, "python")
    exec(compile(game, "touch.py", "exec"), names)
    scenarios.GAMES["touch"] = names["Touch"]
    catalogue = vars(importlib.import_module("envs.scenarios.catalogue"))
    exec(compile(scenario, "catalogue.py", "exec"), dict(catalogue))
    return test


def test_the_game_of_the_recipe_plays_and_passes_its_test():
    names = {}
    exec(compile(add_the_game_of_the_recipe(), "test_touch.py", "exec"), names)
    for gap, reward in ((0.0, 1.0), (0.2, 0.0)):
        names["test_an_agent_at_rest_beside_a_box"](gap, reward)
    env = BatchEnv(scenarios.get("touch", horizon=10), 3, threads=1)
    play_randomly(env, 12)
    env.close()


# --- commands
# ----------------------------------------------------------------------------------------------------------


class ParsedError(Exception):
    """Carries what a command line says, in place of doing it."""


@pytest.fixture
def parse(monkeypatch):
    """Return what a command's options are, without running it."""
    real = tyro.cli

    def stop(*args, **options):
        raise ParsedError(real(*args, **options))

    def options_of(words):
        with monkeypatch.context() as patch:
            patch.setattr(tyro, "cli", stop)
            try:
                status = main(words)
            except ParsedError as parsed:
                return parsed.args[0]
        raise AssertionError(f"{words} ended with {status}")

    return options_of


def check(words, parse):
    """Check a command line: that its options exist, and the target of make, and the files that are named."""
    if words[0] == "torchrun" and "hideseek" in words:
        words = words[words.index("hideseek") :]
    if words[0] == "hideseek":
        options = parse(words[1:])
        if words[1] == "train" and options.resume is None and options.target not in LADDERS:
            choose(options.target, options.preset)
    elif words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), words
    elif words[0] == "python":
        files = [word for word in words if word.endswith(".py")]
        assert files and all((ROOT / file).is_file() for file in files), words
    else:
        assert words[0] in ELSEWHERE, words


@pytest.mark.parametrize("name", [name for name in NAMES if commands(name)])
def test_commands_have_the_options_that_they_are_given(name, parse):
    add_the_game_of_the_recipe()
    for words in commands(name):
        check(words, parse)


PLACEHOLDERS = ("...", "TASK", "--seed N", "ITERATIONS")


@pytest.mark.parametrize("name", NAMES)
def test_commands_within_sentences_have_them_too(name, parse):
    for line in re.findall(r"`(hideseek [a-z][^`]*)`", prose(ROOT / name)):
        words = line.split()
        assert words[1] in COMMANDS, line
        if len(words) > 2 and not any(word in line for word in PLACEHOLDERS):
            check(words, parse)
