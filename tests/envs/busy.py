"""Scripted agents that do everything rough, and a count of what gets through walls.

Shapes: W worlds, A agents, O objects, E entities, L walls.
"""

from dataclasses import dataclass, field

import torch

from envs.batch_env import BatchEnv
from tests.envs.worlds import NO_ACTION

CROSSING_MARGIN = 0.02  # Metres below a wall's top from which on passing counts as going over it.
ALTITUDE = {"agents": 0.15, "boxes": 0.25, "ramps": 0.25}  # Metres from a body's centre to its bottom.


class BusyAgents:
    """Each agent follows one plan for a while: run at an object, drag it, run about with it, climb a ramp, lock, ...

    Agents turn towards where they go, so that they see and reach what they run at.
    """

    PLANS = ("run at an object", "drag it about", "run at an agent", "run somewhere", "climb a ramp")
    PLAN_STEPS = (5, 40)

    def __init__(self, env: BatchEnv, seed: int = 0) -> None:
        self.env = env
        self.generator = torch.Generator().manual_seed(seed)
        shape = (env.num_worlds, env.num_agents)
        self.left = torch.zeros(shape, dtype=torch.int64)
        self.plan = torch.zeros(shape, dtype=torch.int64)
        self.target = torch.zeros(shape, dtype=torch.int64)
        self.somewhere = torch.zeros(*shape, 2)
        self.speed = torch.zeros(shape, dtype=torch.int64)
        self.lock = torch.zeros(shape, dtype=torch.bool)

    def act(self) -> torch.Tensor:
        """(W, A, 5) actions for the present state."""
        self._renew_plans()
        env, a = self.env, self.env.num_agents
        state = env.get_state(torch.arange(env.num_worlds))
        here, yaw = state.pose[:, :a, :2], state.pose[:, :a, 3]
        there = state.pose[..., :2].gather(1, self.target[..., None].expand(-1, -1, 2))
        holds = state.grabs.holding >= 0
        carrying = (self.plan == 1) & holds
        goal = torch.where((carrying | (self.plan == 3))[..., None], self.somewhere, there)
        ramp_yaw = state.pose[..., 3].gather(1, self.target)
        goal = torch.where((self.plan == 4)[..., None], way_up(here, there, ramp_yaw), goal)
        offset = goal - here
        direction = offset / offset.abs().amax(-1, keepdim=True).clamp(min=1e-3)
        force = (direction * self.speed[..., None]).round().long()
        heading = torch.where(carrying, yaw, torch.atan2(offset[..., 1], offset[..., 0]) + torch.pi / 2)
        turn = torch.remainder(heading - yaw + torch.pi, 2 * torch.pi) - torch.pi
        torque = (turn / 0.135).round().clamp(-5, 5).long()
        actions = torch.tensor(NO_ACTION).repeat(*here.shape[:2], 1)
        noise = torch.rand(here.shape[:2], generator=self.generator)
        actions[..., :2] += force
        actions[..., 2] += torch.where(noise < 0.1, 5, torque)
        actions[..., 3] = (self.plan == 1).long()
        actions[..., 4] = self.lock.long()
        return actions

    def _renew_plans(self) -> None:
        shape = self.left.shape
        random = lambda low, high: torch.randint(low, high, shape, generator=self.generator)  # noqa: E731
        new = self.left <= 0
        low, high = self.PLAN_STEPS
        plan = random(0, len(self.PLANS))
        somewhere = torch.rand(*shape, 2, generator=self.generator) * 6.6 - 0.3
        self.left = torch.where(new, random(low, high), self.left - 1)
        self.plan = torch.where(new, plan, self.plan)
        self.target = torch.where(new, self._choose_targets(plan), self.target)
        self.somewhere = torch.where(new[..., None], somewhere, self.somewhere)
        self.speed = torch.where(new, random(2, 6), self.speed)
        self.lock = torch.where(new, random(0, 4) == 0, self.lock)

    def _choose_targets(self, plan: torch.Tensor) -> torch.Tensor:
        """(W, A) a random present entity of the kind that a plan is about."""
        env, a, b = self.env, self.env.num_agents, self.env.scenario.max_boxes
        observation = env.observe()
        exists = torch.ones(env.num_worlds, a, env.engine.scene.num_entities)
        exists[..., a : a + b] = observation["boxes_present"].float()
        kind = torch.arange(exists.shape[-1])
        wanted = torch.where(
            (plan == 2)[..., None], kind < a, torch.where((plan == 4)[..., None], kind >= a + b, kind >= a)
        )
        draw = torch.rand(exists.shape, generator=self.generator)
        return (draw * exists * wanted).argmax(-1)


