"""The training loop: collect a rollout, update the policy, log, checkpoint.

Self-play: one policy plays all agents of all worlds, but for the seats that the league gives to past versions. W worlds
of A agents are N = W * A sequences for the learner. Several processes share out the worlds and are in step with each
other; every number that decides anything is over all of them.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.layouts import JUDGING
from envs.options.ranges import derived_seed
from envs.scenarios import is_hide_and_seek
from envs.starts import FRESH
from envs.transition import StepResult

from .config.train_config import TrainConfig
from .evaluation.ratings import mean_rating
from .hooks.hook import Hook, Hooks
from .intrinsic.bonus import Arrival
from .league.league_ratings import rate_newest, rating_metrics
from .league.past_versions import VersionFolder
from .learning.critic_pass import CriticPass, CutOff
from .learning.reward_sharing import share_rewards
from .loggers.choice import make_loggers
from .play.players import flatten_agents
from .play.random_play import record_random_play
from .play.teams_player import OtherTeam
from .reporting import Reporter, TrainingVideos
from .runs.metrics import EpisodeMeans
from .runs.run_folder import RunFolder
from .stages.stage_watch import StageWatch
from .stages.study import StudyOptions
from .support.console import TrainingConsole
from .support.devices import torch_threads
from .support.ranks import Ranks
from .support.stopwatch import Stopwatch, time_table
from .trainer_state import TrainingState


class Trainer(TrainingState):
    """One run: its loop, what it logs and when it saves. What decides how it goes on is in ``TrainingState``."""

    def __init__(self, config: TrainConfig, ranks: Ranks | None = None) -> None:
        """Build everything; ``begin`` or ``restore`` must follow.

        Args:
          config: the run, with the worlds of all processes.
          ranks: the processes that share it; None if this is the only one.

        Raises:
          UserError: the configuration is impossible, or its device is missing.
        """
        super().__init__(config, ranks)
        scenario = self.config.scenario
        self.part = (self.first_world * scenario.num_agents, config.num_worlds * scenario.num_agents)
        """This process's first sequence, and the number of sequences of all processes."""
        self.buffer = self.learners.new_buffer(self.num_sequences, self.part)
        self.critic_pass = CriticPass(self.policy, self.buffer)
        self.watch = Stopwatch()
        """Where the time goes, in this session of the run."""
        self._episodes = EpisodeMeans()
        self.stages: StageWatch | None = None
        """Looks for strategies, in the process that writes."""
        self._other_team: OtherTeam | None = None
        """Who plays one team in these looks; who cannot is refused here, before a folder is made."""
        report = self.config.report
        if report.stage_interval and is_hide_and_seek(scenario):
            self._other_team = OtherTeam(report.stage_hiders, report.stage_seekers, scenario, self.env.device)

    # --- one iteration ---------------------------------------------------------------------------------------------

    def begin(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Start new episodes in all worlds, with empty memories and the weights that the configuration names, if any.

        Args:
          say: called with a line before what takes a while.

        Raises:
          UserError: the weights cannot be read or do not fit; the first tensor that does not is named.
        """
        self.take_weights()
        if self.starts:
            self.starts.seed_from_scripts()
        self.obs = flatten_agents(self._first_observations(say))
        self.state = self.policy.initial_state(self.num_sequences)
        self.started = torch.ones(self.num_sequences, dtype=torch.bool, device=self.env.device)

    def _first_observations(self, say: Callable[[str], None]) -> dict[str, Tensor]:
        """Start episodes in all worlds; before, random play fits the normalisers of observations that are new.

        Else the first iteration would act and learn on raw inputs, since statistics are updated after an update.
        """
        if self.learners.fitted and (self.intrinsic is None or self.intrinsic.fitted):
            return self.env.reset()
        steps = self.config.env_steps_per_iteration
        say(f"first {steps:,} env steps of random play, which count nowhere: they give the scale of observations")
        first = record_random_play(self.env, self.buffer, derived_seed(self.config.seed, 2))
        self.learners.fit_normalizers(self.buffer)
        if self.intrinsic:
            self.intrinsic.fit_normalizer(self.buffer)
        return first

    def iterate(self) -> dict[str, float]:
        """Collect one rollout and learn from it. Returns the iteration's metrics by tag (docs/metrics.md)."""
        start = time.perf_counter()
        self.collect()
        rollout = time.perf_counter() - start
        learning_rate = self.config.ppo.learning_rate_after(self.iteration / self.config.iterations)
        self.learners.set_learning_rate(learning_rate)
        with self.watch.part("learning"), torch_threads(self.learning_threads):
            self.learners.be_taught(self.buffer, self.iteration)
            losses = self.learners.update(self.buffer, self.update_generator)
        if self.starts:
            with self.watch.part("starts"):
                self.starts.learn(self.buffer)
        total = time.perf_counter() - start

        steps = self.config.env_steps_per_iteration
        self.iteration += 1
        self.env_steps += steps
        self.seconds += total
        return {
            **self._episodes.pop(self.ranks),
            "charts/learning_rate": learning_rate,
            **{f"losses/{name}": value for name, value in losses.items()},
            "perf/env_steps_per_second": steps / total,
            "perf/agent_steps_per_second": steps * self.env.num_agents / total,
            "perf/rollout_seconds": rollout,
            **{f"perf/{name}_seconds": value for name, value in self.watch.pop().items()},
            "perf/diverged_worlds": float(self.num_diverged()),
            "perf/repeated_layouts": float(sum(self.ranks.collect(self.env.num_repeated_layouts))),
            **self.league.pop(),
            **(self.intrinsic.metrics() if self.intrinsic else {}),
            **(self.starts.metrics() if self.starts else {}),
        }

    def collect(self) -> None:
        """Fill the buffer with one rollout."""
        watch, shape, scenario = self.watch, (self.env.num_worlds, self.env.num_agents), self.config.scenario
        options, teams = self.config.reward, (scenario.hiders, scenario.seekers)
        sharing = options.sharing_after(self.iteration / self.config.iterations)
        self.env.game.severity = options.severity_after(self.iteration)
        with watch.part("league"):
            self.league.begin_rollout(self.iteration)
        if self.starts:
            with watch.part("starts"):
                self.starts.begin_rollout(self.iteration)
        self.env.refill()
        for _ in range(self.config.ppo.rollout_steps):
            with watch.part("inference"):
                memory, frozen, present = self.state, self.env.frozen_agents.flatten(), self.env.present_agents
                actions, log_probs, self.state = self.policy.act(
                    self.obs, memory, self.started, generator=self.action_generator, part=self.part
                )
            with watch.part("league"):
                actions = self.league.act(self.obs, self.started, actions)
            own = self.league.own & present.flatten()  # Nobody played for who is absent.
            origin = self.starts.see_origin() if self.starts else None
            step, cut_off = self._step(actions.view(*shape, -1), own.view(shape))
            with watch.part("storing"):
                done = step.done.repeat_interleave(self.env.num_agents)
                # What a frozen seeker wanted had no effect: nothing to learn about actions.
                weights = (~frozen).float()
                rewards = share_rewards(step.reward, present.view(shape), teams, sharing).flatten()
                self.buffer.add(self.obs, actions, log_probs, memory, self.started, rewards, done, weights, own)
                # What agents can do is told by episodes that begin as the scenario says.
                fresh = step.counted if origin is None else step.counted & (origin == FRESH)
                self.league.add(step.reward, step.done, present, fresh)
                self._episodes.add(step.finals, fresh)
                self.obs, self.started = flatten_agents(step.obs), done
            with watch.part("inference"):
                self.state = self.critic_pass.follow(self.state, cut_off)
            if self.starts and origin is not None:
                with watch.part("starts"):
                    self.starts.see(origin, step.reward, step.done, present, step.counted)
        if self.intrinsic:
            with watch.part("intrinsic"):
                self.intrinsic.reward(self.buffer)
        with watch.part("inference"):
            self.buffer.finish(self.policy.value(self.obs, self.state, self.started))
        with watch.part("waiting"):
            if self.env.device.type == "cuda":
                torch.cuda.synchronize(self.env.device)
            self.ranks.any(False)

    def _step(self, actions: Tensor, own: Tensor) -> tuple[StepResult, CutOff]:
        """Step the worlds; see where that leads before the next episodes start.

        Args:
          actions: (W, A, K).
          own: (W, A) bool: agents that are there and whom the newest policy plays.
        """
        with self.watch.part("environment"):
            transition = self.env.advance(actions)
        if self.intrinsic:
            with self.watch.part("intrinsic"):
                self.intrinsic.see(Arrival(transition.view, self.env.observe, own))
        with self.watch.part("environment"):
            last = flatten_agents(self.env.observe()) if self.env.cuts_short(transition) else None
            flags = (transition.truncated, transition.broken)
            truncated, broken = (flag.repeat_interleave(self.env.num_agents) for flag in flags)
            return self.env.conclude(transition), CutOff(truncated, broken, last)

    # --- the whole run ---------------------------------------------------------------------------------------------

    def run(
        self,
        folder: RunFolder,
        console: TrainingConsole,
        stop: Callable[[], bool] = lambda: False,
        hooks: Sequence[Hook] = (),
    ) -> None:
        """Train until ``config.iterations`` are done or ``stop`` or a hook returns True after an iteration.

        Only rank 0 touches the folder and the console and calls hooks; ``stop`` in any process stops all.

        Raises:
          UserError: the disk is full, the losses are no longer numbers, or the physics of the GPU engine ran out of
            room for contacts; earlier checkpoints are intact.
        """
        config, first, begun = self.config, self.iteration, time.perf_counter()
        report, told = None, Hooks(hooks if self.ranks.is_first else ())
        with contextlib.ExitStack() as ending:
            if self.ranks.is_first:
                loggers = make_loggers(config.logger)
                report = Reporter(folder, console, self.iteration, self.env_steps, self.env.action_bins, loggers)
                ending.callback(report.close)
                versions = VersionFolder(folder.league, config.league.interval, config.league.size, console.warn)
                self.stages = self._stage_watch(folder)
            self.league.open(versions if report else None)
            videos = TrainingVideos(folder, console)
            ending.callback(told.end, self)
            told.begin(self, folder)
            while self.iteration < config.iterations:
                metrics = self.iterate()
                _require_finite(metrics, self.iteration)
                self._require_no_overflow(folder)
                with self.watch.part("league"):
                    metrics |= self._rate()
                with self.watch.part("stages"):
                    metrics |= self._look_for_stages(console)
                with self.watch.part("saving"):
                    self._keep_version()
                    if report:
                        pace = (time.perf_counter() - begun) / (self.iteration - first)
                        left = pace * (config.iterations - self.iteration)
                        metrics = report.metrics(self.iteration, config.iterations, self.env_steps, left, metrics)
                        self._illustrate(report, videos)
                    stopping = self.ranks.any(told.iteration(self, metrics) or stop())
                    stopping |= self.iteration == config.iterations
                    appeared = self.ranks.any(self.stages is not None and self.iteration in self.stages.iterations)
                    if stopping or appeared or self.iteration in self.league.ratings or self._checkpoint_is_due():
                        self.save(folder)
                        told.checkpoint(self, folder.checkpoints.file(self.iteration))
                if stopping:
                    break
        self.watch.pop()
        for line in time_table(self.watch.totals, self.iteration - first):
            console.say(line)

    def _stage_watch(self, folder: RunFolder) -> StageWatch | None:
        report, config = self.config.report, self.config
        if self._other_team is None:
            return None
        options = StudyOptions(
            episodes=report.stage_episodes,
            seed=derived_seed(config.seed, 3),
            num_worlds=min(50, report.stage_episodes),
            device=str(self.env.device),
            threads=config.threads,
            engine=config.engine,
        )
        return StageWatch(config.scenario, options, self._other_team, folder, self.iteration)

    def _look_for_stages(self, console: TrainingConsole) -> dict[str, float]:
        """Look for strategies if it is time, in the process that writes. Returns metrics."""
        if self.stages is None or self.iteration % self.config.report.stage_interval:
            return {}
        return self.stages.look(self.policy, self.iteration, self.env_steps, console.say)

    def _rate(self) -> dict[str, float]:
        """Rate the newest version against the league's pool if it is time. Returns metrics."""
        interval = self.config.league.rating_interval
        if not interval or self.iteration % interval:
            return {}
        config, seed, device = self.config, derived_seed(self.config.seed, self.iteration), self.env.device
        scenario, threads, engine = config.scenario, config.threads, config.engine

        def make_worlds(worlds: int) -> BatchEnv:
            return BatchEnv(scenario, worlds, seed, device, threads, engine=engine, domain=JUDGING)

        self.league.ratings = self.ranks.from_first(
            lambda: rate_newest(self.league, make_worlds, self.iteration, self.policy.state_dict(), seed)
        )
        return rating_metrics(self.league.ratings, self.iteration)

    def _require_no_overflow(self, folder: RunFolder) -> None:
        """Stop all processes before a rollout reaches a checkpoint in which the physics of one dropped contacts."""
        try:
            self.env.engine.check_overflow()
            message = ""
        except UserError as error:
            message = str(error)
        dropped = [text for text in self.ranks.collect(message) if text]
        if dropped:
            raise UserError(
                f"{dropped[0]}; nothing of iteration {self.iteration} was saved, continue from the last checkpoint "
                "with: "
                f"hideseek train --resume {folder.path} and that option"
            )

    def _keep_version(self) -> None:
        """Write the newest policy to the league's pool if it is its turn."""
        if self.config.league.active and self.ranks.is_first:
            self.league.keep(self.iteration, self.version_tensors(), self.metadata())

    def version_tensors(self) -> dict[str, Tensor]:
        """Return what a past version is: the policy's tensors, as a checkpoint names them."""
        return {f"policy.{name}": tensor for name, tensor in self.policy.state_dict().items()}

    def _illustrate(self, report: Reporter, videos: TrainingVideos) -> None:
        """Write histograms and videos if it is time."""
        config = self.config.report
        if config.histogram_interval and self.iteration % config.histogram_interval == 0:
            seekers = torch.arange(self.num_sequences, device=self.env.device) % self.env.num_agents
            report.histograms(self.env_steps, self.buffer, seekers >= self.config.scenario.hiders)
        if config.video_interval and self.iteration % config.video_interval == 0:
            scenario, seed = self.config.scenario, self.config.seed
            videos.record(self.policy, scenario, self.iteration, seed, report.log, self.env_steps)

    # --- checkpoints -----------------------------------------------------------------------------------------------

    def _checkpoint_is_due(self) -> bool:
        config = self.config
        kept = config.keep_every and self.iteration % config.keep_every == 0
        return bool(kept) or self.iteration % config.checkpoint_interval == 0

    def save(self, folder: RunFolder) -> None:
        """Write a checkpoint. Every process takes part, rank 0 writes.

        If the policy was rated now and is clearly the best so far, the checkpoint is kept as such.

        Args:
          folder: the run.

        Raises:
          UserError: it cannot be written; earlier ones are intact.
        """
        checkpoint = self.checkpoint()
        if self.ranks.is_first:
            config = self.config
            for_good = self.stages.iterations if self.stages else ()
            folder.checkpoints.save(self.iteration, checkpoint, config.keep_checkpoints, config.keep_every, for_good)
            if rating := self.league.ratings.get(self.iteration):
                folder.checkpoints.mark_best(self.iteration, *mean_rating(rating.values()))
            if config.league.active:
                # Episodes that began before the oldest checkpoint may still be played with what was in the pool then.
                span = config.scenario.horizon // config.ppo.rollout_steps + 1
                oldest = folder.checkpoints.last(self.iteration, config.keep_checkpoints)[0]
                self.league.prune(max(oldest - span, 0), self.iteration)

    def close(self) -> None:
        """Free the worlds."""
        if self.starts:
            self.starts.close()
        self.env.close()


def _require_finite(metrics: dict[str, float], iteration: int) -> None:
    """Stop before a broken policy reaches a checkpoint."""
    for name, value in metrics.items():
        # Values explain nothing of a team whose steps are all somebody else's.
        if name.startswith("losses/") and not name.endswith("/explained_variance") and not math.isfinite(value):
            raise UserError(
                f"{name} is {value} in iteration {iteration}; nothing of it was saved, resume from the last checkpoint "
                f"with a lower --ppo.learning-rate"
            )
