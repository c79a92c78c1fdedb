"""What the mujoco_warp engine promises beyond the contract, and that it agrees with MuJoCo. On warp's CPU device."""

import dataclasses

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.errors import UserError
from envs.physics import make_engine
from envs.scenarios import FULL, QUADRANT
from envs.scene import AGENT_RADIUS
from tests.envs.busy import BusyAgents, play
from tests.envs.worlds import Driver, body, build_scene, needs_warp, small, world

pytestmark = [needs_warp, pytest.mark.warp]

WORLDS = 8
STEPS = 40
JITTER = 1e-6
"""Metres and radians; float32 resolves positions in the arena no better."""
CALM = 1e-4
"""MuJoCo's own change after one step under JITTER, above which a contact is too close to call."""


@pytest.fixture(scope="module", params=[FULL, QUADRANT], ids=lambda s: s.name.rpartition("/")[2])
def pairs(request):
    """Busy play on MuJoCo. Every step is repeated from the same state by mujoco_warp and by MuJoCo from a jittered one.

    Returns:
      One tuple per step: states after it from MuJoCo, mujoco_warp and MuJoCo jittered; (W, E) present.
    """
    scenario = dataclasses.replace(request.param, preparation_fraction=0.0)
    mujoco, jittered = (BatchEnv(scenario, WORLDS, seed=3, threads=1) for _ in range(2))
    warp = BatchEnv(scenario, WORLDS, seed=3, engine="warp")
    envs = (mujoco, warp, jittered)
    for env in envs:
        env.reset()
    players, generator, everywhere = BusyAgents(mujoco, seed=1), torch.Generator().manual_seed(0), torch.arange(WORLDS)
    steps = []
    for _ in range(STEPS):
        state, actions = mujoco.get_state(everywhere), players.act()
        warp.set_state(everywhere, state)
        noise = JITTER * torch.randn(state.pose.shape, generator=generator)
        jittered.set_state(everywhere, dataclasses.replace(state, pose=state.pose + noise))
        for env in (warp, jittered):
            env._generator.set_state(mujoco._generator.get_state())
        for env in envs:
            env.advance(actions)
        steps.append((*(env.get_state(everywhere) for env in envs), mujoco._worlds.present.clone()))
    warp.engine.check_overflow()
    return mujoco, warp, steps


class TestAgreementWithMuJoCo:
    def test_poses_one_step_ahead(self, pairs):
        """All within 1 mm where MuJoCo itself is sure; where it is not, no more often off than MuJoCo jittered."""
        _, _, steps = pairs
        present = torch.stack([s[3] for s in steps])
        pose, ours, shaken = (torch.stack([s[i].pose for s in steps]) for i in range(3))
        error, own = ((pose - other).abs().amax(-1)[present] for other in (ours, shaken))
        calm = own < CALM
        print(f"{len(error)} body-steps, over 1e-3: {(error > 1e-3).sum()}, jittered MuJoCo: {(own > 1e-3).sum()}")
        assert calm.float().mean() > 0.95
        assert (error[calm] <= 1e-3).float().mean() > 0.995
        assert (error <= 1e-3).float().mean() > 0.98

    def test_grabs_and_locks(self, pairs):
        for mujoco, warp, _, _ in pairs[2]:
            assert torch.equal(mujoco.grabs.holding, warp.grabs.holding)
            assert torch.equal(mujoco.locks.locked, warp.locks.locked)
            assert torch.equal(mujoco.locks.locker, warp.locks.locker)
        assert any((s[0].grabs.holding >= 0).any() for s in pairs[2])

    def test_lidar_and_visibility(self, pairs):
        mujoco, warp, steps = pairs
        everywhere, differing, compared = torch.arange(WORLDS), 0, 0
        for state, _, _, _ in steps[::5]:
            ours, theirs = (env.set_state(everywhere, state) for env in (warp, mujoco))
            assert (ours["lidar"] - theirs["lidar"]).abs().max() < 5e-3
            for name in (n for n in ours if n.endswith("_visible")):
                differing += int((ours[name] != theirs[name]).sum())
                compared += ours[name].numel()
        assert differing <= 1e-3 * compared


