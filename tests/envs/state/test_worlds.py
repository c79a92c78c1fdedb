"""Reach and sight as worlds wire them: current distances, and what was seen in the previous observation."""

import dataclasses
import math

import torch

from envs.batch_env import BatchEnv
from tests.envs.history import rest
from tests.envs.worlds import body, small, world

EAST = math.pi / 2


class TestManipulation:
    S = small(name="reach", boxes=(0, 1), ramps=1, lock_ramps=False)

    def hold(self, gap, yaw=EAST, scenario=S, **pressed):
        """Agent 0 beside a cube to its east, surface gap ``gap`` from the agent's centre; what one step decides."""
        env = BatchEnv(scenario, 1, threads=1)
        env.reset(world(scenario, [(3.0, 3.0, yaw)], [body(3.25 + gap, 3.0)], [body(9.0, 9.0)]))
        actions = rest(env)
        actions[0, 0, 3], actions[0, 0, 4] = pressed.get("grab", 1), pressed.get("lock", 1)
        env.step(actions)
        state = env.get_state(torch.tensor([0]))
        return state.grabs.holding[0, 0].item() == 0, state.locks.locked[0, 0].item()

    def test_within_25_centimetres(self):
        assert self.hold(0.249) == (True, True)
        assert self.hold(0.251) == (False, False)

    def test_only_what_is_seen(self):
        assert self.hold(0.2, yaw=-EAST) == (False, False)
        unseen = dataclasses.replace(self.S, grab_unseen=True)
        assert self.hold(0.2, yaw=-EAST, scenario=unseen) == (True, False)
        unseen = dataclasses.replace(self.S, lock_unseen=True)
        assert self.hold(0.2, yaw=-EAST, scenario=unseen) == (False, True)

    def test_no_locks_in_the_preparation_phase(self):
        """80 steps, of which 2 are preparation: the third press is the first that counts."""
        s = dataclasses.replace(self.S, preparation_fraction=0.025, lock_in_preparation=False)
        env = BatchEnv(s, 1, threads=1)
        env.reset(world(s, [(3.0, 3.0, EAST)], [body(3.45, 3.0)], [body(9.0, 9.0)]))
        actions = rest(env)
        actions[0, 0, 4] = 1
        locked = []
        for _ in range(3):
            env.step(actions)
            locked.append(env.get_state(torch.tensor([0])).locks.locked[0, 0].item())
        assert locked == [False, False, True]

    def test_only_when_pressed(self):
        assert self.hold(0.2, grab=0) == (False, True)
        assert self.hold(0.2, lock=0) == (True, False)

    def test_absent_boxes_and_unlockable_kinds(self):
        for lock_ramps in (False, True):
            s = dataclasses.replace(self.S, lock_ramps=lock_ramps)
            env = BatchEnv(s, 1, threads=1)
            env.reset(world(s, [(3.0, 2.6, math.pi)], [None], [body(3.0, 3.0)]))
            actions = rest(env)
            actions[0, 0, 3:] = 1
            env.step(actions)
            state = env.get_state(torch.tensor([0]))
            assert state.grabs.holding[0, 0] == 1
            assert state.locks.locked[0].tolist() == [False, lock_ramps]

    def test_holding_ends_when_sight_is_lost(self):
        """What was visible in the previous observation decides, not what is visible now."""
        env = BatchEnv(self.S, 1, threads=1)
        env.reset(world(self.S, [(3.0, 3.0, EAST)], [body(3.45, 3.0)], [body(9.0, 9.0)]))
        one = torch.tensor([0])
        actions = rest(env)
        actions[0, 0, 3] = 1
        env.step(actions)
        state = env.get_state(one)
        assert state.grabs.holding[0, 0] == 0
        state.visible[0, 0, 2] = False
        env.set_state(one, state)
        env.step(actions)
        assert env.get_state(one).grabs.holding[0, 0] == -1
        env.step(actions)
        assert env.get_state(one).grabs.holding[0, 0] == 0, "seen again"
