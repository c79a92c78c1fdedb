"""Scripted agents that play one strategy each, through the environment's actions, from hand-placed starts.

Shapes: W worlds, A agents, K agents of a script.
"""

from __future__ import annotations

import math

import torch

from envs import scenarios
from envs.batch_env import BatchEnv
from envs.layouts import Layout, LayoutStream
from tests.envs.worlds import CUBE, body, world
from tests.train.stages.places import EAST, FRAME, LONG, NORTH, SOUTH, UP_EAST, WEST, Dice, room
from train.play.players import RandomPlayer
from train.play.scripted.situation import Situation
from train.play.scripted.steering import FULL_SPEED, WITH_LOAD, Steering

FULL = scenarios.get("hide-and-seek/full", horizon=120, boxes=(4, 4), elongated_boxes=(2, 2))
QUADRANT = scenarios.get("hide-and-seek/quadrant")


class Script:
    """Base: plays all agents of an environment; keeps still what it is not about."""

    name = ""
    """The strategy that it plays."""
    scenario = FULL

    def __init__(self, env: BatchEnv) -> None:
        self.env = env
        s = env.scenario
        self.hiders = torch.arange(s.hiders)
        self.seekers = torch.arange(s.hiders, s.num_agents)
        self.everything = torch.arange(env.num_worlds)

    def place(self, dice) -> Layout:
        """The start of one episode."""
        raise NotImplementedError

    def layout(self, worlds, seed):
        dice = Dice(seed)
        layout = Layout.stack([self.place(dice) for _ in range(worlds)])
        layout.wall_is_outer[:, : len(FRAME)] = True
        return layout

    def begin(self, worlds):
        self.step = -1

    def act(self, obs, started):
        self.step += 1
        self.world = Situation(self.env)
        self.state, self.steer = self.world.state, Steering(self.world)
        self.actions = self.steer.actions
        self.play()
        return self.actions

    def play(self):
        """Say what agents do."""

    @property
    def live(self):
        return self.step >= self.env.scenario.preparation_steps

    def position(self, who):
        return self.world.position(who)

    def object(self, which):
        return self.world.position(self.world.entity(torch.as_tensor(which)))

    def go(self, who, target, speed=FULL_SPEED, where=True, friction=10.0):
        self.steer.go(who, target, speed, where, friction)

    def look(self, who, target=None, yaw=None):
        self.steer.look(who, target, yaw)

    def grab(self, who, where=True):
        self.steer.grab(who, where)

    def lock(self, who, where=True):
        self.steer.lock(who, where)


class Chase(Script):
    """Seekers run after hiders that stroll about."""

    name = "chasing"

    def place(self, d):
        hiders = [(d.near(4.6, 0.5), d.near(2.0, 0.5), EAST), (d.near(4.6, 0.5), d.near(3.6, 0.5), EAST)]
        seekers = [(d.near(1.4, 0.5), d.near(2.0, 0.5), d.near(EAST, 1)), (d.near(1.4, 0.5), d.near(3.4, 0.5), EAST)]
        boxes = [body(d.near(x), 5.4) for x in (0.7, 1.5, 2.3, 3.1)]
        ramps = [body(d.near(x), 5.4) for x in (4.0, 5.0)]
        return world(self.scenario, hiders + seekers, boxes, ramps, FRAME)

    def play(self):
        prey = self.position(self.hiders)
        self.look(self.seekers, prey)
        self.go(self.seekers, prey, speed=3.0)
        angle = torch.tensor(self.step * 0.1 + 2.0)
        away = torch.tensor([[4.4, 1.6], [4.4, 3.8]]) + 0.7 * torch.stack([angle.cos(), angle.sin()])
        self.go(self.hiders, away.expand(len(prey), 2, 2), speed=1.5)


