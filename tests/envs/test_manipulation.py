import itertools
import math

import pytest
import torch
from torch.testing import assert_close

from envs.manipulation import Grabs, Locks, distance_to_objects, update_grabs, update_locks

LOCK_TYPES = ("any_lock", "all_lock", "any_lock_specific", "all_lock_team_specific")
TEAM = [0, 0, 1, 1]
AWAY, IDLE, PRESSING = range(3)  # What an agent is to an object: out of reach, in N, in D.


def rule(lock_type, agents, locked, locker):
    """Rule 5.4 in words, one object. Returns (locked, possible lockers)."""
    pressing = [a for a, state in enumerate(agents) if state == PRESSING]  # D
    idle = [a for a, state in enumerate(agents) if state == IDLE]  # N
    if lock_type == "any_lock":
        lock, unlock = bool(pressing), bool(idle) and not pressing
    elif lock_type == "all_lock":
        lock, unlock = bool(pressing) and not idle, bool(idle)
    elif lock_type == "any_lock_specific":
        lock, unlock = bool(pressing), locker in idle and not pressing
        if locked and locker in idle and pressing:
            return True, pressing
    else:
        vetoing = [a for a in idle if TEAM[a] == TEAM[locker]]  # N'
        lock, unlock = bool(pressing) and not vetoing, bool(vetoing)
    if locked:
        return not unlock, [locker]
    return (True, pressing) if lock else (False, [locker])


def decide(lock_type, agents, locked, locker, draw=None):
    """The same by update_locks: one object in one world."""
    agents = torch.tensor(agents)
    team = torch.tensor(TEAM[: len(agents)] if len(agents) == 4 else [0, 1])
    before = Locks(torch.tensor([[locked]]), torch.tensor([[locker]]), torch.tensor([[[9.0, 9.0, 9.0, 9.0]]]))
    pose = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    draw = torch.rand(1, len(agents), 1) if draw is None else torch.tensor(draw).view(1, -1, 1)
    wants = (agents == PRESSING)[None]
    return update_locks(before, wants, (agents != AWAY).view(1, -1, 1), pose, team, lock_type, draw)