def way_up(here: torch.Tensor, ramp: torch.Tensor, yaw: torch.Tensor) -> torch.Tensor:
    """Where to go to climb a ramp: to the foot of its slope first, then over its top. (..., 2), (..., 2), (...)."""
    up = torch.stack([yaw.sin(), -yaw.cos()], dim=-1)
    offset = here - ramp
    along = (offset * up).sum(-1)
    aside = (offset[..., 0] * up[..., 1] - offset[..., 1] * up[..., 0]).abs()
    lined_up = (aside < 0.2) & (along < 0.3)
    return torch.where(lined_up[..., None], ramp + 1.5 * up, ramp - 0.9 * up)


@dataclass
class Counts:
    """What happened in some env steps."""

    steps: int = 0
    worlds_broken: int = 0
    top_speed: float = 0.0
    """Metres per second, of any body."""
    through: dict[str, int] = field(default_factory=dict)
    """``outer/boxes`` and so on: centres that went through a wall between two steps."""
    over: int = 0
    """Bodies that crossed a wall above its top, as the rules allow."""
    grabs: int = 0
    locks: int = 0
    climbs: int = 0
    """Agent-steps above 0.55 m: on a box, a ramp or a wall."""


def crossings(before, after, bottom, walls) -> tuple[torch.Tensor, torch.Tensor]:
    """Tell which bodies' centres passed which walls' centre lines, below the wall's top (through) and above (over it).

    Args:
      before: (W, E, 3) centres.
      after: (W, E, 3) centres one step later.
      bottom: (E,) metres from a centre down to the body's bottom.
      walls: (W, L, 5) centre x, centre y, half x, half y, height; absent walls have height 0.

    Returns:
      through, over: (W, E, L) bool.
    """
    through = torch.zeros(*before.shape[:2], walls.shape[1], dtype=torch.bool)
    over = torch.zeros_like(through)
    centre, half, height = walls[:, None, :, :2], walls[:, None, :, 2:4], walls[:, None, :, 4]
    start, end = before[:, :, None], after[:, :, None]
    for across, along in ((0, 1), (1, 0)):
        thin = half[..., across] <= half[..., along]
        a, b = start[..., across] - centre[..., across], end[..., across] - centre[..., across]
        share = (a / (a - b)).nan_to_num(0.0).clamp(0, 1)
        at = start + share[..., None] * (end - start)
        inside = (at[..., along] - centre[..., along]).abs() <= half[..., along]
        below = at[..., 2] - bottom[:, None] < height - CROSSING_MARGIN
        crossed = thin & (a * b < 0) & inside
        through |= crossed & below
        over |= crossed & ~below
    return through, over & (height > 0)


def play(env: BatchEnv, steps: int, seed: int = 0) -> Counts:
    """Let busy agents play ``steps`` env steps (over all worlds) and count."""
    s, counts, players = env.scenario, Counts(), BusyAgents(env, seed)
    env.reset()
    everything = torch.arange(env.num_worlds)
    kinds = ["agents"] * s.num_agents + ["boxes"] * s.max_boxes + ["ramps"] * s.ramps
    bottom = torch.tensor([ALTITUDE[kind] for kind in kinds])
    slices = {k: torch.tensor([kind == k for kind in kinds]) for k in ALTITUDE}
    counts.through = {f"{w}/{k}": 0 for w in ("outer", "inner") for k in ALTITUDE}
    walls = walls_of(env, everything)
    state = env.get_state(everything)
    while counts.steps < steps:
        before, held, locked = state.pose, state.grabs.holding, state.locks.locked
        result = env.advance(players.act())
        state = env.get_state(everything)
        counts.steps += env.num_worlds
        counts.top_speed = max(counts.top_speed, state.velocity[..., :3].norm(dim=-1).max().item())
        counts.grabs += int(((state.grabs.holding >= 0) & (held != state.grabs.holding)).sum())
        counts.locks += int((state.locks.locked & ~locked).sum())
        counts.climbs += int((state.pose[:, : s.num_agents, 2] > 0.55).sum())
        crossed, over = crossings(before[..., :3], state.pose[..., :3], bottom, walls)
        counts.over += int(over.sum())
        outer = walls[:, None, :, 4] > 1.0
        for kind, chosen in slices.items():
            counts.through[f"outer/{kind}"] += int((crossed & outer)[:, chosen].sum())
            counts.through[f"inner/{kind}"] += int((crossed & ~outer)[:, chosen].sum())
        if result.done.any():
            env.restart(result)
            walls, state = walls_of(env, everything), env.get_state(everything)
    counts.worlds_broken = env.num_diverged
    return counts


def walls_of(env: BatchEnv, worlds: torch.Tensor) -> torch.Tensor:
    """(W, L, 5) walls as the engine has them, zero height for absent ones."""
    geoms, bodies = env.engine.scene.wall_geom, env.engine.scene.wall_body
    rows = []
    for w in worlds.tolist():
        model = env.engine.world_model(w)
        position, size = torch.from_numpy(model.body_pos[bodies]), torch.from_numpy(model.geom_size[geoms])
        height = torch.where(position[:, 2] > 0, 2 * size[:, 2], 0.0)
        rows.append(torch.cat([position[:, :2], size[:, :2], height[:, None]], dim=1))
    return torch.stack(rows).float()
