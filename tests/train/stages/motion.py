"""Hand-made motion, without physics: worlds in which only what a test says happens."""

import dataclasses

import torch

from envs.options.scenario_options import CylinderOptions
from tests.envs.worlds import small, world
from train.stages.trace import Trace

STEPS, PREPARATION = 60, 20
HIDER, SEEKER = 0, 1  # Entities; objects follow.


def make(agents, boxes=(), ramps=(), walls=(), **options):
    """One hider and one seeker in a world in which nothing happens, seen by nobody."""
    s = small(
        boxes=(len(boxes), len(boxes)),
        ramps=len(ramps),
        layout="quadrant",  # for its slots of walls
        horizon=STEPS,
        preparation_fraction=PREPARATION / STEPS + 1e-6,
        **options,
    )
    layout = world(s, agents, boxes, ramps, walls)
    start = torch.cat([layout.agent_pose, layout.box_pose, layout.ramp_pose], dim=1)
    times = STEPS + 1
    objects = torch.zeros(1, times, s.num_objects, dtype=torch.int64)
    return Trace(
        s,
        layout,
        pose=start[:, None].repeat(1, times, 1, 1),
        visible=torch.zeros(1, times, 2, start.shape[1], dtype=torch.bool),
        holding=torch.full((1, times, 2), -1),
        locked=objects.bool(),
        locker=objects,
        score=torch.zeros(1, times),
        broken=torch.zeros(1, dtype=torch.bool),
    )


def move(trace, entity, points, start=PREPARATION):
    """Put an entity at points (x, y, z or None) one step after the other, and leave it at the last one."""
    for i, point in enumerate(points):
        for axis, value in enumerate(point):
            if value is not None:
                trace.pose[:, start + i :, entity, axis] = value


def line(x0, x1, y, z, steps):
    return [(x0 + (x1 - x0) * i / steps, y, z) for i in range(steps + 1)]


def with_absent(trace, team):
    """The same episode in a scenario with one more hider (0) or seeker (1), which takes no part and is
    parked far away."""
    s = trace.scenario
    place = s.hiders if team == 0 else s.num_agents
    more = {"hiders": s.hiders + 1} if team == 0 else {"seekers": s.seekers + 1}

    def put(tensor, dim, value):
        before, after = tensor.split([place, tensor.shape[dim] - place], dim)
        return torch.cat([before, torch.full_like(tensor.narrow(dim, 0, 1), value), after], dim)

    layout = dataclasses.replace(
        trace.layout,
        agent_pose=put(trace.layout.agent_pose, 1, 0.0),
        agent_present=put(trace.layout.agent_present, 1, False),
    )
    return dataclasses.replace(
        trace,
        scenario=dataclasses.replace(s, random_team_sizes=True, **more),
        layout=layout,
        pose=put(trace.pose, 2, -40.0),
        visible=put(put(trace.visible, 2, False), 3, False),
        holding=put(trace.holding, 2, -1),
    )


def with_cylinder(trace, x, y, radius, fixed=False):
    """The same episode with a cylinder that stands at (x, y) from the end of preparation on, or always if it
    is fixed."""
    s, layout = trace.scenario, trace.layout
    if fixed:
        layout = dataclasses.replace(layout, pillars=torch.tensor([[[x, y, radius, 0.5]]]))
        s = dataclasses.replace(s, cylinders=CylinderOptions(fixed=1))
        return dataclasses.replace(trace, scenario=s, layout=layout)
    start = torch.tensor([[[5.0, 1.0, 0.25, 0.0]]])
    half_size = torch.tensor([[[radius, radius, 0.25]]])
    layout = dataclasses.replace(layout, cylinder_pose=start, cylinder_half_size=half_size)

    def longer(tensor, value):
        return torch.cat([tensor, torch.full_like(tensor[..., :1], value)], -1)

    pose = torch.cat([trace.pose, start[:, None].repeat(1, trace.pose.shape[1], 1, 1)], dim=2)
    pose[:, PREPARATION:, -1, :2] = torch.tensor([x, y])
    return dataclasses.replace(
        trace,
        scenario=dataclasses.replace(s, cylinders=CylinderOptions(movable=1)),
        layout=layout,
        pose=pose,
        visible=longer(trace.visible, False),
        locked=longer(trace.locked, False),
        locker=longer(trace.locker, 0),
    )