class QuadrantChase(Chase):
    scenario = QUADRANT

    def place(self, d):
        hiders = [(d.near(2.3, 0.3), d.near(1.0, 0.3), EAST), (d.near(1.0, 0.3), d.near(1.2, 0.3), EAST)]
        seekers = [(d.near(2.2, 0.3), d.near(4.6, 0.4), EAST), (d.near(1.0, 0.3), d.near(4.6, 0.4), WEST)]
        boxes = [body(d.near(x), 0.6) for x in (4.5, 5.3)]
        walls = room(west_door=d.near(1.7, 0.3), north_door=4.5)
        return world(self.scenario, hiders + seekers, boxes, [body(4.0, 5.0)], walls)

    def play(self):
        prey = self.position(self.hiders)
        self.look(self.seekers, prey)
        self.go(self.seekers, prey, speed=3.0)


class BlockDoors(Script):
    """Each hider pushes a box into a door of the room, locks it and stays behind it."""

    name = "shelter"
    doors = 1

    def place(self, d):
        west = d.near(1.6, 0.5)
        hiders = [(4.37, west, WEST), (d.near(5.2), d.near(0.7), WEST)]
        boxes = [body(d.near(3.88, 0.03), west)]
        north = None
        if self.doors == 2:
            north = d.near(4.9, 0.3)
            hiders[1] = (north, 1.83, NORTH)
            boxes.append(body(north, 2.32))
        boxes += [body(d.near(1.0), 5.0), body(d.near(2.2), 5.0), body(5.4, 4.8, half=LONG)]
        seekers = [
            (d.near(1.0, 0.3), d.near(2.0, 0.5), d.near(0, 3)),
            (d.near(1.2, 0.3), d.near(3.5, 0.5), d.near(0, 3)),
        ]
        ramps = [body(d.near(3.5), 4.6), body(d.near(0.6), 0.6)][: self.scenario.ramps]
        return world(self.scenario, hiders + seekers, boxes[: self.scenario.max_boxes], ramps, room(west, north))

    def play(self):
        if self.step == 0:
            self.start = self.state.pose
        self.push(0, torch.tensor([3.1, 0.0]), torch.tensor([0.0, 1.0]), WEST)
        if self.doors == 2:
            self.push(1, torch.tensor([0.0, 3.1]), torch.tensor([1.0, 0.0]), NORTH)

    def push(self, index, door, along, yaw):
        """One hider drives its box in a straight line to the door, which is where the box starts in the other axis."""
        who = self.hiders[index : index + 1]
        box = self.object([index])
        start = self.start[:, self.env.num_agents + index, :2]
        goal = (door + along * start)[:, None]
        missing = goal - box
        arrived = missing.norm(dim=-1) < 0.06
        self.look(who, yaw=yaw)
        self.go(who, self.position(who) + missing, speed=1.5, friction=WITH_LOAD)
        self.grab(who, ~arrived)
        locked = self.state.locks.locked[:, index : index + 1]
        self.lock(who, arrived | locked)
        self.steer.rest(who, arrived | locked)


class QuadrantBlockDoor(BlockDoors):
    name, scenario = "door blocking", QUADRANT


class QuadrantBlockDoors(BlockDoors):
    name, scenario, doors = "door blocking", QUADRANT, 2


