"""Everything that decides how a run goes on: built from a configuration, put into a checkpoint, taken out of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.errors import UserError
from policies.actor_critic import LSTMState
from policies.observation import ObservationSpec
from policies.teams import Policy, TeamPolicies, members

from .config.train_config import TrainConfig, validate
from .intrinsic.reward import make_intrinsic_reward
from .league.league import League
from .league.scripted_seats import ScriptedSeats, seated_scripts
from .learning.learners import Learners
from .learning.teacher import Teacher
from .play.agents import is_agent
from .play.players import flatten_agents
from .runs.checkpoints import Checkpoint, Counters, require_same_tensors
from .runs.run_folder import package_versions
from .runs.saved_policy import load_policy, make_policy, read_weights
from .starts.start_states import StartStates
from .support.devices import available_cores, resolve_device
from .support.json_data import to_plain
from .support.ranks import Ranks


class TrainingState:
    """Worlds, policy, optimisers, league and random numbers of one run. N = W * A sequences of this process."""

    obs: dict[str, Tensor]
    """(N, ...) of the next step."""
    state: LSTMState
    """Memories of the newest policy on all N sequences."""
    started: Tensor
    """(N,) bool: the episode begins with the next step."""

    def __init__(self, config: TrainConfig, ranks: Ranks | None = None) -> None:
        self.config = validate(config)
        self.ranks = ranks = ranks or Ranks()
        if config.num_worlds < ranks.size:
            raise UserError(f"--num-worlds is {config.num_worlds}, too few for {ranks.size} processes")
        device = resolve_device(ranks.device(config.device))
        torch.set_num_threads(config.torch_threads or default_torch_threads(ranks.local_size))
        self.learning_threads = config.learning_threads or torch.get_num_threads()
        """Cores that a tensor operation of an update may use."""
        threads = config.threads or max(available_cores() // ranks.local_size, 1)
        scenario = config.scenario
        self.first_world, worlds = ranks.share(config.num_worlds)
        self.env = BatchEnv(
            scenario,
            worlds,
            config.seed,
            device,
            threads,
            config.stagger,
            config.engine,
            first_world=self.first_world,
            all_worlds=config.num_worlds,
        )
        self.starts = self._start_states()
        """Lets episodes begin in kept states; None where all begin fresh."""
        torch.manual_seed(config.seed)
        spec = self.env.observation_spec
        self.policy: Policy = make_policy(ObservationSpec.from_dict(spec), self.env.action_bins, config).to(device)
        self.teacher = self._teacher(worlds)
        """Pulls the policy towards another one; None for nobody."""
        self.learners = Learners(self.policy, config.ppo, ranks, (worlds, scenario.num_agents), self.teacher)
        sizes = (scenario.hiders, scenario.seekers)
        others = 0.0 if config.league.frozen else config.league.random_share
        scripts = ScriptedSeats(seated_scripts(config.league), self.env, others)
        frozen = self._frozen_weights()
        self.league = League(config.league, config.seed, sizes, config.num_worlds, ranks, self.policy, scripts, frozen)
        self.num_sequences = worlds * scenario.num_agents
        self.intrinsic = make_intrinsic_reward(config.intrinsic, scenario, spec, config.seed, self.env.device, ranks)
        """Adds a bonus for novelty to the rewards; None for none."""
        self.action_generator = torch.Generator(device).manual_seed(config.seed)
        self.update_generator = torch.Generator(device).manual_seed(config.seed + 1)
        self.iteration = 0
        """Iterations done."""
        self.env_steps = 0
        """Steps of all worlds done."""
        self.seconds = 0.0
        """Time spent in iterations, over all sessions of the run."""

    def _teacher(self, worlds: int) -> Teacher | None:
        """Return the policy of ``--ppo.teacher`` for this process's worlds."""
        ppo, scenario = self.config.ppo, self.config.scenario
        if (file := ppo.teacher) is None:
            return None
        saved = self.ranks.from_first(lambda: load_policy(Path(file)))
        saved.fit(scenario)
        hiders = torch.arange(scenario.num_agents) < scenario.hiders
        agents = {"both": hiders | True, "hiders": hiders, "seekers": ~hiders}[ppo.teacher_team]
        return Teacher(saved.policy.to(self.policy.device), (worlds, scenario.num_agents), agents)

    def _frozen_weights(self) -> dict[str, Tensor] | None:
        """Return those of the policy that plays one team throughout; None if there is none."""
        word = self.config.league.frozen
        if word is None or is_agent(word):
            return None
        policy, scenario = self.policy, self.config.scenario
        return self.ranks.from_first(lambda: read_weights(Path(word), policy, scenario, "--league.frozen"))

    def take_weights(self) -> None:
        """Take the weights and normalisers of other runs, where a new run starts from some.

        Raises:
          UserError: they cannot be read or do not fit; the first tensor that does not is named.
        """
        self._init_from(self.config.init_from, "--init-from")
        self._init_from(self.config.init_seekers_from, "--init-seekers-from", self.config.scenario.hiders)

    def _init_from(self, word: str | None, option: str, first: int = 0) -> None:
        """Take the weights and normalisers of another run, for the networks of agents from the first one on."""
        if word is None:
            return
        policy, scenario = self.policy, self.config.scenario
        tensors = self.ranks.from_first(lambda: read_weights(Path(word), policy, scenario, option))
        if isinstance(policy, TeamPolicies):
            own = tuple(f"teams.{k}." for k, (_, agents) in enumerate(members(policy)) if agents.start >= first)
            tensors = policy.state_dict() | {name: t for name, t in tensors.items() if name.startswith(own)}
        policy.load_state_dict(tensors)

    def _start_states(self) -> StartStates | None:
        config = self.config
        if not config.starts.active:
            return None
        return StartStates(config.starts, self.env, config.seed, config.ppo.rollout_steps, self.ranks)

    def checkpoint(self) -> Checkpoint:
        """Return everything that decides how the run goes on, whatever the number of processes then.

        Every process takes part; only what rank 0 returns is complete.
        """
        groups = {
            "policy": self.policy.state_dict(),
            **self.learners.tensors(),
            "env": self._gather_env(),
            "running": self.ranks.gather({**self.state._asdict(), "started": self.started}),
            "league": self.ranks.gather(self.league.state_dict()),
            "intrinsic": self.intrinsic.tensors() if self.intrinsic else {},
            "teacher": self.ranks.gather(self.teacher.memory._asdict()) if self.teacher else {},
            "starts": self.starts.buffer.state_dict() if self.starts else {},
            "started": self.ranks.gather(self.starts.state_dict()) if self.starts else {},
            "ratings": {"table": self.league.ratings_to_tensor()} if self.league.ratings else {},
            "rng": {
                "actions": self.action_generator.get_state(),
                "update": self.update_generator.get_state(),
                "torch": torch.get_rng_state(),
            },
        }
        return Checkpoint(
            {f"{group}.{name}": tensor for group, tensors in groups.items() for name, tensor in tensors.items()},
            self.metadata(),
        )

    def metadata(self) -> dict[str, Any]:
        """Return what a checkpoint says of itself."""
        return {
            "config": to_plain(self.config),
            "counters": to_plain(Counters(iteration=self.iteration, env_steps=self.env_steps, seconds=self.seconds)),
            "observation_spec": self.policy.spec.to_dict(),
            "action_bins": list(self.policy.action_bins),
            "versions": package_versions(),
        }

    def restore(self, checkpoint: Checkpoint, where: str) -> None:
        """Continue from a checkpoint, exactly as if the run had never stopped.

        The number of processes may be another one; then the run goes on as it would have, but for rounding.

        Args:
          checkpoint: what ``checkpoint`` returned, in a run of the same scenario, network and number of worlds.
          where: the file, for messages.

        Raises:
          UserError: a tensor has another shape or is missing; it is named. This must not be used then.
        """
        where = f"checkpoint {where}"
        policy, env, device = checkpoint.group("policy"), self._scatter_env(checkpoint.group("env")), self.env.device
        require_same_tensors(self.policy.state_dict(), policy, where)
        require_same_tensors(self.env.state_dict(), env, where)
        try:
            self.policy.load_state_dict(policy)
            self.learners.load(checkpoint)
            self.league.load_state_dict(self.ranks.scatter(checkpoint.group("league"), self.config.num_worlds))
            if self.intrinsic:
                self.intrinsic.load(checkpoint.group("intrinsic"))
            if self.teacher and (theirs := checkpoint.group("teacher")):  # One that joins later has seen nothing yet.
                theirs = self.ranks.scatter(theirs, self.config.num_worlds, self.env.num_agents)
                require_same_tensors(self.teacher.memory._asdict(), theirs, where)
                self.teacher.memory = LSTMState(**{name: tensor.to(device) for name, tensor in theirs.items()})
            if self.starts:
                self.starts.buffer.load_state_dict(checkpoint.group("starts"))
                self.starts.load_state_dict(self.ranks.scatter(checkpoint.group("started"), self.config.num_worlds))
            if ratings := checkpoint.group("ratings"):
                self.league.ratings_from_tensor(ratings["table"])
            self.obs = flatten_agents(self.env.load_state_dict(env))
            running, rng = checkpoint.group("running"), checkpoint.group("rng")
            running = self.ranks.scatter(running, self.config.num_worlds, self.env.num_agents)
            nothing = torch.zeros(self.num_sequences, dtype=torch.bool)
            state = self.policy.initial_state(self.num_sequences)
            require_same_tensors({**state._asdict(), "started": nothing}, running, where)
            self.started = running.pop("started").to(device)
            self.state = LSTMState(**{name: tensor.to(device) for name, tensor in running.items()})
            self.action_generator.set_state(rng["actions"])
            self.update_generator.set_state(rng["update"])
            torch.set_rng_state(rng["torch"])
            counters = checkpoint.counters(where)
            self.iteration, self.env_steps, self.seconds = counters.iteration, counters.env_steps, counters.seconds
        except UserError:
            raise
        except (LookupError, AttributeError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            raise UserError(f"{where} does not fit this run ({type(error).__name__}: {error})") from error

    def _gather_env(self) -> dict[str, Tensor]:
        """Return the state of the worlds of all processes, in rank 0."""
        state = self.env.state_dict()
        shared = {name: state.pop(name) for name in BatchEnv.SHARED_STATE}
        return self.ranks.gather(state) | shared | {"num_diverged": torch.tensor(self.num_diverged())}

    def _scatter_env(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return this process's part of what ``_gather_env`` returned."""
        mine = self.ranks.scatter(state, self.config.num_worlds)
        shared = {name: state[name] for name in BatchEnv.SHARED_STATE if name in state}
        if not self.ranks.is_first:
            shared["num_diverged"] = torch.tensor(0)  # Counts add up.
        return mine | shared

    def num_diverged(self) -> int:
        """Return how often a world of any process was reset because its physics broke."""
        return sum(self.ranks.collect(self.env.num_diverged))


def default_torch_threads(processes: int = 1) -> int:
    """Return how many cores a tensor operation of a rollout uses by default: half of a process's share, at least one.

    Physics keeps threads on every core, and the tensors are small. On shared cores a second torch thread is the same
    speed at best, and several times slower while anything else runs (docs/performance.md). Fixed by the number of cores
    and not timed at each start, because sums in another order would give a run other last bits.
    """
    return max(available_cores() // processes // 2, 1)
