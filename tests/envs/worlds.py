"""Short ways to write hand-made worlds: scenarios, layouts of one world, actions and motor commands."""

import importlib.util
from functools import cache

import pytest
import torch

from envs.layouts import Layout, max_walls
from envs.scenarios import Scenario, validate
from envs.scene import scene
from envs.tensors.orientation import tilt_seen_from

needs_warp = pytest.mark.skipif(importlib.util.find_spec("mujoco_warp") is None, reason="mujoco_warp is not installed")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")

ACTION_BINS = (11, 11, 11, 2, 2)
"""Choices per action component with the original's eleven movement bins."""
NO_ACTION = (5, 5, 5, 0, 0)
"""No force, no torque, hands open, with these."""
BIN_COMMAND = 0.18  # Motor command of one bin from the middle.
AGENT_HEIGHT = 0.15  # Metres, centre of an agent that stands on the floor.
OBJECT_HEIGHT = 0.25
CUBE = (0.25, 0.25, 0.25)  # Half sizes, metres.
AWAY = (20.0, 20.0)  # Where agents wait that a test does not need.


def small(**fields) -> Scenario:
    """One hider, one seeker, no objects, no walls unless given (at most four), 80 steps."""
    defaults = dict(
        name="test/small",
        hiders=1,
        seekers=1,
        boxes=(0, 0),
        ramps=0,
        layout="empty",
        horizon=80,
        preparation_fraction=0.0,
    )
    return validate(Scenario(**(defaults | fields)))


@cache
def build_scene(scenario: Scenario) -> scene.Scene:
    return scene.build(scenario)


def body(x, y, yaw=0.0, z=None, half=CUBE):
    """A box or ramp: its centre, yaw, height of the centre (None: standing on the floor) and half sizes."""
    return x, y, half[2] if z is None else z, yaw, half


def world(scenario: Scenario, agents=(), boxes=(), ramps=(), walls=()) -> Layout:
    """A layout of one world.

    Args:
      scenario: gives the slots; boxes that are not given are absent.
      agents: (x, y[, yaw[, z]]) of the first agents; the others wait far away.
      boxes: bodies, None for an absent box.
      ramps: bodies, one for every ramp of the scenario.
      walls: (centre x, centre y, half x, half y, height).
    """
    poses = [(*a, 0.0, AGENT_HEIGHT)[:4] if len(a) == 2 else (*a, AGENT_HEIGHT)[:4] for a in agents]
    poses += [(AWAY[0] + i, AWAY[1], 0.0, AGENT_HEIGHT) for i in range(len(poses), scenario.num_agents)]
    slots, wall_slots = scenario.max_boxes, max_walls(scenario)
    boxes = [*boxes, *[None] * (slots - len(boxes))]
    placed = [b or (0.0, 0.0, 0.0, 0.0, (0.0, 0.0, 0.0)) for b in boxes]
    wall_rows = [*walls, *[(0.0,) * 5] * (wall_slots - len(walls))]
    walls_present = torch.arange(wall_slots)[None] < len(walls)
    return Layout(
        walls=torch.tensor([wall_rows]).reshape(1, wall_slots, 5),
        wall_present=walls_present,
        wall_is_outer=torch.zeros_like(walls_present),
        agent_pose=torch.tensor([[(x, y, z, yaw) for x, y, yaw, z in poses]]),
        box_pose=torch.tensor([[b[:4] for b in placed]]).reshape(1, slots, 4),
        box_half_size=torch.tensor([[b[4] for b in placed]]).reshape(1, slots, 3),
        box_present=torch.tensor([[b is not None for b in boxes]], dtype=torch.bool).reshape(1, slots),
        ramp_pose=torch.tensor([[r[:4] for r in ramps]]).reshape(1, scenario.ramps, 4),
    )


class Driver:
    """Steps an engine while keeping what is held and locked, as the environment does."""

    def __init__(self, engine) -> None:
        w, s, device = engine.num_worlds, engine.scene.scenario, engine.device
        self.engine = engine
        self.holding = torch.full((w, s.num_agents), -1, device=device)
        self.offset = torch.zeros(w, s.num_agents, 3, device=device)
        self.yaw = torch.zeros(w, s.num_agents, device=device)
        self.tilt = torch.tensor((1.0, 0.0, 0.0, 0.0), device=device).repeat(w, s.num_agents, 1)
        self.locked = torch.zeros(w, s.num_objects, dtype=torch.bool, device=device)
        self.lock_pose = torch.zeros(w, s.num_objects, s.pose_size, device=device)

    @property
    def agents(self) -> int:
        return self.engine.scene.scenario.num_agents

    def lock(self, world: int, obj: int) -> None:
        self.locked[world, obj] = True
        self.lock_pose[world, obj] = self.engine.pose[world, self.agents + obj]

    def unlock(self, world: int, obj: int) -> None:
        self.locked[world, obj] = False

    def grab(self, world: int, agent: int, obj: int) -> None:
        """Hold at the current relative pose."""
        pose = self.engine.pose[world]
        holder, held = pose[agent], pose[self.agents + obj]
        cos, sin = torch.cos(holder[3]), torch.sin(holder[3])
        dx, dy, dz = held[:3] - holder[:3]
        self.holding[world, agent] = obj
        self.offset[world, agent] = torch.stack([cos * dx + sin * dy, -sin * dx + cos * dy, dz])
        self.yaw[world, agent] = held[3] - holder[3]
        if len(held) > 4:
            self.tilt[world, agent] = tilt_seen_from(holder[3], held)

    def release(self, world: int, agent: int) -> None:
        self.holding[world, agent] = -1

    def drive(self, bins, steps: int = 1) -> torch.Tensor:
        """Step with constant bins relative to the middle, (W, A, 3) or for agent 0 of every world (W, 3).

        Returns:
          (steps + 1, W, E, Q) poses, the first before the first step.
        """
        bins = torch.as_tensor(bins, dtype=torch.float32, device=self.engine.device)
        command = torch.zeros(self.engine.num_worlds, self.agents, 3, device=self.engine.device)
        if bins.ndim == 2:
            command[:, 0] = bins
        else:
            command[:] = bins
        poses = [self.engine.pose]
        for _ in range(steps):
            self.engine.set_grabs(self.holding, self.offset, self.yaw, self.tilt)
            self.engine.set_locks(self.locked, self.lock_pose)
            self.engine.step(command * BIN_COMMAND)
            poses.append(self.engine.pose)
        return torch.stack(poses).cpu()


def cast(engine, origins, directions, exclude=None):
    """Cast the same rays in every world. Returns (W, N) distances and entities on the CPU."""
    n, device = len(origins), engine.device

    def expand(rays):
        return torch.as_tensor(rays, dtype=torch.float32).expand(engine.num_worlds, n, 3).to(device)

    excluded = torch.full((n,), -1) if exclude is None else torch.tensor(exclude)
    worlds = torch.arange(engine.num_worlds, device=device)
    distance, entity = engine.rays(worlds, expand(origins), expand(directions), excluded.to(device))
    assert distance.dtype == torch.float32
    assert entity.dtype == torch.int64
    return distance.cpu(), entity.cpu()
