"""Any value of any option of a command line: a run can be made of it, or one line says why not and nothing is made."""

import contextlib
import dataclasses
import io
import sys
from importlib import import_module
from pathlib import Path
from typing import get_args
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tyro.conf import Positional

from envs.options.ranges import flag
from tests.damage import examples, read_or_refuse
from tests.options import FEW, options_of, replaced, values
from tests.train.test_trainer import TINY, train
from train.cli import main
from train.config.train_config import TrainConfig, validate
from train.learning import memory_need
from train.trainer import Trainer

NOWHERE = {
    "bench": ["--scenario", "nowhere"],
    "conformance": ["nowhere"],
    "evaluate": ["nowhere"],
    "record": ["nowhere"],
    "scene": ["nowhere", "-o", "scene.xml"],
    "stages": ["nowhere"],
    "stats": ["nowhere"],
    "transfer": ["nowhere"],
    "video": ["nowhere"],
    "watch": ["nowhere"],
}
"""Words of commands that lead through all checks of their options, and to no work."""
WORDS = st.text(max_size=6) | st.sampled_from(
    ["", "-", "--", "-1", "nan", "1e400", "0x10", "1_0", "None", "[/x]", "%s", "\udcff", "9" * 5000, "a\nb", "/", "*"]
)


class BegunError(Exception):
    """A run would begin: everything that it needs was built."""


@pytest.fixture(scope="module", autouse=True)
def nowhere(tmp_path_factory):
    """An empty folder to be in; a machine of 1 GiB."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("empty"))
        patch.setattr(memory_need, "available_memory", lambda device: 2**30)
        yield


def drawn(kind):
    """Return name -> type and strategy of the options of a dataclass."""
    hints = {name: hint for name, hint in options_of(kind) if Positional not in get_args(hint)}
    return {name: (hint, FEW.get(name, values(hint))) for name, hint in hints.items()}


TRAIN = drawn(TrainConfig)
OTHERS = {
    name: drawn(vars(import_module(f"train.commands.{name}"))[f"{name.capitalize()}Arguments"]) for name in NOWHERE
}


def words_of(name, hint, value):
    """The words that give a value to an option."""
    *groups, last = name.split(".")
    others = [part.name for part in get_args(hint)[1:] if isinstance(getattr(part, "name", None), str)]
    path = [*groups, *filter(None, [f"no-{last}" if value is False else (others or [last])[0]])]
    several = value if isinstance(value, tuple) else () if isinstance(value, bool) else (value,)
    return [flag(".".join(path)), *("9" * 400 if item == 10**400 else f"{item}" for item in several)]


@st.composite
def words(draw, options):
    """Some options with values of their type, or with words that are none."""
    result = []
    for name in draw(st.lists(st.sampled_from(sorted(options)), min_size=1, max_size=3, unique=True)):
        hint, kind = options[name]
        given_words = words_of(name, hint, draw(kind))
        strange = draw(st.sampled_from([False, False, True]))
        result += [given_words[0], *draw(st.lists(WORDS, max_size=2))] if strange else given_words
    return result


def ends_well(arguments):
    """Whether a command does its work; else it must say why not in one line, and leave nothing behind."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(arguments)
        except BegunError:
            return True
    assert list(Path().iterdir()) == []
    assert status == 2, out.getvalue()
    line = err.getvalue()
    assert line.startswith("error: ") and line.count("\n") == 1 and line.endswith("\n"), line
    return False


def check_train(arguments):
    with mock.patch.object(Trainer, "begin", side_effect=BegunError):
        ends_well(["train", "quickstart", "--run-dir", "run", "--num-worlds", "2", "--threads", "1", *arguments])


@examples(25)
@given(words(TRAIN))
def test_train(arguments):
    check_train(arguments)


@pytest.mark.slow
@examples(1500)
@given(words(TRAIN))
def test_train_with_many_values(arguments):
    check_train(arguments)


@examples(80)
@given(st.data())
def test_other_commands(data):
    command = data.draw(st.sampled_from(sorted(NOWHERE)))
    assert not ends_well([command, *NOWHERE[command], *data.draw(words(OTHERS[command]))])


@pytest.mark.slow
@examples(200)
@given(st.data())
def test_what_is_accepted_trains(tmp_path_factory, data):
    """Two iterations and a checkpoint, or one line: of what is impossible, or of losses that are no numbers."""
    config = dataclasses.replace(TINY, iterations=2, threads=1)
    for name in data.draw(st.lists(st.sampled_from(sorted(TRAIN)), min_size=1, max_size=4, unique=True)):
        if name not in ("iterations", "torch_threads"):
            config = replaced(config, name, data.draw(TRAIN[name][1]))
    need = read_or_refuse(lambda: memory_need.memory_needed(validate(config)))
    if need is not None and need.total < 2**27:
        read_or_refuse(train, tmp_path_factory.mktemp("runs") / "run", config)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "--sede", "3"], "Unrecognized options: --sede, 3, did you mean --seed?; 'hideseek train --help'"),
        (
            ["train", "--iterations", "x"],
            "parsing --iterations: invalid literal for int() with base 10: 'x'; 'hide",
        ),
        (["train", "--league.draw", "x"], "invalid choice 'x' for argument '--league.draw'. Expected one of ('age',"),
        (["train", "--scenario.bounds", "1", "2"], "--scenario.bounds: no type matching"),
        (["stats", "--output"], "Missing value for argument '-o/--output'"),
        (["list", "x"], "Unrecognized options: x; 'hideseek list --help' shows all options"),
        (["conformance"], "Missing from hideseek conformance: PATH; 'hideseek conformance --help'"),
        (["export", "quickstart"], "Missing from hideseek export: -o PATH; 'hideseek export --help'"),
        (["exploit"], "Missing from hideseek exploit: RUN, --side {hiders,seekers}; 'hideseek exploit --help'"),
        (["reproduce", "schelling"], "Missing from hideseek reproduce schelling: GAME; 'hide"),
        (
            ["reproduce", "reputation", "--readings", "x"],
            "one of ('episode/all', 'episode/one', 'immediate/all', 'immediate/one', 'replay/all', 'replay/one'); ",
        ),
        (["train", "--ppo.clip", "1e308"], "--ppo.clip is 1e+308; it must be at most 3e+38"),
        (["train", "--run-dir", "run\udcff"], "the name run\\udcff is not UTF-8; choose another --run-dir"),
    ],
)
@pytest.mark.parametrize("width", ["40", "200"])
def test_what_is_wrong_is_named_whatever_the_width_of_the_terminal(capsys, monkeypatch, arguments, said, width):
    monkeypatch.setenv("COLUMNS", width)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and error.count("\n") == 1 and len(error) < 260


def test_names_that_are_no_text_can_be_printed(tmp_path, monkeypatch):
    """Of a file whose name is bytes; and on a terminal that knows ASCII alone."""
    name = f"{tmp_path}/scene\udcff.xml"
    for encoding in ("utf-8", "ascii"):
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
        assert main(["scene", "explore/small", "-o", name, "--force"]) == 0
        sys.stdout.flush()
        assert b"scene\\udcff.xml: explore/small" in sys.stdout.buffer.getvalue()
    assert Path(name).exists()
