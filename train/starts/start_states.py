"""Start states of a run: which episodes begin in which kept state, and what their play says of these.

Before a rollout each world is given the starts of its next episodes, as the league gives seats, so no step has to ask.
After the update, when advantages are known, the buffer learns how much there was to learn from each start, and takes in
states that the rollout has passed. Every process does the same with what all of them have seen.

Shapes: T steps, W worlds (of this process), A agents, D starts of each world, N = W * A sequences.
"""

from __future__ import annotations

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.options.ranges import derived_seed
from envs.starts import FRESH, Starts

from ..config.starts_config import StartsConfig
from ..learning.rollouts import RolloutBuffer
from ..play.scripted import SCRIPTS, script_done
from ..support.ranks import Ranks
from .episodes import first_steps, surprise_ahead
from .sources import Walker, scripted_states
from .start_buffer import NEIGHBOUR, OWN, SCRIPTED, StartBuffer

_DEPTH = 2
"""Starts that each world is given for one rollout, and one more for each horizon in it."""
_UNDECIDED = (0.2, 0.8)
"""Share of episodes won from a state of which neighbours are made."""
_LOOK_EVERY = 5
"""Steps between two looks at whether the goal of a script is reached."""
_NEW = 1.0
"""Mean |advantage| (of z-scored ones) supposed after states of scripts, until they are played: that of an average step
is about 0.8."""


