"""Everything that decides how a run goes on, out of a trainer into a checkpoint and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.errors import UserError
from policies.actor_critic import LSTMState

from .checkpoints import Checkpoint, require_same_tensors
from .plain import to_plain
from .players import flatten_agents
from .run_folder import package_versions

if TYPE_CHECKING:
    from .trainer import Trainer


def collect(trainer: Trainer) -> Checkpoint:
    """Return everything that decides how the run goes on, whatever the number of processes then.

    Every process takes part; only what rank 0 returns is complete.
    """
    groups = {
        "policy": trainer.policy.state_dict(),
        **trainer.learners.tensors(),
        "env": _gather_env(trainer),
        "running": trainer.ranks.gather({**trainer.state._asdict(), "started": trainer.started}),
        "league": trainer.ranks.gather(trainer.league.state_dict()),
        "intrinsic": trainer.intrinsic.tensors() if trainer.intrinsic else {},
        "ratings": {"table": trainer.league.ratings_to_tensor()} if trainer.league.ratings else {},
        "rng": {
            "actions": trainer.action_generator.get_state(),
            "update": trainer.update_generator.get_state(),
            "torch": torch.get_rng_state(),
        },
    }
    return Checkpoint(
        {f"{group}.{name}": tensor for group, tensors in groups.items() for name, tensor in tensors.items()},
        metadata(trainer),
    )


def metadata(trainer: Trainer) -> dict[str, Any]:
    """Return what a checkpoint says of itself."""
    return {
        "config": to_plain(trainer.config),
        "counters": {"iteration": trainer.iteration, "env_steps": trainer.env_steps, "seconds": trainer.seconds},
        "observation_spec": trainer.policy.spec.to_dict(),
        "action_bins": list(trainer.policy.action_bins),
        "versions": package_versions(),
    }


def restore(trainer: Trainer, checkpoint: Checkpoint, where: str) -> None:
    """Continue from a checkpoint, exactly as if the run had never stopped.

    The number of processes may be another one; then the run goes on as it would have, but for rounding.

    Args:
      trainer: made of the same configuration, before it has begun.
      checkpoint: what ``collect`` returned, in a run of the same scenario, network and number of worlds.
      where: the file, for messages.

    Raises:
      UserError: a tensor has another shape or is missing; it is named. The trainer must not be used then.
    """
    where = f"checkpoint {where}"
    policy, env, device = checkpoint.group("policy"), _scatter_env(trainer, checkpoint.group("env")), trainer.env.device
    require_same_tensors(trainer.policy.state_dict(), policy, where)
    require_same_tensors(trainer.env.state_dict(), env, where)
    try:
        trainer.policy.load_state_dict(policy)
        trainer.learners.load(checkpoint)
        trainer.league.load_state_dict(trainer.ranks.scatter(checkpoint.group("league"), trainer.config.num_worlds))
        if trainer.intrinsic:
            trainer.intrinsic.load(checkpoint.group("intrinsic"))
        if ratings := checkpoint.group("ratings"):
            trainer.league.ratings_from_tensor(ratings["table"])
        trainer.obs = flatten_agents(trainer.env.load_state_dict(env))
        running, rng = checkpoint.group("running"), checkpoint.group("rng")
        running = trainer.ranks.scatter(running, trainer.config.num_worlds, trainer.env.num_agents)
        trainer.started = running.pop("started").to(device)
        trainer.state = LSTMState(**{name: tensor.to(device) for name, tensor in running.items()})
        trainer.action_generator.set_state(rng["actions"])
        trainer.update_generator.set_state(rng["update"])
        torch.set_rng_state(rng["torch"])
        counters = checkpoint.metadata["counters"]
        trainer.iteration, trainer.env_steps = int(counters["iteration"]), int(counters["env_steps"])
        trainer.seconds = float(counters["seconds"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{where} does not fit this run ({type(error).__name__}: {error})") from error


def _gather_env(trainer: Trainer) -> dict[str, Tensor]:
    """Return the state of the worlds of all processes, in rank 0."""
    state = trainer.env.state_dict()
    shared = {name: state.pop(name) for name in BatchEnv.SHARED_STATE}
    return trainer.ranks.gather(state) | shared | {"num_diverged": torch.tensor(num_diverged(trainer))}


def _scatter_env(trainer: Trainer, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return this process's part of what ``_gather_env`` returned."""
    mine = trainer.ranks.scatter(state, trainer.config.num_worlds)
    shared = {name: state[name] for name in BatchEnv.SHARED_STATE if name in state}
    if not trainer.ranks.is_first:
        shared["num_diverged"] = torch.tensor(0)  # Counts add up.
    return mine | shared


def num_diverged(trainer: Trainer) -> int:
    """Return how often a world of any process was reset because its physics broke."""
    return sum(trainer.ranks.collect(trainer.env.num_diverged))