@pytest.mark.slow
def test_sanity_of_rough_play():
    env = BatchEnv(dataclasses.replace(QUADRANT, preparation_fraction=0.0), 32, seed=7, engine="warp")
    counts = play(env, 2_000, seed=5)
    env.engine.check_overflow()
    print(counts)
    assert counts.top_speed < 25.0
    assert counts.worlds_broken == 0


def test_stiff_contacts_of_low_friction_do_not_end_in_nan():
    """An agent drives up a ramp that slides along a wall: friction 0.01 everywhere, beside a held locked box."""
    s = small(boxes=(0, 1), ramps=1, wall_friction=0.01)
    starts = [3.0 + 0.02 * i for i in range(24)]
    layouts = [
        world(s, [(3.0, 4.0 + 0.01 * i), (2.5, 5.45)], [body(2.5, 5.0)], [body(x, 2.95)], [(3.0, 2.65, 1.0, 0.05, 0.5)])
        for i, x in enumerate(starts)
    ]
    engine = make_engine(build_scene(s), len(layouts), "cpu", engine="warp")
    engine.reset(torch.arange(len(layouts)), type(layouts[0]).stack(layouts))
    driver = Driver(engine)
    for w in range(len(layouts)):
        driver.lock(w, 0)
        driver.grab(w, 1, 0)
    for _ in range(12):
        driver.drive([[[0, -5, 3], [2, 2, 0]]] * len(layouts))
        assert not engine.diverged.any()


class TestOverflow:
    @pytest.mark.parametrize("field", ["max_contacts", "max_constraints"])
    def test_names_the_field_and_the_number(self, field):
        s = small(boxes=(0, 2), **{field: 5})
        engine = make_engine(build_scene(s), 2, "cpu", engine="warp")
        layout = world(s, boxes=[body(3.0, 3.0), body(5.0, 5.0)])
        engine.reset(torch.arange(2), type(layout).stack([layout] * 2))
        Driver(engine).drive([[0, 0, 0]] * 2, 2)
        with pytest.raises(UserError, match=rf"{field} = 5 .*--scenario.{field.replace('_', '-')} 8,"):
            engine.check_overflow()
        engine.check_overflow()


def test_rays_of_any_length_meet_ramps():
    s = small(ramps=1)
    engine = make_engine(build_scene(s), 1, "cpu", engine="warp")
    engine.reset(torch.arange(1), world(s, ramps=[body(3.0, 3.0, yaw=0.3)]))
    origin = torch.tensor([[[1.0, 2.2, 0.4]]]).expand(1, 3, 3)
    aim = (torch.tensor([3.0, 3.0, 0.16]) - origin) * torch.tensor([0.1, 1.0, 7.0])[None, :, None]
    distance, entity = engine.rays(torch.arange(1), origin, aim, torch.full((3,), -1))
    assert (entity == 2).all()
    assert torch.allclose(distance * torch.tensor([0.1, 1.0, 7.0]), distance[:, 1:2], atol=1e-5)


def test_rays_that_graze_a_sphere():
    """From 8 m away, 4 micrometres inside an agent's silhouette and 4 outside."""
    s = small()
    engine = make_engine(build_scene(s), 1, "cpu", engine="warp")
    engine.reset(torch.arange(1), world(s, [(5.0, 5.0)]))
    centre = engine.pose[0, 0, :3].double()
    angles = torch.arange(0.0, 2 * torch.pi, 0.05, dtype=torch.float64)
    direction = torch.stack([angles.cos(), angles.sin(), torch.zeros_like(angles)], dim=-1)
    aside = torch.stack([-angles.sin(), angles.cos(), torch.zeros_like(angles)], dim=-1)
    for margin, hit in ((-4e-6, True), (4e-6, False)):
        origin = (centre - 8 * direction + (AGENT_RADIUS + margin) * aside).float()[None]
        _, entity = engine.rays(torch.arange(1), origin, direction.float()[None], torch.full((len(angles),), -1))
        assert ((entity == 0) == hit).all()


def test_the_gpu_in_use_has_a_number(monkeypatch):
    from envs.physics.warp_model import _numbered

    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    names = {name: str(_numbered(torch.device(name))) for name in ("cuda", "cuda:1", "cpu")}
    assert names == {"cuda": "cuda:3", "cuda:1": "cuda:1", "cpu": "cpu"}
