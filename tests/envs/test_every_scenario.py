"""Every registered scenario, and options in combination, under random play with every step checked."""

import dataclasses

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.env_checks import check_step, play_randomly, random_actions
from envs.options.scenario_options import (
    BlueprintOptions,
    CylinderOptions,
    FoodOptions,
    LockTaskOptions,
    PaddingOptions,
)
from envs.scenarios import SCENARIOS, get, validate
from tests.envs.worlds import needs_warp

HIDE = "hide-and-seek/quadrant"
OPTIONS = {
    "tilting boxes": (
        "hide-and-seek/full",
        {"tilting_boxes": True, "bearing_features": True, "cylinders": CylinderOptions(movable=1, diameter=(0.3, 0.6))},
    ),
    "tilting boxes in a blueprint": ("blueprint", {"tilting_boxes": True, "elongated_boxes": (1, 3)}),
    "tilting boxes in a lock task": ("lock-and-return", {"tilting_boxes": True, "boxes": (1, 3)}),
    "no ramps": (HIDE, {"ramps": 0}),
    "no boxes": (HIDE, {"boxes": (0, 0)}),
    "perhaps no boxes": (HIDE, {"boxes": (0, 2)}),
    "no objects": (HIDE, {"boxes": (0, 0), "ramps": 0}),
    "no locking": (HIDE, {"lock_boxes": False, "lock_ramps": False}),
    "no lidar": (HIDE, {"lidar_rays": 0}),
    "hiders only": (HIDE, {"seekers": 0}),
    "hiders only, joint mean": (HIDE, {"seekers": 0, "reward_type": "joint_mean", "hiders": 3}),
    "1 v 3": (HIDE, {"hiders": 1, "seekers": 3}),
    "random teams, joint mean": (HIDE, {"random_team_sizes": True, "reward_type": "joint_mean"}),
    "random teams, selfish, food": (
        "hide-and-seek/food",
        {"random_team_sizes": True, "reward_type": "selfish", "food": FoodOptions(count=4, reward="selfish")},
    ),
    "food in the quadrant": (HIDE, {"food": FoodOptions(count=2, clusters=2, central=False, respawn_steps=None)}),
    "floor from 4 to 6 m": ("hide-and-seek/full", {"min_floor_size": 4.5, "boxes": (3, 5), "elongated_boxes": (0, 2)}),
    "large floor": ("hide-and-seek/full", {"floor_size": 9.0, "grid_cells": 45}),
    "three rooms": (HIDE, {"layout": "three_rooms", "agent_start": "each_room", "box_start": "each_room"}),
    "centre and quarter": (HIDE, {"agent_start": "quarter", "box_start": "anywhere", "ramp_start": "quarter"}),
    "movable cylinders alone": (
        HIDE,
        {"boxes": (0, 0), "ramps": 0, "cylinders": CylinderOptions(movable=3, diameter=(0.3, 0.6), height=(0.3, 0.7))},
    ),
    "blueprint in rooms, elongated": (
        "blueprint",
        {
            "layout": "random_rooms",
            "rooms": 2,
            "elongated_boxes": (2, 4),
            "blueprint": BlueprintOptions(
                sites=(2, 3), elongated_sites=(1, 2), site_place="anywhere", completed_scale=0.0
            ),
        },
    ),
    "shelter with two builders": ("shelter", {"hiders": 2}),
    "lock task for two": ("lock-and-return", {"hiders": 2, "boxes": (1, 3)}),
    "three bins along the heading, every 0.3 s": (
        HIDE,
        {"movement_bins": 3, "heading_forces": True, "substeps": 40, "timestep": 0.0075},
    ),
    "stand-ins": ("lock-and-return", {"padding": PaddingOptions(agents=2, ramps=1)}),
    "three counted": ("object-counting", {"boxes": (3, 6)}),
}
LOCK_TASKS = {
    f"{task}{'-return' if back else ''} in {name}": (
        "sequential-lock",
        {"lock_task": LockTaskOptions(task=task, and_return=back), "door_cells": 2, **layout},
    )
    for task in ("all", "order")
    for back in (False, True)
    for name, layout in {
        "random rooms": {"layout": "random_rooms", "ramps": 0},
        "quadrant": {"layout": "quadrant", "box_start": "anywhere", "ramps": 1},
        "empty": {"layout": "empty", "agent_start": "centre", "ramps": 0},
        "rooms": {"layout": "three_rooms", "agent_start": "each_room", "box_start": "each_room"},
        "rooms, anywhere": {"layout": "three_rooms"},
        "closed rooms": {"layout": "three_rooms", "door_cells": 0},
    }.items()
}
VARIANTS = OPTIONS | LOCK_TASKS


@pytest.mark.parametrize("name", SCENARIOS)
def test_registered(name):
    assert validate(SCENARIOS[name]).name == name
    play_randomly(BatchEnv(get(name), 4, threads=1), 50)


@pytest.mark.parametrize("variant", VARIANTS)
def test_options(variant):
    """With short episodes, so that some end."""
    name, changes = VARIANTS[variant]
    play_randomly(BatchEnv(get(name, **({"horizon": 20} | changes)), 3, threads=1, stagger=True), 25)


def test_tilting_boxes_for_long():
    env = BatchEnv(get("hide-and-seek/full", tilting_boxes=True, preparation_fraction=0.0, horizon=150), 4, threads=1)
    play_randomly(env, 200)
    assert env.num_diverged == 0


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["mujoco", pytest.param("warp", marks=(needs_warp, pytest.mark.warp))])
@pytest.mark.parametrize("name", SCENARIOS)
def test_registered_for_long(name, engine):
    env = BatchEnv(get(name), 16, stagger=True, engine=engine)
    play_randomly(env, 2000)
    assert env.num_diverged == 0


class TestTheCheckItself:
    def step(self):
        env = BatchEnv(get("hide-and-seek/random-teams", horizon=30), 6, seed=1, threads=1)
        env.reset()
        result = env.step(random_actions(env, torch.Generator().manual_seed(0)))
        check_step(env, result)
        return env, result

    @pytest.mark.parametrize(
        "spoil, words",
        [
            (lambda r: r.obs["self"].__setitem__((0, 0, 0), torch.nan), "self holds numbers that are not finite"),
            (lambda r: r.obs.pop("boxes"), "observation has"),
            (lambda r: r.obs.update(lidar=r.obs["lidar"].double()), "lidar is torch.float64"),
            (lambda r: r.obs.update(ramps=r.obs["ramps"][:, :1]), "ramps has shape"),
            (lambda r: r.obs["boxes_visible"].fill_(True), "boxes: something absent is visible"),
            (lambda r: r.reward.fill_(1.0), "an absent agent has a reward"),
            (lambda r: setattr(r, "done", r.done.long()), "done is torch.int64"),
        ],
    )
    def test_finds(self, spoil, words):
        env, result = self.step()
        spoil(result)
        with pytest.raises(AssertionError, match=words):
            check_step(env, result)


def test_nothing_is_shared_between_scenarios():
    """Options are data: two scenarios differ only where they say so."""
    changed = dataclasses.replace(get("lock-and-return"), horizon=7)
    assert get("lock-and-return").horizon == 120 and changed.lock_task == get("lock-and-return").lock_task
