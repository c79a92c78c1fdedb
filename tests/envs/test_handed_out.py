"""What an environment has handed out belongs to whoever has it: no later call changes it."""

import dataclasses

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.env_checks import random_actions
from envs.scenarios import SCENARIOS, replace


def tensors(value, name=""):
    """Name -> tensor of everything inside, however deep."""
    if isinstance(value, torch.Tensor):
        return {name: value}
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    return {key: found for part, inner in parts for key, found in tensors(inner, f"{name}.{part}").items()}


def everything(env, actions):
    """Make one step and return all that it, and every other way of asking, gives."""
    given = {"transition": (transition := env.advance(actions))}
    given |= {name: getattr(env.engine, name) for name in ("pose", "velocity", "diverged")}
    given |= {"last": env.observe(), "numbers": env.game.statistics(transition.view)}
    given |= {"result": env.conclude(transition), "present": env.present_agents, "frozen": env.frozen_agents}
    given |= {"state": env.get_state(torch.arange(env.num_worlds)), "saved": env.state_dict()}
    given |= {"entities": env.game.entities(), "engine": env.engine.state_dict()}
    return tensors(given)


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_changes_afterwards(name):
    scenario = replace(SCENARIOS[name], horizon=4)
    env, generator = BatchEnv(scenario, 3, seed=1, threads=1, stagger=True), torch.Generator().manual_seed(0)
    given, kept = {}, {}

    def keep(when, found):
        named = {f"{when}{name}": value for name, value in found.items()}
        given.update(named)
        kept.update({name: value.clone() for name, value in named.items()})

    keep("start", tensors(env.reset()))
    for step in range(3):
        keep(step, everything(env, random_actions(env, generator)))
    worlds = torch.arange(3)
    state, saved = env.get_state(worlds), env.state_dict()
    state.steps[:], state.grabs.holding[:], state.locks.locked[:] = 0, -1, True
    env.set_state(worlds, state)
    for _ in range(6):
        env.step(random_actions(env, generator))
    keep("end", everything(env, random_actions(env, generator)))
    env.load_state_dict(saved)
    keep("loaded", everything(env, random_actions(env, generator)))
    env.engine.place(worlds > 0, env.engine.pose, env.engine.velocity + 1e4)  # Breaks the physics.
    env.step(random_actions(env, generator))
    env.reset()
    changed = [key for key, value in given.items() if not torch.equal(value, kept[key])]
    assert not changed
