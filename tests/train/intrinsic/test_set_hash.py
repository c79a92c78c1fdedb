"""Codes of sets of objects."""

import math

import pytest
import torch

from train.intrinsic.set_hash import SetHash

SIZES = {"boxes": 3, "ramps": 5}


def random_objects(worlds, numbers=(4, 2), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {
        kind: (
            5 * torch.rand(worlds, number, size, generator=generator),
            torch.rand(worlds, number, generator=generator) < 0.8,
        )
        for (kind, size), number in zip(SIZES.items(), numbers, strict=True)
    }


def slow_code(hash_, objects, world):
    """The same in plain Python: a loop over bits and objects."""
    code = 0
    for bit in range(len(hash_.powers)):
        total = 0
        for kind, (features, there) in objects.items():
            frequencies, phases = getattr(hash_, f"frequencies_{kind}"), getattr(hash_, f"phases_{kind}")
            for x, is_there in zip(features[world].tolist(), there[world].tolist(), strict=True):
                if is_there:
                    angle = (
                        sum(a * b for a, b in zip(x, frequencies[:, bit].tolist(), strict=True)) + phases[bit].item()
                    )
                    total += math.cos(angle)
        code += (total > 0) << bit
    return code


def test_parity_with_a_plain_loop():
    hash_, objects = SetHash(SIZES, 40, 0.5, seed=3), random_objects(20)
    codes = hash_(objects).tolist()
    assert codes == [slow_code(hash_, objects, world) for world in range(20)]
    assert len(set(codes)) == 20


def test_the_order_of_objects_of_a_kind_has_no_effect():
    hash_, objects = SetHash(SIZES, 62, 0.5, seed=0), random_objects(500)
    codes = hash_(objects)
    for order in ([3, 1, 0, 2], [1, 0, 3, 2]):
        features, there = objects["boxes"]
        shuffled = {**objects, "boxes": (features[:, order], there[:, order])}
        assert torch.equal(hash_(shuffled), codes)


def test_absent_objects_have_no_effect():
    hash_, objects = SetHash(SIZES, 62, 0.5, seed=0), random_objects(50)
    features, there = objects["boxes"]
    moved = torch.where(there[..., None], features, torch.full_like(features, 40.0))
    assert torch.equal(hash_({**objects, "boxes": (moved, there)}), hash_(objects))


@pytest.mark.parametrize(("step", "low", "high"), [(0.0, 0, 0), (0.01, 0, 1), (0.5, 6, 16), (50.0, 12, 20)])
def test_codes_differ_the_more_the_farther_one_object_moves(step, low, high):
    """Bits of 60 that change when one of three boxes moves."""
    hash_ = SetHash({"boxes": 2}, 60, 0.5, seed=0)
    boxes = 6 * torch.rand(400, 3, 2, generator=torch.Generator().manual_seed(1))
    there = torch.ones(400, 3, dtype=torch.bool)
    moved = boxes + torch.tensor([[step, 0.0], [0.0, 0.0], [0.0, 0.0]])
    changed = hash_({"boxes": (boxes, there)}) ^ hash_({"boxes": (moved, there)})
    bits = ((changed[:, None] >> torch.arange(60)) & 1).sum(1).float().mean()
    assert low <= bits <= high


def test_seeds_decide_the_code():
    objects = random_objects(50)
    codes = [SetHash(SIZES, 32, 0.5, seed)(objects) for seed in (0, 0, 1)]
    assert torch.equal(codes[0], codes[1]) and not torch.equal(codes[0], codes[2])