class Fort(Script):
    """In the open, hiders in a corner of the arena close it with two long boxes and lock them."""

    name = "shelter"

    def place(self, d):
        hiders = [(0.75, 0.75, EAST), (0.4, 1.2, EAST)]
        seekers = [
            (d.near(4.5, 0.5), d.near(3.0, 0.5), d.near(0, 3)),
            (d.near(3.5, 0.5), d.near(4.5, 0.5), d.near(0, 3)),
        ]
        boxes = [body(1.18, 0.99, half=LONG), body(d.near(0.95, 0.04), 2.2, math.pi / 2, half=LONG)]
        boxes += [body(d.near(5.2), 5.0), body(d.near(5.2), 1.0)]
        ramps = [body(d.near(2.5), 5.0), body(d.near(3.5), 1.0)]
        return world(self.scenario, hiders + seekers, boxes, ramps, FRAME)

    def play(self):
        """Hider 0 locks the standing box; hider 1 pulls the lying one down on its end and locks it."""
        first, second = self.hiders[:1], self.hiders[1:]
        self.look(first, self.object([0]))
        self.go(first, torch.tensor([0.88, 0.8]).expand(self.env.num_worlds, 1, 2), speed=1.0)
        self.lock(first)
        box = self.object([1])
        self.look(second, yaw=NORTH)
        near = torch.tensor([0.7, 1.92]).expand(self.env.num_worlds, 1, 2)
        holds = self.state.grabs.holding[:, 1:2] == 1
        goal = torch.tensor([0.96, 1.93])
        missing = goal - box
        arrived = missing[..., 1].abs() < 0.05
        self.grab(second, ~arrived)
        goal = torch.where(holds[..., None], self.position(second) + missing, near)
        self.go(second, goal, speed=1.0, friction=WITH_LOAD)
        locked = self.state.locks.locked[:, 1:2]
        self.lock(second, arrived | locked)
        self.steer.rest(second, arrived | locked)


class ClimbRamp(Script):
    """A seeker runs up a ramp over the wall into the room, without looking where the hiders are."""

    name = "ramp use"

    def place(self, d):
        y = d.near(1.6, 0.5)
        north = None if self.scenario is FULL else d.near(5.0, 0.3)
        hiders = [(d.near(5.2), d.near(0.6), WEST), (d.near(5.3), d.near(2.6), WEST)]
        seekers = [(d.near(1.2, 0.3), y + d.near(0, 0.05), WEST), (d.near(1.2, 0.3), d.near(4.5, 0.3), WEST)]
        boxes = [body(d.near(x), 5.2) for x in (0.8, 1.8, 4.0, 5.0)][: self.scenario.max_boxes]
        ramps = [body(d.near(2.6, 0.15), y, UP_EAST), body(d.near(0.6), 0.6)][: self.scenario.ramps]
        return world(self.scenario, hiders + seekers, boxes, ramps, room(north_door=north))

    def play(self):
        if not self.live:
            return
        who = self.seekers[:1]
        self.look(who, yaw=WEST)
        x = self.position(who)[..., 0]
        ahead = self.position(who) * torch.tensor([0.0, 1.0]) + torch.tensor([4.2, 0.0])
        self.go(who, ahead, where=x < 3.4)


class QuadrantClimbRamp(ClimbRamp):
    scenario = QUADRANT


class LockRamps(Script):
    """Each hider runs to a ramp, locks it and leaves."""

    name = "ramp defence"

    def place(self, d):
        hiders = [(d.near(2.0, 0.3), d.near(2.0, 0.3), EAST), (d.near(2.0, 0.3), d.near(4.0, 0.3), EAST)]
        seekers = [(d.near(5.2, 0.2), d.near(2.0, 0.5), d.near(0, 3)), (d.near(5.2, 0.2), d.near(4, 0.5), d.near(0, 3))]
        boxes = [body(d.near(x), 5.4) for x in (0.7, 1.5, 2.3, 3.1)]
        ramps = [body(d.near(3.5, 0.2), d.near(1.8, 0.2)), body(d.near(3.5, 0.2), d.near(4.2, 0.2))]
        return world(self.scenario, hiders + seekers, boxes, ramps, FRAME)

    def play(self):
        ramps = self.object([4, 5])
        leaving = self.step > 25
        beside = torch.tensor([-1.6 if leaving else -0.42, 0.0])
        self.look(self.hiders, ramps)
        self.go(self.hiders, ramps + beside, speed=4.0)
        self.lock(self.hiders)


