"""Episodes of object counting, recorded once for any number of learners: what was seen, and the right answers.

The agent is pinned, so that nothing it does changes what it sees: episodes need no policy. A quarter of the
arrangements of boxes over lanes is held out, and only tests are made of them. A seed alone would not do: there are few
different layouts, so that a test with another seed would often repeat layouts of the training.

Shapes: T steps, N episodes, B boxes.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import torch
from torch import Tensor

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.layouts import Layout, LayoutStream
from envs.physics import EngineName
from envs.scenarios import Scenario, plays

_HELD_OUT = 4  # One arrangement in so many.
_PATIENCE = 100  # Draws of layouts for all worlds in which at least one must be of the wanted kind.


@dataclass
class CountingEpisodes:
    """N whole episodes, all of T steps."""

    observations: dict[str, Tensor]
    """(T, N, ...): what the agent observed before each step."""
    labels: Tensor
    """(N,) int64: how many boxes went left."""
    vanished: Tensor
    """(N,) int64: the first step from which on no box was seen any more."""
    layout: Layout
    """Of N worlds: where boxes started and where they went."""

    @property
    def asked(self) -> Tensor:
        """(T, N) bool: the steps at which the label is asked, those from ``vanished`` on."""
        steps = len(self.observations["self"])
        return torch.arange(steps, device=self.labels.device)[:, None] >= self.vanished


def label_distribution(scenario: Scenario) -> Tensor:
    """Return the chance of every label, (largest number of boxes + 1,).

    The number of boxes is drawn uniformly, then the number of those that go left, from none to all.
    """
    low, high = scenario.boxes
    numbers = torch.arange(low, high + 1)
    possible = torch.arange(high + 1) <= numbers[:, None]  # (numbers, labels)
    return (possible.double() / (numbers[:, None] + 1)).mean(0)


def is_held_out(layout: Layout) -> Tensor:
    """Return (N,) bool: which layouts are for tests.

    It depends on the lanes in which boxes are, not on where they go.
    """
    lanes = (layout.box_pose[..., 1] * layout.box_present * 1000).round().int().cpu().numpy()
    return torch.tensor([zlib.crc32(row.tobytes()) % _HELD_OUT == 0 for row in lanes])


class CountingWorlds:
    """Worlds of object counting that record episodes, all of either held-out layouts or the others.

    Args:
      scenario: a variant of ``object-counting``.
      num_worlds: W; as many episodes are recorded at a time.
      seed: decides the layouts.
      held_out: record the layouts for tests; otherwise those for training.
      device: where the worlds are.
      threads: physics threads; 0 uses all cores.
      engine: of physics.

    Raises:
      UserError: another game, or an impossible scenario.
    """

    def __init__(
        self,
        scenario: Scenario,
        num_worlds: int,
        seed: int,
        held_out: bool,
        device: str | torch.device = "cpu",
        threads: int = 0,
        engine: EngineName = "auto",
    ) -> None:
        if not plays(scenario, "object_counting"):
            raise UserError(f"scenario '{scenario.name}' is game {scenario.game}; counting needs object_counting")
        self._env = BatchEnv(scenario, num_worlds, seed, device, threads, engine=engine)
        self._layouts = LayoutStream(scenario, seed, num_worlds)
        self._held_out = held_out

    @property
    def observation_spec(self) -> dict:
        """What the agent observes."""
        return self._env.observation_spec

    def record(self, episodes: int) -> CountingEpisodes:
        """Return the next episodes, at least as many as asked for: a multiple of W.

        Raises:
          UserError: boxes are still in sight at the end, too few boxes to hold layouts out, or the physics of the GPU
            engine
        ran out of room for contacts.
        """
        rounds = math.ceil(episodes / self._env.num_worlds)
        return join_episodes([self._record_round() for _ in range(rounds)])

    def close(self) -> None:
        """Free the physics."""
        self._env.close()

    def __enter__(self) -> CountingWorlds:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _record_round(self) -> CountingEpisodes:
        env, layout = self._env, self._draw()
        nothing = torch.tensor(env.scenario.no_action, device=env.device).expand(env.num_worlds, 1, -1)
        observation = env.reset(layout)
        labels = env.game.state["label"].clone()
        seen = [observation]
        for _ in range(env.scenario.horizon - 1):
            env.advance(nothing)
            seen.append(env.observe())
        env.engine.check_overflow()
        observations = {name: torch.stack([one[name][:, 0] for one in seen]) for name in observation}
        return CountingEpisodes(observations, labels, _vanished(observations["boxes_visible"]), layout)

    def _draw(self) -> Layout:
        """Return the next W layouts of the wanted kind."""
        worlds = torch.arange(self._env.num_worlds)
        found: list[Layout] = []
        for _ in range(_PATIENCE):
            layout = self._layouts.draw(worlds)
            found.append(layout.select((is_held_out(layout) == self._held_out).nonzero()[:, 0]))
            if sum(each.num_worlds for each in found) >= len(worlds):
                return Layout.stack(found).select(worlds)
        raise UserError(
            f"boxes is {self._env.scenario.boxes}, too few to keep some of their arrangements for tests; use at least 2"
        )


def join_episodes(parts: list[CountingEpisodes]) -> CountingEpisodes:
    """Return the episodes of several recordings as one."""
    names = parts[0].observations
    return CountingEpisodes(
        {name: torch.cat([part.observations[name] for part in parts], dim=1) for name in names},
        torch.cat([part.labels for part in parts]),
        torch.cat([part.vanished for part in parts]),
        Layout.stack([part.layout for part in parts]),
    )


def _vanished(visible: Tensor) -> Tensor:
    """Return the step (N,) after the last one at which any box was visible, (T, N, B) bool."""
    steps = torch.arange(len(visible), device=visible.device)[:, None]
    vanished = (visible.any(-1) * (steps + 1)).max(0).values
    late = int((vanished == len(visible)).sum())
    if late:
        raise UserError(
            f"boxes are still in sight at the end of {late} of {len(vanished)} episodes; use a longer horizon or a "
            "larger "
            "counting.drift_per_step"
        )
    return vanished
