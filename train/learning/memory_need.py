"""How much memory a run will need, before anything large is allocated."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.errors import UserError
from policies.actor_critic import ActorCritic, LSTMState
from policies.observation import ObservationSpec

from ..config.train_config import TrainConfig
from ..support.devices import resolve_device
from ..support.ranks import Ranks
from .rollouts import RolloutBuffer

_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes that grow with worlds, steps or kept states, in all processes that share a machine or a GPU."""

    worlds: int
    """State of the physics and of the rules."""
    rollout: int
    """The rollout buffer, and what a teacher would have done in it."""
    update: int
    """One minibatch: its copy, and what backpropagation keeps of it."""
    starts: int = 0
    """Kept start states; what is known of each is small beside it."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.worlds + self.rollout + self.update + self.starts

    def describe(self, available: int) -> str:
        """Return one line for people."""
        parts = f"worlds {size(self.worlds)} + rollout {size(self.rollout)} + update {size(self.update)}"
        parts += f" + start states {size(self.starts)}" * bool(self.starts)
        return f"memory: {parts} = {size(self.total)} of {size(available)}"


def memory_needed(config: TrainConfig, ranks: Ranks | None = None) -> MemoryNeed:
    """Measure one world and one chunk, and return what all of them will need."""
    ranks = ranks or Ranks()
    device = resolve_device(ranks.device(config.device))
    env = BatchEnv(config.scenario, 1, config.seed, device, engine=config.engine)
    try:
        per_start = _start_bytes(env) if config.starts.active else 0
        env.reset()
        per_world, spec, bins = env.bytes_per_world, env.observation_spec, env.action_bins
    finally:
        env.close()
    processes = 1 if ranks.device(config.device).startswith("cuda") else ranks.local_size
    worlds = math.ceil(config.num_worlds / ranks.size) * processes
    sequences = worlds * config.scenario.num_agents
    observations = ObservationSpec.from_dict(spec)
    rollout = _rollout_bytes(config, observations, bins) * sequences
    chunks = sequences * (config.ppo.rollout_steps // config.ppo.chunk_length) / config.ppo.minibatches
    update = _chunk_bytes(config, observations, bins) * chunks + rollout / config.ppo.minibatches
    return MemoryNeed(per_world * worlds, rollout, int(update), per_start * config.starts.size * processes)


def require_memory(config: TrainConfig, ranks: Ranks | None = None, say: Callable[[str], None] = print) -> None:
    """Say how much memory a run needs, and refuse a run that needs more than there is.

    Raises:
      UserError: it does not fit; says how many worlds do.
    """
    ranks = ranks or Ranks()
    need, available = memory_needed(config, ranks), available_memory(ranks.device(config.device))
    if need.total > available:
        fitting = max(int(config.num_worlds * (available - need.starts) / (need.total - need.starts)), 0)
        hint = f"use --num-worlds {fitting} or fewer" if fitting else "a single world does not fit"
        if need.starts > available:
            hint = "use a smaller --starts.size"
        raise UserError(f"{need.describe(available)}: {config.num_worlds} worlds do not fit; {hint}")
    say(need.describe(available))


def available_memory(device: str) -> int:
    """Return the bytes of a device's memory: of the GPU, or of the machine or container of this process."""
    if device.startswith("cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_properties(torch.device(device)).total_memory
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in map(Path, _CGROUPS):
        if path.is_file() and (text := path.read_text().strip()).isdigit():
            memory = min(memory, int(text))
    return memory


def size(count: float) -> str:
    """Return a number of bytes for people: ``512 B``, ``63 MiB``, ``1.5 GiB``."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _start_bytes(env: BatchEnv) -> int:
    """Bytes of one start state, in worlds in which no episode has begun."""
    env.keep_starts()
    return sum(tensor.nbytes for tensor in env.capture(torch.arange(1, device=env.device)).tensors.values())


def _rollout_bytes(config: TrainConfig, spec: ObservationSpec, bins: tuple[int, ...]) -> int:
    """Bytes of the rollout buffer for one sequence; on the meta device, so nothing is allocated."""
    ppo = config.ppo
    buffer = RolloutBuffer(
        ppo.rollout_steps, 1, spec, len(bins), config.network.lstm_size, ppo.chunk_length, device="meta"
    )
    tables = [value for value in vars(buffer).values() if isinstance(value, Tensor)]
    if ppo.teacher is not None:
        tables.append(buffer.rewards.new_empty(*buffer.rewards.shape, len(bins), max(bins)))
    return sum(table.nbytes for table in [*tables, *buffer.observation.values(), *buffer.state])


def _chunk_bytes(config: TrainConfig, spec: ObservationSpec, bins: tuple[int, ...]) -> int:
    """Bytes that backpropagation keeps of one chunk in the pass of the policy, which the critic's follows.

    Weights, which are kept once, are left out.
    """
    with torch.random.fork_rng(devices=[]):
        policy = ActorCritic(spec, bins, config.network)
    steps = config.ppo.chunk_length
    observation = {
        key: torch.ones(steps, 1, *shape, dtype=torch.bool if key in spec.masks else torch.float32)
        for key, shape in spec.shapes.items()
    }
    state: LSTMState = policy.initial_state(1)
    weights = {parameter.untyped_storage().data_ptr() for parameter in policy.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        actions, resets = torch.zeros(steps, 1, len(bins), dtype=torch.int64), torch.zeros(steps, 1, dtype=torch.bool)
        results = policy.evaluate_actions(observation, actions, state, resets)
    del results
    return sum(kept.values())
