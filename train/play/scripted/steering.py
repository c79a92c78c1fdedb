"""From what a scripted agent wants, to move somewhere or to look somewhere, to the bins of its action.

Shapes: W worlds, A agents, K some of them: the same ones in every world (K,), or others in each (W, K).
"""

from __future__ import annotations

import torch
from torch import Tensor

from .situation import Situation, heading, turn_between, yaw_towards

FULL_SPEED = 8.0
"""Metres per second that an agent reaches."""
WITH_LOAD = 25.0
"""Newtons of friction of an agent that drags a box, and a little more."""
_GRAB, _LOCK, _GAME = 3, 4, 5
"""Components of an action."""
_NEWTONS = 100.0
"""Force, and torque in N m, of a motor command of 1."""
_COARSE = 40.0
"""Newtons, or N m, between two bins, from which on a weak force would always be rounded to none."""
_DRAG, _SPIN_DRAG = 10.0, 10.0
"""N s/m and N m s that motion costs."""


class Steering:
    """Actions of all agents, at first none: no force, no torque, hands open."""

    def __init__(self, situation: Situation) -> None:
        s, self._situation = situation.scenario, situation
        self._none = s.no_action[0]
        self._bin = s.action_limit * _NEWTONS / self._none  # N or N m.
        nothing = torch.tensor(s.no_action, device=situation.device)
        self.actions = nothing.repeat(situation.num_worlds, s.num_agents, 1)
        """(W, A, components) int64."""

    def go(
        self,
        who: Tensor,
        target: Tensor,
        speed: float = FULL_SPEED,
        where: Tensor | bool = True,
        friction: float = 10.0,
    ) -> None:
        """Drive agents towards places.

        Args:
          who: K agents.
          target: (W, K, 2).
          speed: metres per second at most.
          where: (W, K) bool: which of them; the others keep the force that they have.
          friction: newtons to overcome.
        """
        world, step = self._situation, self._situation.scenario.step_seconds
        wanted = (target - world.position(who)) * min(6.0, 0.6 / step)  # 1/s: less would be slow, more would overshoot.
        wanted = wanted * (speed / wanted.norm(dim=-1, keepdim=True).clamp(min=speed))
        direction = wanted / wanted.norm(dim=-1, keepdim=True).clamp(min=0.3)
        force = _DRAG * wanted + friction * direction + 5 * (wanted - world.velocity(who))
        self._push(who, force, where)

    def rest(self, who: Tensor, where: Tensor | bool = True) -> None:
        """Let agents (K) exert no force."""
        self._push(who, torch.zeros_like(self._situation.position(who)), where)

    def look(
        self, who: Tensor, target: Tensor | None = None, yaw: Tensor | float | None = None, where: Tensor | bool = True
    ) -> None:
        """Turn agents (K) towards places (W, K, 2), or to a yaw (W, K), where (W, K) bool says so."""
        here = self._situation.yaw(who)
        if target is not None:
            yaw = yaw_towards(target - self._situation.position(who))
        turn = turn_between(here, torch.as_tensor(yaw, device=here.device))
        torque = _SPIN_DRAG * turn / self._situation.scenario.step_seconds
        self._write(who, 2, self._to_bins(who, 2, torque), where)

    def grab(self, who: Tensor, wants: Tensor | bool = True, where: Tensor | bool = True) -> None:
        """Let agents (K) hold what is next to them, or let go: ``wants`` (W, K) bool."""
        self._write(who, _GRAB, torch.as_tensor(wants).long(), where)

    def lock(self, who: Tensor, wants: Tensor | bool = True, where: Tensor | bool = True) -> None:
        """Let agents (K) press lock, or not: ``wants`` (W, K) bool."""
        self._write(who, _LOCK, torch.as_tensor(wants).long(), where)

    def choose(self, who: Tensor, choice: Tensor, where: Tensor | bool = True) -> None:
        """Let agents (K) take a choice (W, K) of the first of the game's own action components."""
        self._write(who, _GAME, choice, where)

    def _push(self, who: Tensor, force: Tensor, where: Tensor | bool) -> None:
        """Exert forces (W, K, 2) in newtons along the world's axes."""
        if self._situation.scenario.heading_forces:
            ahead = heading(self._situation.yaw(who))
            left = torch.stack([-ahead[..., 1], ahead[..., 0]], dim=-1)
            force = torch.stack([(force * ahead).sum(-1), (force * left).sum(-1)], dim=-1)
        for axis in (0, 1):
            self._write(who, axis, self._to_bins(who, axis, force[..., axis]), where)

    def _to_bins(self, who: Tensor, component: int, wanted: Tensor) -> Tensor:
        """Return bins for forces or torques (W, K). Coarse ones are dithered: on average they are what was wanted."""
        bins = wanted / self._bin
        if self._bin >= _COARSE:
            bins = bins + self._dither(who, component)
        return self._none + bins.round().clamp(-self._none, self._none).long()

    def _dither(self, who: Tensor, component: int) -> Tensor:
        """Return numbers (W, K) in [-0.5, 0.5) that look drawn at random, and follow from the state of the worlds."""
        world = self._situation
        place = (world.position(who) * torch.tensor([127.1, 311.7], device=world.device)).sum(-1)
        clock = world.state.steps[:, None] * 74.7 + component * 269.5
        return torch.remainder((place + clock).sin() * 43758.5453, 1.0) - 0.5

    def _write(self, who: Tensor, component: int, values: Tensor, where: Tensor | bool) -> None:
        rows = self._situation.rows
        old = self.actions[rows, who, component]
        chosen = torch.as_tensor(where, device=old.device)
        self.actions[rows, who, component] = torch.where(chosen, values.to(old.device), old)
