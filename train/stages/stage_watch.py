"""Looks for strategies while a run goes on: curves, a line when one appears, and what must not be lost of it.

Every look plays the newest policy, against itself or whoever is named, from fresh starts on layouts that are never
trained on, always the same ones, and compares it with random play there, episode by episode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.options.ranges import derived_seed
from envs.scenarios import Scenario
from envs.scene import Scene
from policies.teams import Policy

from ..play.agents import make_agent
from ..play.players import Player, PolicyPlayer
from ..play.teams_player import OtherTeam
from ..rendering.video import VideoOptions
from ..runs.metrics import read_metrics
from ..runs.run_folder import RunFolder
from ..support.files import make_folder, write_json
from ..support.json_data import from_plain, read_object, to_plain
from .chance import sign_test
from .film import film
from .strategies import strategies_of
from .study import CHANCE_AGENT, Example, Finding, StudyOptions, examine

CLEAR = 0.001
"""A strategy appears at the first look at which the chance of so many more episodes than in random play is below this:
a run has some fifty looks, and each may err."""
_FILE, _TAG = "stages.json", "stages/"


@dataclass(frozen=True)
class Appearance:
    """The look at which a strategy was first told for sure."""

    iteration: int
    env_steps: int
    share: float
    """Of the episodes of that look."""


class StageWatch:
    """One run's strategies.

    Args:
      scenario: the run's.
      options: how many episodes of each look, and on which layouts.
      other: who plays one team instead of the newest policy, if anybody does.
      folder: the run; ``stages.json`` and films are written there.
      iteration: iterations done; what appeared later, before a resume, is forgotten.

    Raises:
      UserError: the scenario is not hide-and-seek.
    """

    def __init__(
        self, scenario: Scenario, options: StudyOptions, other: OtherTeam, folder: RunFolder, iteration: int
    ) -> None:
        self._scenario, self._folder, self._options, self._other = scenario, folder, options, other
        self._detectors = strategies_of(scenario)
        self._chance: Finding | None = None
        self.appeared = {name: seen for name, seen in self._read().items() if seen.iteration <= iteration}
        """By strategy; those that have not appeared are missing."""
        self.shares = past_shares(folder, iteration)
        """By strategy, the shares of all looks."""

    def _read(self) -> dict[str, Appearance]:
        try:
            found = read_object(self._folder.path / _FILE)
            return {name: from_plain(Appearance, plain, _FILE) for name, plain in found.items()}
        except (OSError, UserError):
            return {}

    @property
    def iterations(self) -> set[int]:
        """Those at which something appeared; their checkpoints are kept for good."""
        return {seen.iteration for seen in self.appeared.values()}

    def look(self, policy: Policy, iteration: int, env_steps: int, say: Callable[[str], None]) -> dict[str, float]:
        """Play, tell, and keep what is new.

        Args:
          policy: the newest one; it is in training mode afterwards.
          iteration: iterations done.
          env_steps: env steps done.
          say: called with a line for each strategy that appears.

        Returns:
          ``stages/<strategy>``: share of episodes.
        """
        options = self._options
        env = BatchEnv(
            self._scenario, options.num_worlds, options.seed, options.device, options.threads, engine=options.engine
        )
        scene = env.engine.scene
        try:
            if self._chance is None:
                shares, told, _ = examine(env, self._random, self._detectors, options, lambda _: None)
                self._chance = Finding(0, 0, shares, told)

            def players(number: int) -> Player:
                return self._other.beside(
                    PolicyPlayer(policy, derived_seed(options.seed, number + 1)), self._other_seed(number)
                )

            shares, told, examples = examine(env, players, self._detectors, options, lambda _: None)
        finally:
            env.close()
            policy.train()
        for name, share in shares.items():
            self.shares.setdefault(name, []).append(share.value)
            if name not in self.appeared and sign_test(told[name], self._chance.told[name]) < CLEAR:
                self.appeared[name] = Appearance(iteration, env_steps, share.value)
                say(f"{name} has appeared: {share} of {options.episodes} episodes from fresh starts, {self._who}")
                write_json(self._folder.path / _FILE, to_plain(self.appeared))
                self._film(name, scene, Example(*examples[name], iteration), say)
        return {f"{_TAG}{name.replace(' ', '_')}": share.value for name, share in shares.items()}

    def _film(self, name: str, scene: Scene, example: Example, say: Callable[[str], None]) -> None:
        make_folder(self._folder.videos)
        path = self._folder.videos / f"appeared-{name.replace(' ', '-')}.mp4"
        try:
            film(path, scene, example, VideoOptions(width=480, height=360, caption=f"{name}, {example.iteration:,}"))
        except UserError as error:
            say(f"no film of it: {error}")

    def _random(self, number: int) -> Player:
        agent = make_agent(CHANCE_AGENT, self._scenario, derived_seed(self._options.seed, number + 1))
        return self._other.beside(agent, self._other_seed(number))

    def _other_seed(self, number: int) -> int:
        return derived_seed(self._options.seed, -number - 1)

    @property
    def _who(self) -> str:
        return self._other.words or "in self-play"


def past_shares(folder: RunFolder, iteration: int) -> dict[str, list[float]]:
    """Return by strategy the shares of all looks of a run up to an iteration, as its curves have them."""
    shares: dict[str, list[float]] = {}
    for line in read_metrics(folder.metrics_file) if folder.metrics_file.is_file() else []:
        for tag, share in line.items():
            if tag.startswith(_TAG) and share is not None and (line["iteration"] or 0) <= iteration:
                shares.setdefault(tag.removeprefix(_TAG).replace("_", " "), []).append(share)
    return shares
