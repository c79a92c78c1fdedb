"""What an environment hands out: the outcome of a step, and the state of worlds in the middle of an episode.

Shapes: W worlds, A agents (hiders first), E entities, Q numbers in a pose, K some of the worlds.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .games import View
from .manipulation import Grabs, Locks
from .observations import Observation


@dataclass
class Transition:
    """What one step of W worlds gives before any of them starts its next episode."""

    reward: Tensor
    """(W, A) float32."""
    done: Tensor
    """(W,) bool: the episode is over."""
    truncated: Tensor
    """(W,) bool: it is over before its time, though the game did not end it: a shortened first episode, or broken
    physics."""
    broken: Tensor
    """(W,) bool: physics broke in this step. The world is back where its episode began, and its reward is 0."""
    live: Tensor
    """(W,) bool: the step was not part of the preparation phase."""
    hiders_seen: Tensor
    """(W,) bool: after this step some seeker sees some hider."""
    view: View
    """What the rules saw after physics."""
    between: Tensor
    """(W, n, E, Q) poses on the way, at equal times: as many as were asked for."""


@dataclass
class StepResult:
    """What one step of W worlds gives."""

    obs: Observation
    """Of the next step; for worlds that were reset, the first of the new episode."""
    reward: Tensor
    """(W, A) float32, of the step just made."""
    done: Tensor
    """(W,) bool: the episode ended with this step. The horizon is an end of the game, not a truncation."""
    truncated: Tensor
    """(W,) bool: it ended before its time, though the game did not end it: a shortened first episode, or broken
    physics."""
    live: Tensor
    """(W,) bool: the step was not part of the preparation phase."""
    hiders_seen: Tensor
    """(W,) bool: after this step some seeker saw some hider."""
    finals: dict[str, Tensor]
    """Name -> (W,) float32: final numbers of the episodes that ended with this step, where ``counted``; may be
    empty."""
    counted: Tensor
    """(W,) bool: an episode ended with this step and counts; shortened first ones and those with broken physics do
    not."""

    @property
    def statistics(self) -> dict[str, Tensor]:
        """Name -> (K,) float32: ``finals`` of the K episodes that count, in the order of worlds. Waits for a GPU."""
        return {name: values[self.counted] for name, values in self.finals.items()}


@dataclass
class WorldState:
    """Complete state of some worlds in the middle of an episode, but for the solver's warm start."""

    pose: Tensor
    """(K, E, Q)."""
    velocity: Tensor
    """(K, E, Q)."""
    grabs: Grabs
    locks: Locks
    visible: Tensor
    """(K, A, E) bool: what was visible in the previous observation."""
    steps: Tensor
    """(K,) int64 steps done in the episode."""
    game: dict[str, Tensor]
    """Name -> (K, ...): what the game keeps during an episode; missing names keep their values."""