class QuadrantBringRamp(Script):
    """A hider pulls the ramp through the door into the room."""

    name, scenario = "ramp defence", QUADRANT

    def place(self, d):
        west = d.near(1.6, 0.5)
        hiders = [(3.1, west, WEST), (d.near(5.2), d.near(0.6), WEST)]
        seekers = [
            (d.near(1.0, 0.3), d.near(4.2, 0.3), d.near(0, 3)),
            (d.near(2.2, 0.3), d.near(4.5, 0.5), d.near(0, 3)),
        ]
        boxes = [body(d.near(x), 2.6) for x in (4.4, 5.2)]
        return world(self.scenario, hiders + seekers, boxes, [body(2.62, west)], room(west, d.near(4.9, 0.3)))

    def play(self):
        who = self.hiders[:1]
        ramp = self.object([2])
        done = ramp[..., 0] > 3.9
        self.look(who, yaw=WEST)
        self.grab(who, ~done)
        self.go(who, self.position(who) + torch.tensor([1.0, 0.0]), speed=1.5, where=~done)


class Surf(Script):
    """A seeker that stands on a box grabs it and drives it across the arena."""

    name = "box surfing"

    def place(self, d):
        x, y = d.near(1.5, 0.3), d.near(4.0, 0.3)
        hiders = [(d.near(5.3), d.near(0.6), WEST), (d.near(5.3), d.near(5.2), WEST)]
        seekers = [(x, y + 0.12, SOUTH, 0.65), (d.near(0.6), d.near(0.6), WEST)]
        boxes = [body(x, y), body(d.near(4.0), 5.2), body(d.near(3.0), 5.2), body(d.near(2.0), 0.6)]
        ramps = [body(d.near(0.6), 5.2), body(d.near(3.6), 0.6)]
        return world(self.scenario, hiders + seekers, boxes, ramps, FRAME)

    def play(self):
        if not self.live:
            return
        who = self.seekers[:1]
        self.grab(who)
        self.look(who, self.object([0]))
        self.go(who, torch.tensor([4.0, 2.5]).expand(self.env.num_worlds, 1, 2), speed=2.0)


class LockBoxes(Script):
    """Each hider visits two boxes and locks them."""

    name = "surf defence"

    def place(self, d):
        hiders = [(d.near(1.0, 0.3), d.near(1.6, 0.5), NORTH), (d.near(4.0, 0.3), d.near(1.6, 0.5), NORTH)]
        seekers = [(d.near(2.5, 0.3), d.near(0.7), SOUTH), (d.near(5.2, 0.3), d.near(0.7), SOUTH)]
        boxes = [body(d.near(1 + 1.4 * i), d.near(4.0), half=half) for i, half in enumerate((LONG, CUBE) * 2)]
        ramps = [body(d.near(0.7), 0.7), body(d.near(1.5), 5.4)]
        return world(self.scenario, hiders + seekers, boxes, ramps, FRAME)

    def play(self):
        second = self.state.locks.locked[:, [0, 2]]
        boxes = torch.where(second[..., None], self.object([1, 3]), self.object([0, 2]))
        below = torch.where(second, -0.42, -1.0)
        beside = torch.stack([torch.zeros_like(below), below], dim=-1)
        self.look(self.hiders, boxes)
        self.go(self.hiders, boxes + beside, speed=4.0)
        self.lock(self.hiders)


class RandomPlay(Script):
    """Random actions in the scenario's own layouts: nothing should be found in it."""

    name = "random play"

    def layout(self, worlds, seed):
        return LayoutStream(self.scenario, seed, worlds).draw(torch.arange(worlds))

    def begin(self, worlds):
        super().begin(worlds)
        self.random = RandomPlayer(self.env.action_bins, seed=worlds.num_worlds * worlds.num_agents)
        self.random.begin(worlds)

    def act(self, obs, started):
        return self.random.act(obs, started)


class FullRandomPlay(RandomPlay):
    scenario = scenarios.FULL


class QuadrantRandomPlay(RandomPlay):
    scenario = QUADRANT


FULL_SCRIPTS = (Chase, BlockDoors, Fort, ClimbRamp, LockRamps, Surf, LockBoxes, FullRandomPlay)
QUADRANT_SCRIPTS = (
    QuadrantChase,
    QuadrantBlockDoor,
    QuadrantBlockDoors,
    QuadrantClimbRamp,
    QuadrantBringRamp,
    QuadrantRandomPlay,
)