class TestLockTruthTable:
    @pytest.mark.parametrize("lock_type", LOCK_TYPES)
    def test_every_case(self, lock_type):
        """Four agents, each away, idle or pressing; locked or not; every recorded locker: 648 cases in one batch."""
        cases = list(itertools.product(itertools.product(range(3), repeat=4), (False, True), range(4)))
        agents = torch.tensor([c[0] for c in cases])
        before = Locks(
            torch.tensor([[c[1]] for c in cases]),
            torch.tensor([[c[2]] for c in cases]),
            torch.full((len(cases), 1, 4), 9.0),
        )
        pose = torch.arange(len(cases)).float()[:, None, None].expand(-1, 1, 4)
        generator = torch.Generator().manual_seed(0)
        draw = torch.rand(len(cases), 4, 1, generator=generator)
        within = (agents != AWAY)[..., None]
        wants = agents != IDLE  # Those that are away press as well: it must not count.
        after = update_locks(before, wants, within, pose, torch.tensor(TEAM), lock_type, draw)
        for i, (states, locked, locker) in enumerate(cases):
            expected, lockers = rule(lock_type, states, locked, locker)
            assert after.locked[i].item() == expected, cases[i]
            assert after.locker[i].item() in lockers, cases[i]
            held_at = float(i) if expected and not locked else 9.0
            assert after.pose[i].unique().tolist() == [held_at], cases[i]

    @pytest.mark.parametrize(
        "hider, seeker, expected",
        [(PRESSING, IDLE, True), (IDLE, PRESSING, False), (PRESSING, PRESSING, True), (IDLE, IDLE, False)],
    )
    def test_verified_outcomes_of_a_box_that_nobody_ever_locked(self, hider, seeker, expected):
        """One hider, one seeker, both in reach: a hider that does not press vetoes, a seeker does not."""
        after = decide("all_lock_team_specific", [hider, seeker], False, 0)
        assert after.locked.item() == expected

    @pytest.mark.parametrize("draw, locker", [((0.9, 0.1), 0), ((0.1, 0.9), 1)])
    def test_both_press_and_chance_says_who_locked(self, draw, locker):
        after = decide("all_lock_team_specific", [PRESSING, PRESSING], False, 0, draw)
        assert after.locked.item()
        assert after.locker.item() == locker
        # Then the locker's team idles while the other presses: unlocked. The other way round it stays.
        idle, pressing = [PRESSING, PRESSING], [IDLE, IDLE]
        idle[locker], pressing[locker] = IDLE, PRESSING
        assert not decide("all_lock_team_specific", idle, True, locker).locked.item()
        assert decide("all_lock_team_specific", pressing, True, locker).locked.item()

    def test_the_locker_is_remembered_after_unlocking(self):
        """Once seekers locked it, only seekers can veto."""
        unlocked = decide("all_lock_team_specific", [AWAY, IDLE], True, 1)
        assert not unlocked.locked.item()
        assert unlocked.locker.item() == 1
        assert decide("all_lock_team_specific", [IDLE, PRESSING], False, 1).locked.item()
        assert not decide("all_lock_team_specific", [PRESSING, IDLE], False, 1).locked.item()

    def test_every_presser_can_be_drawn(self):
        generator = torch.Generator().manual_seed(1)
        draw = torch.rand(3000, 3, 1, generator=generator)
        wants = torch.tensor([[True, False, True]]).expand(3000, -1)
        within = torch.ones(3000, 3, 1, dtype=torch.bool)
        locks = Locks.none(3000, 1, torch.device("cpu"))
        after = update_locks(locks, wants, within, torch.zeros(3000, 1, 4), torch.tensor([0, 0, 1]), "any_lock", draw)
        share = (after.locker == 2).float().mean().item()
        assert abs(share - 0.5) < 0.03
        assert not (after.locker == 1).any()

    def test_objects_and_worlds_are_independent(self):
        """A batch gives what its single objects give."""
        generator = torch.Generator().manual_seed(2)
        wants = torch.rand(5, 4, generator=generator) > 0.5
        within = torch.rand(5, 4, 3, generator=generator) > 0.4
        draw = torch.rand(5, 4, 3, generator=generator)
        before = Locks(
            torch.rand(5, 3, generator=generator) > 0.5,
            torch.randint(4, (5, 3), generator=generator),
            torch.rand(5, 3, 4, generator=generator),
        )
        pose, team = torch.rand(5, 3, 4, generator=generator), torch.tensor(TEAM)
        for lock_type in LOCK_TYPES:
            after = update_locks(before, wants, within, pose, team, lock_type, draw)
            for w in range(5):
                for o in range(3):
                    one = Locks(*(v[w : w + 1, o : o + 1] for v in (before.locked, before.locker, before.pose)))
                    alone = update_locks(
                        one,
                        wants[w : w + 1],
                        within[w : w + 1, :, o : o + 1],
                        pose[w : w + 1, o : o + 1],
                        team,
                        lock_type,
                        draw[w : w + 1, :, o : o + 1],
                    )
                    assert after.locked[w, o] == alone.locked.item()
                    assert after.locker[w, o] == alone.locker.item()
                    assert torch.equal(after.pose[w, o], alone.pose[0, 0])

    def test_no_objects(self):
        locks = Locks.none(2, 0, torch.device("cpu"))
        wants, within = torch.ones(2, 4).bool(), torch.ones(2, 4, 0).bool()
        after = update_locks(locks, wants, within, torch.zeros(2, 0, 4), torch.tensor(TEAM), "any_lock", within.float())
        assert after.locked.shape == (2, 0)


class TestDistance:
    CASES = (
        # agent, object (x, y, z, yaw), half size, distance
        ((1.0, 0.0, 0.25), (0, 0, 0.25, 0), (0.25, 0.25, 0.25), 0.75),
        ((1.0, 1.0, 0.25), (0, 0, 0.25, 0), (0.25, 0.25, 0.25), 0.75 * math.sqrt(2)),
        ((1.0, 1.0, 1.0), (0, 0, 0.0, 0), (0.25, 0.25, 0.25), 0.75 * math.sqrt(3)),
        ((0.1, -0.2, 0.2), (0, 0, 0.25, 0), (0.25, 0.25, 0.25), 0.0),
        ((1.0, 0.0, 0.25), (0, 0, 0.25, math.pi / 4), (0.25, 0.25, 0.25), 1.0 - 0.25 * math.sqrt(2)),
        ((0.0, 1.0, 0.25), (0, 0, 0.25, math.pi / 2), (0.825, 0.075, 0.25), 0.175),
        ((1.0, 0.0, 0.25), (0, 0, 0.25, math.pi / 2), (0.825, 0.075, 0.25), 0.925),
        # In the box's frame the agent is at sqrt(1.25), 26.565 - 30 degrees.
        ((1.0, 0.5, 0.25), (0, 0, 0.25, math.pi / 6), (0.825, 0.075, 0.25), 1.116025 - 0.825),
        ((5.0, 3.0, 0.15), (4.0, 3.0, 0.25, 0), (0.2357023, 0.25, 0.3535534), 1.0 - 0.2357023),
        ((4.0, 3.0, 0.65), (4.0, 3.0, 0.25, 0.3), (0.25, 0.25, 0.25), 0.15),
    )

    @pytest.mark.parametrize("agent, pose, half, expected", CASES)
    def test_hand_computed(self, agent, pose, half, expected):
        distance = distance_to_objects(
            torch.tensor([[agent]]), torch.tensor([[pose]], dtype=torch.float32), torch.tensor([[half]])
        )
        assert distance.shape == (1, 1, 1)
        assert abs(distance.item() - expected) < 1e-5

    def test_all_pairs_of_a_batch(self):
        agents = torch.tensor([[[0.0, 0, 0], [1.0, 0, 0]], [[2.0, 0, 0], [3.0, 0, 0]]])
        objects = torch.zeros(2, 3, 4)
        objects[:, :, 0] = torch.tensor([4.0, 5.0, 6.0])
        distance = distance_to_objects(agents, objects, torch.full((2, 3, 3), 0.5))
        expected = [[[3.5, 4.5, 5.5], [2.5, 3.5, 4.5]], [[1.5, 2.5, 3.5], [0.5, 1.5, 2.5]]]
        assert_close(distance, torch.tensor(expected))


