"""How many env steps per second each part makes, measured side by side in one run.

Machines are shared and their speed wanders, so the parts take turns and each reports the median of its turns. Only
ratios between parts of one run mean much.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib.util
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mujoco
import numpy as np
import torch

from envs.errors import UserError

from ..config.train_config import TrainConfig
from ..league.past_versions import VersionFolder, versions_at
from ..play.players import flatten_agents
from ..runs.run_folder import package_versions
from ..support.devices import available_cores, resolve_device
from ..trainer import Trainer
from .step_parts import peak_memory, reset_peak_memory, synchronize, time_parts

PARTS = {
    "python_loop": "plain Python loop over MjData, one world after the other",
    "engine": "physics of all worlds alone, random forces",
    "environment": "rules, perception and observations too, random actions",
    "inference": "environment with the policy acting, without its critic",
    "training": "rollouts against past versions too, and PPO updates: what hideseek train does",
}
"""What is measured, from the least to the most work per step."""
if importlib.util.find_spec("pettingzoo") is not None:
    PARTS["pettingzoo"] = "one world on one core through PettingZoo, random actions"
SWEPT = ("engine", "environment", "inference", "training")
"""Parts whose speed depends on the number of worlds."""
_LOOP_WORLDS = 8  # worlds of the Python loop; it has no parallelism, so more change nothing
_BLOCK = 16  # steps queued on a GPU before it is waited for
_VERSIONS = 8  # on disk; how many there are to draw from changes no speed
_ITERATION = 1000  # that training is said to be in: so far that there are past versions to play against


class Benchmark:
    """The parts of one scenario at one number of worlds."""

    def __init__(self, config: TrainConfig) -> None:
        league = dataclasses.replace(config.league, size=min(config.league.size, _VERSIONS))
        iterations = max(config.iterations, 2 * _ITERATION)
        self.config = config = dataclasses.replace(config, iterations=iterations, league=league)
        reset_peak_memory(resolve_device(config.device))
        self.trainer = Trainer(config)
        self.trainer.begin()
        self.env = self.trainer.env
        self._generator = torch.Generator().manual_seed(config.seed)
        engine, worlds = self.env.engine, range(min(_LOOP_WORLDS, config.num_worlds))
        self._loop_worlds = [(engine.world_model(w), engine.world_data(w), engine.world_data(w)) for w in worlds]
        """Model, data and start of each world of the Python loop."""
        self._pool: TemporaryDirectory | None = None
        """Where past versions are, once training was measured."""
        self._turns: dict[str, Callable[[float], float]] = {
            "python_loop": self._python_loop,
            "engine": self._engine,
            "environment": self._environment,
            "inference": self._inference,
            "training": self._training,
            "pettingzoo": self._pettingzoo,
        }

    def run(
        self,
        seconds: float,
        turns: int,
        progress: Callable[[str], None] = lambda _: None,
        parts: Iterable[str] = tuple(PARTS),
    ) -> dict[str, list[float]]:
        """Measure.

        Args:
          seconds: for each part, over all its turns; a turn of training lasts at least one iteration.
          turns: how often each part is measured; the parts alternate.
          progress: called with a part's name before its turn.
          parts: what is measured.

        Returns:
          Env steps per second of every turn, by part.

        Raises:
          UserError: physics had no room for all contacts; the option to raise is named.
        """
        speeds: dict[str, list[float]] = {part: [] for part in parts}
        for _ in range(turns):
            for part in speeds:
                progress(part)
                speeds[part].append(self._turns[part](seconds / turns))
        self.env.engine.check_overflow()
        return speeds

    def _rate(self, step: Callable[[], int], seconds: float, block: int = _BLOCK) -> float:
        """Return env steps per second of ``step``, which returns how many it made.

        A GPU is waited for after each block.
        """
        block = block if self.env.engine.queues else 1

        def work() -> int:
            count = sum(step() for _ in range(block))
            synchronize(self.env.device)
            return count

        return _steps_per_second(work, seconds)

    def _python_loop(self, seconds: float) -> float:
        """Step worlds one by one with ``mj_step``: the yardstick."""
        substeps, rng = self.config.scenario.substeps, np.random.default_rng(self.config.seed)
        limit, horizon = self.config.scenario.action_limit, self.config.scenario.horizon
        episode_step = -1

        def step() -> int:
            nonlocal episode_step
            episode_step += 1
            for model, data, start in self._loop_worlds:
                if episode_step % horizon == 0:
                    mujoco.mj_copyData(data, model, start)
                data.ctrl[:] = rng.uniform(-limit, limit, model.nu)
                mujoco.mj_step(model, data, nstep=substeps)
            return len(self._loop_worlds)

        return _steps_per_second(step, seconds)

    def _engine(self, seconds: float) -> float:
        limit = self.config.scenario.action_limit
        shape = (self.env.num_worlds, self.env.num_agents, 3)
        self.env.reset()

        def step() -> int:
            uniform = torch.rand(shape, generator=self._generator).to(self.env.device)
            self.env.engine.step((2 * uniform - 1) * limit)
            return self.env.num_worlds

        return self._rate(step, seconds)

    def _environment(self, seconds: float) -> float:
        bins = torch.tensor(self.env.action_bins)
        shape = (self.env.num_worlds, self.env.num_agents, len(bins))
        self.env.reset()

        def step() -> int:
            actions = (torch.rand(shape, generator=self._generator) * bins).long()
            self.env.step(actions.to(self.env.device))
            return self.env.num_worlds

        return self._rate(step, seconds)

    def _inference(self, seconds: float) -> float:
        env, policy = self.env, self.trainer.policy
        obs = env.reset()
        started = torch.ones(env.num_worlds, dtype=torch.bool, device=env.device)
        state = policy.initial_state(env.num_worlds * env.num_agents)
        generator = torch.Generator(env.device).manual_seed(self.config.seed)

        def step() -> int:
            nonlocal obs, started, state
            resets = started.repeat_interleave(env.num_agents)
            actions, _, state = policy.act(flatten_agents(obs), state, resets, generator=generator)
            result = env.step(actions.view(env.num_worlds, env.num_agents, -1))
            obs, started = result.obs, result.done
            return env.num_worlds

        return self._rate(step, seconds)

    def _training(self, seconds: float) -> float:
        """Train as in the middle of a run: past versions have their seats, and new ones are kept."""
        if self._pool is None:
            self._pool = TemporaryDirectory()
            self._join_league(Path(self._pool.name))

        def step() -> int:
            before = self.trainer.env_steps
            self.trainer.iterate()
            return self.trainer.env_steps - before

        return self._rate(step, seconds, block=1)

    def _join_league(self, path: Path) -> None:
        """Begin in an iteration from which versions are drawn; one more, so that several of them are in play."""
        trainer, league = self.trainer, self.config.league
        trainer.begin()
        trainer.iteration = _ITERATION
        trainer.league.open(VersionFolder(path, league.interval, league.size, warn=print))
        for version in versions_at(_ITERATION, league.interval, league.size) if league.fraction else []:
            trainer.league.keep(version, trainer.version_tensors(), trainer.metadata())
        trainer.iterate()

    def close(self) -> None:
        """Free the worlds, and forget the past versions."""
        self.trainer.close()
        if self._pool is not None:
            self._pool.cleanup()

    def _pettingzoo(self, seconds: float) -> float:
        from envs.adapters.pettingzoo_env import parallel_env

        env, rng = parallel_env(scenario=self.config.scenario), np.random.default_rng(self.config.seed)
        bins, threads = np.array(self.env.action_bins), torch.get_num_threads()
        env.reset(seed=self.config.seed)

        def step() -> int:
            if not env.agents:
                env.reset()
            env.step({agent: rng.integers(bins) for agent in env.agents})
            return 1

        torch.set_num_threads(1)
        step()
        speed = _steps_per_second(step, seconds)
        torch.set_num_threads(threads)
        return speed


def _steps_per_second(step: Callable[[], int], seconds: float) -> float:
    """Call ``step``, which returns the env steps it made, for a time; return env steps per second."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds or count == 0:
        count += step()
    return count / elapsed


