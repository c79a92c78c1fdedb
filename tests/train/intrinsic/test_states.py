"""What the state is that counts are kept of, in real worlds."""

import dataclasses

import pytest
import torch

from envs.batch_env import BatchEnv
from envs.scenarios import get
from policies.observation import ObservationSpec
from train.intrinsic import states
from train.intrinsic.networks import flat_size, flatten_observation
from train.intrinsic.set_hash import SetHash

SCENARIO = get("explore/small", hiders=3, boxes=(1, 3), horizon=50)


def everybody(agents, worlds=6):
    return torch.ones(worlds, agents, dtype=torch.bool)


@pytest.fixture(scope="module")
def env():
    env = BatchEnv(SCENARIO, 6, threads=1)
    env.reset()
    return env


@pytest.fixture(scope="module")
def view(env):
    actions = torch.randint(0, 2, (6, 3, 5), generator=torch.Generator().manual_seed(0))
    return env.advance(actions).view


def test_box_positions(env, view):
    positions, there = states.box_positions(view, SCENARIO)["boxes"]
    assert torch.equal(positions, view.pose[:, 3:6, :2])
    assert torch.equal(there, view.present[:, 3:6]) and not there.all()


def test_box_states(env, view):
    features, _ = states.box_states(view, SCENARIO)["boxes"]
    pose, velocity = view.pose[2, 4], view.velocity[2, 4]
    expected = [*pose[:2], pose[3].cos(), pose[3].sin(), velocity[0], velocity[1], velocity[3]]
    assert features[2, 1].tolist() == pytest.approx([float(number) for number in expected])


def test_observation_is_what_the_agents_see(env, view):
    obs = env.observe()
    objects = states.observation(obs, everybody(2))
    assert objects.keys() == {"self", "lidar", "agents", "boxes", "ramps"}
    features, there = objects["boxes"]
    assert torch.equal(features[:, 3:], obs["boxes"][:, 1])
    assert torch.equal(there[:, 3:], obs["boxes_visible"][:, 1])
    assert objects["self"][0].shape == (6, 2, 11)


def test_what_others_observe_is_not_there(env, view):
    obs, who = env.observe(), torch.tensor([True, False, True]).expand(6, 3)
    objects = states.observation(obs, who)
    assert torch.equal(objects["self"][1], who) and torch.equal(objects["lidar"][1], who)
    seen = objects["boxes"][1].unflatten(1, (3, 3))
    assert not seen[:, 1].any()
    assert torch.equal(seen[:, [0, 2]], obs["boxes_visible"][:, [0, 2]])


@pytest.mark.parametrize("representation", ["box_positions", "box_states", "observation"])
def test_sizes_are_those_of_the_states(env, view, representation):
    sizes = states.sizes(representation, env.observation_spec)
    objects = {
        "box_positions": states.box_positions(view, SCENARIO),
        "box_states": states.box_states(view, SCENARIO),
        "observation": states.observation(env.observe(), everybody(3)),
    }[representation]
    assert {kind: features.shape[-1] for kind, (features, _) in objects.items()} == sizes
    assert SetHash(sizes, 32, 0.5, 0)(objects).shape == (6,)


def test_agents_of_a_joint_observation_can_change_places(env, view):
    """The set of what three agents observe has the same code in any order of the agents."""
    hash_ = SetHash(states.sizes("observation", env.observation_spec), 62, 0.5, 0)
    obs = env.observe()
    turned = {key: tensor[:, [2, 0, 1]] for key, tensor in obs.items()}
    codes = {n: [hash_(states.observation(each, everybody(n))) for each in (turned, obs)] for n in (1, 3)}
    assert torch.equal(*codes[3])
    assert not torch.equal(*codes[1])


def test_flat_observations_hide_what_is_not_seen(env, view):
    obs, spec = env.observe(), env.observation_spec
    flat = flatten_observation(obs)
    assert flat.shape == (6, 3, flat_size(ObservationSpec.from_dict(spec)))
    unseen = ~obs["boxes_visible"]
    assert unseen.any()
    changed = {**obs, "boxes": torch.where(unseen[..., None], 99.0, obs["boxes"])}
    assert torch.equal(flatten_observation(changed), flat)


def test_a_scenario_without_lidar():
    env = BatchEnv(dataclasses.replace(SCENARIO, lidar_rays=0), 2, threads=1)
    obs = env.reset()
    assert "lidar" not in states.observation(obs, everybody(1, worlds=2))
    assert "lidar" not in states.sizes("observation", env.observation_spec)
