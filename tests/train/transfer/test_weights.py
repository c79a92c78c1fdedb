"""Weights that move to another task's network: exact where they are copied, named where they are not."""

import dataclasses

import pytest
import torch

from envs.errors import UserError
from envs.scenarios import QUICKSTART, get
from train.config.task_presets import TASKS, task_config
from train.transfer.inputs import same_inputs
from train.transfer.weights import transfer_weights

from .small import NETWORK, policy_for

FRESH = {
    *(f"{tower}.output_norm.{part}" for tower in ("actor", "critic") for part in ("weight", "bias")),
    *(f"{head}.{part}" for head in ("action_head.linear", "value_head") for part in ("weight", "bias")),
    *(f"value_normalizer.{part}" for part in ("mean_average", "square_average", "debias", "mean", "std")),
}


def trained(scenario=QUICKSTART, seed=1):
    """A policy none of whose numbers is that of a fresh one."""
    torch.manual_seed(seed)
    policy = policy_for(scenario)
    for tensor in policy.state_dict().values():
        tensor.add_(torch.rand_like(tensor))
    return policy


def move(source, target):
    return transfer_weights(target, source.state_dict(), source.spec, "here.safetensors")


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_a_copy_but_for_what_is_listed(task):
    """Bit by bit; blocks of rows of the encoder's own_dense are checked one by one below."""
    source = trained()
    fresh = policy_for(same_inputs(task_config(task, "small").scenario, QUICKSTART))
    before = {name: tensor.clone() for name, tensor in fresh.state_dict().items()}
    moved = move(source, fresh)
    assert set(moved.reinitialised) == FRESH
    assert moved.left_out == ()
    for name, tensor in moved.tensors.items():
        if name in FRESH or name in moved.new:
            assert torch.equal(tensor, before[name]), name
        elif "own_dense" not in name:
            assert name in moved.copied
            assert torch.equal(tensor, source.state_dict()[name]), name
            assert not torch.equal(tensor, before[name]) or not tensor.numel(), name
    assert all("sites" in name for name in moved.new) and bool(moved.new) == (task == "blueprint")
    for name, tensor in fresh.state_dict().items():
        assert torch.equal(tensor, before[name]), name  # What was given stays as it is.
    fresh.load_state_dict(moved.tensors)
    listed = sorted(name.partition("[")[0] for name in (*moved.copied, *moved.reinitialised, *moved.new))
    assert set(listed) == set(fresh.state_dict())


def test_blocks_of_the_encoder_go_to_their_kind():
    """8 rows a kind. Source: agents, boxes, ramps, self; target: agents, boxes, ramps, sites, self."""
    source = trained()
    fresh = policy_for(same_inputs(task_config("blueprint", "small").scenario, QUICKSTART))
    assert list(source.spec.entities) == ["agents", "boxes", "ramps"]
    assert list(fresh.spec.entities) == ["agents", "boxes", "ramps", "sites"]
    moved = move(source, fresh)
    for tower in ("actor", "critic"):
        for part in ("weight", "bias"):
            name = f"{tower}.encoder.own_dense.{part}"
            old, new, begun = source.state_dict()[name], moved.tensors[name], fresh.state_dict()[name]
            assert torch.equal(new[:24], old[:24])
            assert torch.equal(new[24:32], begun[24:32])
            assert torch.equal(new[32:], old[24:])
            assert f"{name}[sites]" in moved.new and f"{name}[self]" in moved.copied
    assert {n for n in moved.new if "own_dense" not in n} == {
        *(f"{tower}.encoder.entity_dense.of_sites.weight" for tower in ("actor", "critic")),
        *(
            f"observation_normalizer.normalizers.of_sites.{part}"
            for part in ("mean_average", "square_average", "debias", "mean", "std")
        ),
    }


def test_what_a_task_lacks_is_left_out_by_name():
    """Food is not padded: nothing of its encoder is of use."""
    source = trained(get("hide-and-seek/food"))
    fresh = policy_for(same_inputs(get("shelter"), get("hide-and-seek/food")))
    moved = move(source, fresh)
    assert "actor.encoder.entity_dense.of_food.weight" in moved.left_out
    assert "actor.encoder.own_dense.weight[food]" in moved.left_out
    assert all("food" in name for name in moved.left_out)
    old, new = (policy["actor.encoder.own_dense.weight"] for policy in (source.state_dict(), moved.tensors))
    assert torch.equal(new, torch.cat([old[:24], old[32:]]))  # agents, boxes, ramps, food, self


def test_the_same_inputs_give_the_same_features():
    """With the final layer norm copied too, LSTM features of a task's observations are the source's."""
    source = trained()
    task = same_inputs(task_config("lock-and-return", "small").scenario, QUICKSTART)
    fresh = policy_for(task)
    tensors = move(source, fresh).tensors
    fresh.load_state_dict(tensors | {n: t for n, t in source.state_dict().items() if "output_norm" in n})
    shapes = source.spec.shapes
    observation = {name: torch.rand(5, *shape) for name, shape in shapes.items()}
    observation |= {name: torch.rand(5, *shapes[name]) > 0.5 for name in source.spec.masks}
    mine = dict(observation)
    for name in ("boxes", "boxes_visible", "boxes_present"):
        mine[name] = observation[name][:, :1]  # One box; the source's second is hidden and absent.
    for mask in ("boxes_visible", "boxes_present"):
        observation[mask][:, 1:] = False
    resets = torch.zeros(5, dtype=torch.bool)
    for tower in ("actor", "critic"):
        features = []
        for policy, obs in ((source, observation), (fresh, mine)):
            state = (torch.ones(5, 8), torch.ones(5, 8))
            with torch.no_grad():
                features.append(getattr(policy, tower).step(policy.observation_normalizer(obs), state, resets)[0])
        torch.testing.assert_close(*features)


@pytest.mark.parametrize(
    "source, words",
    [
        (
            {"network": dataclasses.replace(NETWORK, lstm_size=16)},
            r"weight_ih_l0' has shape \(64, 8\).*expected \(32, 8\)",
        ),
        ({"heading_features": "raw"}, r"of_self.mean_average' has shape \(10,\)"),
        ({"lock_boxes": False}, r"of_boxes.mean_average' has shape \(11,\) \(float64\), expected \(14,\)"),
        ({"lidar_rays": 0}, "has no tensor 'observation_normalizer.normalizers.of_lidar.mean_average'"),
    ],
)
def test_what_does_not_fit_is_named(source, words):
    network = source.pop("network", NETWORK)
    weights = policy_for(dataclasses.replace(QUICKSTART, **source), network)
    with pytest.raises(UserError, match=f"here.safetensors does not fit: .*{words}"):
        move(weights, policy_for(same_inputs(get("shelter"), QUICKSTART)))


def test_nothing_is_skipped_silently():
    """A tensor too many that belongs to no kind is refused."""
    source, fresh = trained(), policy_for(same_inputs(get("shelter"), QUICKSTART))
    tensors = source.state_dict() | {"actor.another.weight": torch.zeros(2)}
    with pytest.raises(UserError, match=r"'actor.another.weight' of shape \(2,\) is not expected"):
        transfer_weights(fresh, tensors, source.spec, "here.safetensors")
