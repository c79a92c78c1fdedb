import dataclasses
import importlib
import math
import types
from dataclasses import dataclass
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from envs.errors import UserError
from envs.options import ranges
from envs.options.ranges import (
    LAST_SEED,
    AtLeastOne,
    Positive,
    PositiveOrInfinite,
    Range,
    Seed,
    derived_seed,
    faults,
    require,
)
from envs.scenarios import FULL, SCENARIOS, get, replace
from policies.tower import NetworkConfig
from train.cli import COMMANDS
from train.config.train_config import TrainConfig, validate
from train.stages.study import StudyOptions
from train.transfer.counting_curves import CountingConfig
from train.transfer.counting_supervised import CounterConfig
from train.transfer.study_plan import Request


@dataclass(frozen=True)
class Inner:
    rate: Positive = 1.0
    pair: tuple[AtLeastOne, AtLeastOne] = (1, 2)


@dataclass(frozen=True)
class Options:
    norm: PositiveOrInfinite = 5.0
    several: tuple[AtLeastOne, ...] = (3,)
    kind: Literal["x", "y"] = "x"
    maybe: Positive | None = None
    name: str = "a"
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("limits", "value", "said"),
    [
        ({"low": 0}, -1, "must not be negative"),
        ({"low": 0}, 0, None),
        ({"low": 0}, 2**31 - 1, None),
        ({"low": 0}, 2**31, "must be at most 2147483647"),
        ({"low": 1}, 0, "must be at least 1"),
        ({"low": 1, "high": 62}, 0, "must be from 1 to 62"),
        ({"low": 0, "high": 62}, -1, "must not be negative"),
        ({"above": 0}, 0.0, "must be positive"),
        ({"above": 0}, 1e-300, None),
        ({"above": 0}, math.inf, "must be finite"),
        ({"above": 0}, math.nan, "must be a number"),
        ({"above": 0, "infinite": True}, math.inf, None),
        ({"above": 0, "infinite": True}, -math.inf, "must be positive"),
        ({"above": 0, "infinite": True}, math.nan, "must be a number"),
        ({"low": 0, "below": 1}, 1.0, "must be in [0, 1)"),
        ({"above": 0, "high": 1}, 0.0, "must be in (0, 1]"),
        ({}, 3e38, None),
        ({}, 1e39, "must be at most 3e+38"),
        ({"above": 0, "infinite": True}, 1e308, "must be at most 3e+38"),
        ({"low": 0, "high": LAST_SEED}, LAST_SEED, None),
        ({"low": 0, "high": LAST_SEED}, LAST_SEED + 1, "must be from 0 to 4294967295"),
    ],
)
def test_a_range(limits, value, said):
    assert Range(**limits).fault(value) == said


def test_faults_are_found_however_deep():
    assert list(faults(Options())) == []
    assert list(faults(Options(norm=math.inf, maybe=0.5))) == []
    wrong = Options(norm=0.0, several=(1, 0), kind="z", maybe=-1.0, inner=Inner(rate=math.nan, pair=(1, 2, 3)))
    assert dict(faults(wrong)) == {
        "norm": "is 0.0; it must be positive",
        "several": "is (1, 0); each number must be at least 1",
        "kind": "is z; it must be one of 'x', 'y'",
        "maybe": "is -1.0; it must be positive",
        "inner.rate": "is nan; it must be a number",
        "inner.pair": "is (1, 2, 3); it must be 2 numbers",
    }
    assert dict(faults(Inner(pair=(1.5, True)))) == {"pair": "is (1.5, True); each number must be a whole number"}


def options_of_commands():
    """The dataclass that each command parses, named XArguments in its module."""
    for name in COMMANDS:
        module = importlib.import_module(f"train.commands.{name}")
        yield from (value for key, value in vars(module).items() if key == f"{name.capitalize()}Arguments")


def bare_numbers(hint, ranged=False):
    """Whether a type holds an int or float that no range is annotated to."""
    if get_origin(hint) is Annotated:
        kind, *parts = get_args(hint)
        return bare_numbers(kind, any(isinstance(part, Range) for part in parts))
    if get_origin(hint) in (tuple, Union, types.UnionType):
        return any(bare_numbers(part) for part in get_args(hint))
    return hint in (int, float) and not ranged


ALL = [*options_of_commands(), TrainConfig, StudyOptions, CountingConfig, CounterConfig, Request]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_number_of_every_option_has_a_range(kind):
    assert len(ALL) >= len(COMMANDS)
    seen, waiting = set(), [kind]
    while waiting:
        current = waiting.pop()
        seen.add(current)
        hints = get_type_hints(current, include_extras=True)
        if current is not NetworkConfig:  # policies/ knows no ranges: test_sizes_of_networks.
            assert [name for name, hint in hints.items() if bare_numbers(hint)] == []
        plain = get_type_hints(current)
        waiting += [hint for hint in plain.values() if dataclasses.is_dataclass(hint) and hint not in seen]
    assert kind is not TrainConfig or len(seen) == 17


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(NetworkConfig) if f.type == "int"])
@pytest.mark.parametrize("value", [0, -1, 5000])
def test_sizes_of_networks(name, value):
    config = TrainConfig(network=dataclasses.replace(NetworkConfig(), **{name: value}))
    with pytest.raises(UserError, match=f"--network.{name.replace('_', '-')} is {value}"):
        validate(config)


class TestScenarios:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"gravity": math.nan}, "gravity is nan"),
            ({"timestep": math.inf}, "timestep is inf"),
            ({"floor_friction": -1.0}, "floor_friction is -1.0; it must be in"),
            ({"vision_angle": 7.0}, "vision_angle is 7.0"),
            ({"horizon": 10**12}, "horizon is 1000000000000; it must be at most 2147483647"),
            ({"hiders": 2.5}, "hiders is 2.5; it must be a whole number"),
            ({"layout": "spiral"}, "layout is spiral; it must be one of"),
            ({"bounds": (0.0, 0.0, math.inf, 1.0)}, "bounds is .*each number must be finite"),
            ({"bounds": (0.0, 0.0, 1e4, 1.0)}, "bounds is .*each number must be in"),
            ({"bounds": (2.0, 0.0, 1.0, 1.0)}, "bounds is .*x0 < x1"),
        ],
    )
    def test_impossible(self, changes, words):
        with pytest.raises(UserError, match=words):
            get("hide-and-seek/full", **changes)

    def test_groups_are_named(self):
        food = dataclasses.replace(FULL.food, radius=math.inf)
        assert replace(FULL, food=food).food.radius == math.inf
        with pytest.raises(UserError, match=r"'hide-and-seek/full': food\.radius is nan; it must be a number"):
            replace(FULL, food=dataclasses.replace(food, radius=math.nan))

    def test_all_that_are_registered_are_possible(self):
        assert [list(faults(scenario)) for scenario in SCENARIOS.values()] == [[]] * len(SCENARIOS)


def test_seeds():
    assert [require("seed", seed, Seed) for seed in (0, LAST_SEED)] == [0, 2**32 - 1]
    for seed in (-1, 2**32):
        with pytest.raises(UserError, match=f"seed is {seed}; it must"):
            require("seed", seed, Seed)
    assert (derived_seed(3, 4), derived_seed(LAST_SEED, 1), derived_seed(LAST_SEED, 5)) == (7, 0, 4)
    assert ranges.flag("ppo.max_grad_norm") == "--ppo.max-grad-norm"
