"""Recorded episodes, shown as if they were played now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.scene import build

from ..play.episodes import Episode


class Replay:
    """Episodes of one scenario, one after the other."""

    live = False

    def __init__(self, episodes: list[Episode]) -> None:
        self._episodes = episodes
        self.scenario = episodes[0].scenario
        self.scene = build(self.scenario)
        self.number = 0
        self.next_episode()

    def next_episode(self) -> None:
        """Show the next episode; after the last one the first again."""
        self.number = self.number % len(self._episodes) + 1
        self._episode = self._episodes[self.number - 1]
        self.seed, self.layout = self._episode.seed, self._episode.layout
        self.model = self._episode.world_model(self.scene)
        self._scores = [self._episode.score(self._episode.team(name)) for name in ("hiders", "seekers")]
        self.go(0)

    def again(self) -> None:
        """Show the same episode again."""
        self.go(0)

    def go(self, index: int) -> None:
        """Show state ``index``."""
        self.steps = min(max(index, 0), self._episode.steps)
        self.before = self.after = self._episode.moment(self.steps)

    def step(self) -> None:
        """Go one step on, or to the next episode if this one is over."""
        if self.done:
            self.next_episode()
            return
        self.steps += 1
        self.before, self.after = self.after, self._episode.moment(self.steps)

    @property
    def done(self) -> bool:
        """Whether this is the end."""
        return self.steps == self._episode.steps

    @property
    def seen(self) -> bool | None:
        """Whether some seeker sees some hider; None in the preparation phase."""
        live = self.steps > 0 and self._episode.live[self.steps - 1]
        return bool(self.after.sees.any()) if live else None

    @property
    def path(self) -> NDArray[np.float32]:
        """(T + 1, E, Q): poses so far."""
        return self._episode.states["pose"][: self.steps + 1]

    def score(self, team: int) -> float:
        """Return the rewards of hiders (0) or seekers (1) so far, averaged over the team."""
        return float(self._scores[team][self.steps])

    def episode(self) -> Episode:
        """Return the whole episode."""
        return self._episode

    def close(self) -> None:
        """Nothing to free."""