class StartStates:
    """The buffer, who begins where, and the numbers on it.

    Args:
      config: the options.
      env: this process's worlds, which have not begun.
      seed: of all draws.
      rollout_steps: T.
      ranks: the processes that train together.
    """

    def __init__(
        self, config: StartsConfig, env: BatchEnv, seed: int, rollout_steps: int, ranks: Ranks | None = None
    ) -> None:
        self._config, self._env, self._seed, self._ranks = config, env, seed, ranks or Ranks()
        self._queue, scenario = env.keep_starts(), env.scenario
        self._depth = _DEPTH + rollout_steps // scenario.horizon
        self._everywhere = torch.arange(env.num_worlds, device=env.device)
        like = env.capture(self._everywhere)
        self.buffer = StartBuffer(config.size, like, scenario.floor_size, scenario.horizon)
        self._walker = Walker(scenario, config.neighbours, config.walk) if config.neighbours else None
        self._draws = torch.Generator()
        self._returns = torch.zeros(env.num_worlds, device=env.device)
        """(W,) rewards of the hiders in the present episode, averaged over them, since it began here."""
        self._scripts = [agent.partition(":")[0] for agent in config.scripts]
        by_reward = [config.won_above is not None and SCRIPTS[script].team == "hiders" for script in self._scripts]
        self._by_reward = torch.tensor(by_reward, dtype=torch.bool, device=env.device)
        """(scripts,) whether reward decides what is won, and not the script's goal."""
        self._goals_matter = [(i, script) for i, script in enumerate(self._scripts) if not by_reward[i]]
        self._reached = torch.zeros(env.num_worlds, len(self._scripts), dtype=torch.bool, device=env.device)
        """(W, scripts) whether the present episode has reached the goal of each script that is not judged by reward."""
        self._iteration = 0
        self._forget_rollout()
        self._metrics: dict[str, float] = {}

    def _forget_rollout(self) -> None:
        self._origins: list[Tensor] = []
        self._dones: list[Tensor] = []
        self._counts: list[Tensor] = []
        self._ends: list[Tensor] = []
        self._goals: list[Tensor] = []
        self._passed: list[tuple[int, Starts]] = []

    def seed_from_scripts(self) -> None:
        """Fill the buffer with states of scripted play, if there shall be any; the same in every process.

        Raises:
          UserError: a script cannot be played in the scenario.
        """
        config, scenario = self._config, self._env.scenario
        if config.scripts:
            states, lead, whose = scripted_states(
                config.scripts,
                scenario,
                config.script_states,
                self._seed,
                config.against,
                config.script_fastest,
            )
            priority = torch.full((len(states),), _NEW, device=self._env.device)
            source = SCRIPTED + whose.to(self._env.device)
            self.buffer.add(states.to(self._env.device), priority, source, 0, lead)

    # --- a rollout ---------------------------------------------------------------------------------------------------

    def begin_rollout(self, iteration: int) -> None:
        """Draw where the next episodes of each world begin.

        Args:
          iteration: iterations done.
        """
        self._iteration = iteration
        self._forget_rollout()
        self._draws.manual_seed(derived_seed(self._seed, 7919 * (iteration + 1)))
        if not len(self.buffer):
            self._queue.clear()
            return
        config, env, depth = self._config, self._env, self._depth
        rows = self.buffer.draw(env.all_worlds * depth, config.draw, config.stale_share, self._draws)
        kept = torch.rand(len(rows), generator=self._draws).to(rows.device) < config.share
        mine = slice(env.first_world * depth, (env.first_world + env.num_worlds) * depth)
        rows, kept = rows[mine], kept[mine]
        numbers = torch.where(kept, self.buffer.numbers(rows), FRESH)
        self._queue.offer(numbers.view(-1, depth), self.buffer.starts.select(rows))

    def see_origin(self) -> Tensor:
        """Return where the present episode of each world began, (W,): before a step that may end it."""
        return self._queue.origin

    def see(self, origin: Tensor, reward: Tensor, done: Tensor, present: Tensor, counted: Tensor) -> None:
        """Note one step, after which the next episodes have begun.

        Args:
          origin: (W,) what ``see_origin`` returned before it.
          reward: (W, A).
          done: (W,) bool: the episode ended with the step.
          present: (W, A) bool: agents that took part.
          counted: (W,) bool: the ended episodes that count; not those that were shortened or whose physics broke.
        """
        hiders = present[:, : self._env.scenario.hiders].float()
        mean = (reward[:, : hiders.shape[1]] * hiders).sum(1) / hiders.sum(1).clamp(min=1)
        self._returns = self._returns + mean
        self._origins.append(origin)
        self._dones.append(done)
        self._counts.append(counted)
        self._ends.append(self._returns)
        self._goals.append(self._reached)
        self._returns = torch.where(done, 0.0, self._returns)
        step = len(self._dones)
        if self._scripts:
            self._reached = self._reached & ~done[:, None]
            if step % _LOOK_EVERY == 0:
                for column, script in self._goals_matter:
                    self._reached[:, column] |= script_done(script, self._env)
        if self._config.every and step % self._config.every == 0:
            self._passed.append((step, self._env.capture(self._everywhere)))

    def learn(self, buffer: RolloutBuffer) -> None:
        """Learn what a rollout says, once its advantages are known."""
        shape = (len(self._dones), self._env.num_worlds, self._env.num_agents)
        size = buffer.by_step(buffer.advantages).abs().view(shape)
        counted = (buffer.by_step(buffer.own) & (buffer.by_step(buffer.weights) > 0)).view(shape)
        rows = (self._origins, self._dones, self._ends, self._counts)
        origin, done, ends, counts = (torch.stack(each) for each in rows)
        ahead = surprise_ahead(size, counted, done)
        begins = first_steps(origin, done)
        over = counts & (origin >= 0)
        won = self._won(origin[over], ends[over], torch.stack(self._goals)[over])
        seen = (origin[begins], ahead[begins], origin[over], won)
        played = [torch.cat(parts) for parts in zip(*self._ranks.collect(seen), strict=True)]
        self.buffer.learn(played[0], played[1], self._iteration)
        self.buffer.settle(played[2], played[3])
        self._measure(origin, counts, ends, played[2], played[3])
        self._take_in(ahead)
        self._make_neighbours()

    def _won(self, origin: Tensor, ends: Tensor, goals: Tensor) -> Tensor:
        """Return which episodes (n,) were won: from a script's state by the script's team, else by the hiders.

        Args:
          origin: (n,) states in which they began.
          ends: (n,) hiders' rewards since then.
          goals: (n, scripts) goals that were reached.
        """
        if not self._scripts:
            return ends > 0
        script = self.buffer.sources(origin) - SCRIPTED
        known = script.clamp(min=0)
        reached = goals.gather(1, known[:, None])[:, 0]
        hidden = ends > (self._config.won_above or 0.0) * self._live_steps(origin)
        won = torch.where(self._by_reward[known], hidden, reached)
        return torch.where(script >= 0, won, ends > 0)

    def _live_steps(self, origin: Tensor) -> Tensor:
        """Return the steps of the live phase (n,) that were left when episodes from these states began."""
        scenario = self._env.scenario
        begun = self.buffer.steps(origin).clamp(min=scenario.preparation_steps)
        return scenario.horizon - begun

    def _take_in(self, ahead: Tensor) -> None:
        """Add some of the states that the rollout has passed: not of its last step, after which nothing is known."""
        env, config = self._env, self._config
        late = env.scenario.horizon - config.every
        looks = []
        for step, states in self._passed:
            if step < len(ahead):
                early = states.tensors["state.steps"] < late
                looks.append((states.select(early), ahead[step][early]))
        if looks:
            # Look by look, and in each the worlds in their order: the same however many processes there are.
            found = [part for look in zip(*self._ranks.collect(looks), strict=True) for part in look]
            states, priority = Starts.join([part[0] for part in found]), torch.cat([part[1] for part in found])
            order = torch.randperm(len(states), generator=self._draws)[: config.new_states].to(env.device)
            self.buffer.add(states.select(order), priority[order], OWN, self._iteration)

    def _make_neighbours(self) -> None:
        if self._walker:
            rows = self.buffer.undecided(self._config.neighbours, *_UNDECIDED, self._draws)
            if len(rows):
                states = self._walker.neighbours(self.buffer.starts.select(rows), self._draws)
                priority = torch.full((len(states),), _NEW, device=self._env.device)
                self.buffer.add(states.to(self._env.device), priority, NEIGHBOUR, self._iteration)

    # --- numbers -----------------------------------------------------------------------------------------------------

    def _measure(self, origin: Tensor, counted: Tensor, ends: Tensor, played: Tensor, won: Tensor) -> None:
        """Compare episodes from fresh and from kept starts, and look at the age of those that were used."""
        sums = [
            torch.stack([chosen.sum(), ends[chosen].sum()])
            for chosen in (counted & (origin == FRESH), counted & (origin != FRESH))
        ]
        totals = self._ranks.add_up(torch.stack(sums).double().cpu()).tolist()
        self._metrics = {}
        for name, (count, returns) in zip(("fresh", "kept"), totals, strict=True):
            if count:
                self._metrics[f"return/{name}"] = returns / count
        if len(won):
            self._metrics["won"] = float(won.float().mean())
        if ended := totals[0][0] + totals[1][0]:
            self._metrics["share"] = totals[1][0] / ended
        ages = self.buffer.ages(played, self._iteration)
        if len(ages):
            self._metrics["age"] = float(ages.float().mean())

    def metrics(self) -> dict[str, float]:
        """Return numbers on the last rollout and the buffer by tag (docs/metrics.md)."""
        return {f"starts/{name}": value for name, value in (self._metrics | self.buffer.metrics()).items()}

    # --- state -------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        """Return what goes on beyond an iteration for each world, (W, ...): returns so far, goals reached."""
        return {"returns": self._returns, "reached": self._reached}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what ``state_dict`` returned."""
        self._returns = state["returns"].to(self._env.device)
        self._reached = state["reached"].to(self._env.device)

    def close(self) -> None:
        """Free the walker's worlds."""
        if self._walker:
            self._walker.close()