def report(benchmark: Benchmark, speeds: dict[str, list[float]]) -> dict[str, Any]:
    """Return medians, ratios and the circumstances as JSON values."""
    config, env = benchmark.config, benchmark.env
    medians = {part: statistics.median(values) for part, values in speeds.items()}
    return {
        "scenario": config.scenario.name,
        "num_worlds": env.num_worlds,
        "num_agents": env.num_agents,
        "substeps": config.scenario.substeps,
        "unit": "env steps/s, median over turns",
        **{part: round(value, 1) for part, value in medians.items()},
        "agent_steps_per_second": {part: round(value * env.num_agents, 1) for part, value in medians.items()},
        "ratio_to_engine": _ratios(medians, "engine"),
        "ratio_to_python_loop": _ratios(medians, "python_loop"),
        "milliseconds_per_step": {part: round(value, 3) for part, value in time_parts(benchmark.trainer).items()},
        "memory": peak_memory(env.device),
        "turns": {part: [round(value, 1) for value in values] for part, values in speeds.items()},
        "bytes_per_world": env.bytes_per_world,
        "diverged_worlds": env.num_diverged,
        "machine": {
            "cpu": _cpu_name(),
            "cores": available_cores(),
            "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else None,
            "physics_threads": config.threads or available_cores(),
            "torch_threads": torch.get_num_threads(),
            "device": str(env.device),
            "gpu": torch.cuda.get_device_name(env.device) if env.device.type == "cuda" else None,
            "engine": type(env.engine).__name__,
        },
        "versions": package_versions(),
    }


def _ratios(medians: dict[str, float], yardstick: str) -> dict[str, float]:
    """Return speeds in units of one of them; nothing if that was not measured."""
    if yardstick not in medians:
        return {}
    return {part: round(value / medians[yardstick], 3) for part, value in medians.items()}


def sweep(
    configs: Iterable[TrainConfig], seconds: float, turns: int, progress: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Measure several numbers of worlds one after the other, up to the first that does not fit into memory.

    Returns:
      A report for each; that of one that does not fit has ``num_worlds`` and ``error``.
    """
    reports: list[dict[str, Any]] = []
    for config in configs:
        try:
            benchmark = Benchmark(config)
            reports.append(report(benchmark, benchmark.run(seconds, turns, progress, SWEPT)))
            benchmark.close()
            del benchmark
        except (UserError, torch.cuda.OutOfMemoryError) as error:
            reports.append({"num_worlds": config.num_worlds, "error": str(error).partition("\n")[0]})
            break
        gc.collect()  # Gives the GPU's memory back before the next.
    return reports


def _cpu_name() -> str:
    """Return the processor's name, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
