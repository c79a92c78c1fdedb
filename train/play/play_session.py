"""Who plays in the commands that show or record episodes: a trained policy, or agents that need none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envs import scenarios
from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.options.ranges import Seed
from envs.scenarios import Scenario

from ..config.machine_options import DeviceOptions
from ..runs.saved_policy import SavedPolicy, load_policy
from ..support.devices import resolve_device
from .agents import agent_choices, agent_title, check_agent, check_kept, make_agent, refuse_agent
from .attention_shares import AttentivePlayer
from .episodes import Episode, EpisodePlayer
from .players import Player, PolicyPlayer
from .teams_player import OTHER_SEED, OtherTeam

_PLAYER_SEED = 1  # added to the seed, so that layouts and actions are not drawn from the same numbers


@dataclass(frozen=True, kw_only=True)
class PlayArguments(DeviceOptions):
    """Which episodes are played."""

    agent: str | None = None
    """Show agents without a policy instead: random, zero (motionless), chaser, blocker, climber, ramp-thief, defender
    or, in trade/... forager and trader; after the scripts a strength may follow, as in chaser:0.5."""
    hiders: str | None = None
    """Who plays the hiders instead: an agent without a policy, a run, a checkpoint or a shipped policy."""
    seekers: str | None = None
    """Who plays the seekers instead."""
    scenario: str | None = None
    """Scenario to play in. Default: the one of the run; hide-and-seek/full with --agent."""
    seed: Seed = 0
    """Seed of layouts and actions. The same seed gives the same episodes."""
    deterministic: bool = False
    """Play the most likely actions instead of drawing them from the policy."""

    def check(self) -> None:
        """Refuse contradictions before anything is loaded.

        Raises:
          UserError: names the option.
        """
        if (getattr(self, "run", None) is None) == (self.agent is None):
            raise UserError(f"give either a run or checkpoint, or --agent {agent_choices()}")
        if self.agent is not None:
            check_agent(self.agent)
            check_kept(self.agent, self.hiders, self.seekers)


class PlaySession:
    """An environment of one world and who plays in it, as the arguments say.

    Args:
      args: what was asked for.
      run: the run folder or checkpoint, None for agents without a policy.
      attention: note what every agent attends to.

    Raises:
      UserError: no such run or scenario, or the policy does not fit the scenario.
    """

    def __init__(self, args: PlayArguments, run: Path | None, attention: bool = False) -> None:
        device = resolve_device(args.device)
        if run is not None:
            refuse_agent(run, f"show it with --agent {run}")
        self.saved = load_policy(run, device) if run is not None else None
        self.scenario = choose_scenario(args.scenario, self.saved)
        self.env = BatchEnv(self.scenario, 1, args.seed, device, engine=args.engine)
        try:
            if self.saved is not None:
                self.saved.fit(self.scenario)
            other = OtherTeam(args.hiders, args.seekers, self.scenario, device)
            self.title = ", ".join(filter(None, (title(self.saved, args.agent, self.scenario), other.words)))
            player = make_player(self.env, self.saved, args.agent, args.seed, args.deterministic, attention)
            player = other.beside(player, args.seed + OTHER_SEED)
            self._episodes = EpisodePlayer(self.env, player, args.seed, self.title)
        except BaseException:
            self.env.close()
            raise

    def play(self) -> Episode:
        """Play the next episode.

        Raises:
          UserError: the physics of the GPU engine had no room for all contacts; the option to raise is named.
        """
        episode = self._episodes.play()
        self.env.engine.check_overflow()
        return episode

    def __enter__(self) -> PlaySession:
        return self

    def __exit__(self, *_: object) -> None:
        self.env.close()


def choose_scenario(name: str | None, saved: SavedPolicy | None) -> Scenario:
    """Return the scenario that was asked for, else the one of the policy, else the full game.

    What actions mean is up to the policy (``SavedPolicy.actions``), because it can act only as it learned to; how long
    a step is, and everything else, is as in the scenario.
    """
    if name:
        chosen = scenarios.get(name)
        return scenarios.replace(chosen, **saved.actions) if saved else chosen
    return saved.config.scenario if saved else scenarios.FULL


def make_player(
    env: BatchEnv,
    saved: SavedPolicy | None,
    agent: str | None,
    seed: int,
    deterministic: bool = False,
    attention: bool = False,
) -> Player:
    """Return the policy's player, or that of ``agent``.

    Raises:
      UserError: no such agent, or it cannot play in these worlds.
    """
    seed += _PLAYER_SEED
    if saved is not None:
        kind = AttentivePlayer if attention else PolicyPlayer
        return kind(saved.policy, seed, deterministic)
    assert agent is not None
    return make_agent(agent, env.scenario, seed)


def title(saved: SavedPolicy | None, agent: str | None, scenario: Scenario) -> str:
    """Return who plays what, for captions."""
    if saved is not None:
        return f"{scenario.name}, iteration {saved.iteration:,}"
    assert agent is not None
    return f"{scenario.name}, {agent_title(agent)}"
