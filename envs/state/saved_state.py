"""State in, state out: of some worlds in the middle of an episode, and of all of them to the bit."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..manipulation import Grabs, Locks
from ..observations import Observation
from ..tensors.groups import group, join_groups
from ..transition import WorldState
from .state_checks import check_worlds, fit_state
from .worlds import Worlds

PLAIN = ("start_pose", "present", "visible", "lidar", "steps")
"""Tensors that are saved as they are. Poses and velocities come from the engine."""


def read(worlds: Worlds, chosen: Tensor) -> WorldState:
    """Return the state of some worlds (K,)."""
    grabs, locks = worlds.grabs, worlds.locks
    return WorldState(
        worlds.pose[chosen].clone(),
        worlds.velocity[chosen].clone(),
        Grabs(grabs.holding[chosen], grabs.offset[chosen], grabs.yaw[chosen], grabs.tilt[chosen]),
        Locks(locks.locked[chosen], locks.locker[chosen], locks.pose[chosen]),
        worlds.visible[chosen].clone(),
        worlds.steps[chosen].clone(),
        {name: values[chosen] for name, values in worlds.game.state.items()},
    )


def write(worlds: Worlds, chosen: Tensor, state: WorldState) -> Observation:
    """Let some worlds (K,) go on from a state of the same layout, and observe.

    Raises:
      UserError: no such world, or the state does not fit; nothing has changed then.
    """
    check_worlds(chosen, len(worlds.steps))
    state = fit_state(state, read(worlds, chosen), worlds.scenario.num_agents)
    worlds.engine.set_bodies(chosen, state.pose, state.velocity)
    worlds.steps = worlds.steps.index_copy(0, chosen, state.steps)
    worlds.hold(
        Grabs(**_replace_rows(vars(worlds.grabs), chosen, vars(state.grabs))),
        Locks(**_replace_rows(vars(worlds.locks), chosen, vars(state.locks))),
    )
    worlds.read_engine()
    _write_game(worlds, chosen, state)
    worlds.look_again(chosen.sort().values)  # Rays are cast in ascending worlds alone.
    observation = worlds.observe()
    worlds.visible = worlds.visible.index_copy(0, chosen, state.visible)
    _write_game(worlds, chosen, state)  # Once more over what it then sensed.
    return observation


def _write_game(worlds: Worlds, chosen: Tensor, state: WorldState) -> None:
    """Write what was given of the game's state."""
    for name, values in state.game.items():
        worlds.game.state[name][chosen] = values


def _replace_rows(old: dict[str, Tensor], chosen: Tensor, new: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors (W, ...) with the rows of some worlds (K,) replaced by tensors (K, ...)."""
    return {name: values.index_copy(0, chosen, new[name]) for name, values in old.items()}


def save(worlds: Worlds) -> dict[str, Tensor]:
    """Return everything that decides the future of what is in all worlds. The tensors are not copies."""
    plain = {name: getattr(worlds, name) for name in (*PLAIN, "box_half_size", "cylinder_half_size")}
    return plain | join_groups(
        engine=worlds.engine.state_dict(), grabs=vars(worlds.grabs), locks=vars(worlds.locks), game=worlds.game.state
    )


def load(worlds: Worlds, state: Mapping[str, Tensor]) -> None:
    """Put back copies of what ``save`` returned, checked before, in worlds of the same scenario and number."""
    for name in PLAIN:
        setattr(worlds, name, state[name].clone())
    worlds.resize(state["box_half_size"], state["cylinder_half_size"])
    worlds.engine.load_state_dict(group(state, "engine"))
    worlds.grabs, worlds.locks = Grabs(**group(state, "grabs")), Locks(**group(state, "locks"))
    worlds.game.state.update(group(state, "game"))  # In place: parts of a game share it.
    worlds.read_engine()