class TestGrabs:
    """Two agents, three objects."""

    def setup_method(self):
        self.pose = torch.tensor(
            [
                [
                    [0, 0, 0.15, math.pi / 2],
                    [9, 9, 0.15, 0],
                    [0.45, 0, 0.25, 0.3],
                    [0.0, 0.5, 0.25, 0],
                    [-0.5, 0, 0.25, 0],
                ]
            ]
        )
        self.distance = torch.tensor([[[0.20, 0.10, 0.15], [5.0, 5.0, 0.01]]])
        self.allowed = torch.ones(1, 2, 3, dtype=torch.bool)
        self.wants = torch.ones(1, 2, dtype=torch.bool)
        self.empty = Grabs.none(1, 2, torch.device("cpu"))

    def update(self, grabs=None, **changes):
        values = {n: changes.get(n, getattr(self, n)) for n in ("wants", "allowed", "distance", "pose")}
        return update_grabs(grabs or self.empty, values["wants"], values["allowed"], values["distance"], values["pose"])

    def test_takes_the_closest(self):
        assert self.update().holding.tolist() == [[1, 2]]

    def test_only_allowed_objects(self):
        allowed = torch.tensor([[[True, False, False], [False, False, False]]])
        assert self.update(allowed=allowed).holding.tolist() == [[0, -1]]

    def test_only_when_pressing(self):
        assert self.update(wants=torch.tensor([[False, True]])).holding.tolist() == [[-1, 2]]

    def test_several_agents_may_hold_one_object(self):
        allowed = torch.tensor([[[False, False, True]] * 2])
        assert self.update(allowed=allowed).holding.tolist() == [[2, 2]]

    def test_relative_pose_in_the_agents_frame(self):
        """The agent faces +x (yaw pi/2): an object 0.45 m to its east lies at (0, -0.45) in its frame."""
        grabs = self.update(allowed=torch.tensor([[[True, False, False]] * 2]))
        assert_close(grabs.offset[0, 0], torch.tensor([0.0, -0.45, 0.1]), rtol=0, atol=1e-6)
        assert abs(grabs.yaw[0, 0].item() - (0.3 - math.pi / 2)) < 1e-6

    def test_keeps_the_first_relative_pose_while_the_object_stays_the_same(self):
        allowed = torch.tensor([[[True, False, False]] * 2])
        first = self.update(allowed=allowed)
        moved = self.pose.clone()
        moved[0, 2] += torch.tensor([0.05, 0.1, 0.2, 0.4])
        second = self.update(first, allowed=allowed, pose=moved)
        assert torch.equal(second.offset, first.offset)
        assert torch.equal(second.yaw, first.yaw)

    def test_captures_anew_for_another_object_and_after_letting_go(self):
        allowed = torch.tensor([[[True, False, False]] * 2])
        first = self.update(allowed=allowed)
        moved = self.pose.clone()
        moved[0, 2, 0] += 0.05
        other = self.update(first, pose=moved)
        assert other.holding[0, 0] == 1
        assert_close(other.offset[0, 0], torch.tensor([0.5, 0.0, 0.1]), rtol=0, atol=1e-6)
        released = self.update(first, allowed=allowed, pose=moved, wants=torch.zeros(1, 2, dtype=torch.bool))
        again = self.update(released, allowed=allowed, pose=moved)
        assert_close(again.offset[0, 0], torch.tensor([0.0, -0.5, 0.1]), rtol=0, atol=1e-6)

    def test_no_objects(self):
        none = torch.zeros(1, 2, 0)
        grabs = self.update(allowed=none.bool(), distance=none, pose=self.pose[:, :2])
        assert grabs.holding.tolist() == [[-1, -1]]
