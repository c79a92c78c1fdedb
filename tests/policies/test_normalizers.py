"""Running normalisers against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch

from policies.normalizers import Normalizer, ObservationNormalizer
from policies.observation import ObservationSpec


def test_first_batch_gives_its_own_statistics():
    """The correction for the start at zero makes one batch count fully, in spite of the tiny step of 1e-5."""
    normalizer = Normalizer(2)
    normalizer.update(torch.tensor([[1.0, 10.0], [3.0, 20.0]]))
    torch.testing.assert_close(normalizer.mean, torch.tensor([2.0, 15.0]))
    torch.testing.assert_close(normalizer.std, torch.tensor([1.0, 5.0]))


def test_two_batches_hand_computed():
    """With decay 0.5 the newer of two batches weighs 2/3: mean (1 * 0 + 2 * 3) / 3, mean square (0 + 2 * 9) / 3."""
    normalizer = Normalizer(1, decay=0.5)
    normalizer.update(torch.zeros(4, 1))
    normalizer.update(torch.full((7, 1), 3.0))
    torch.testing.assert_close(normalizer.mean, torch.tensor([2.0]))
    torch.testing.assert_close(normalizer.std, torch.tensor([2.0**0.5]))


def test_slow_decay_is_nearly_the_average_of_all_batches():
    normalizer = Normalizer(1)
    for value in range(101):
        normalizer.update(torch.full((3, 1), float(value)))
    assert normalizer.mean.item() == pytest.approx(50.0, abs=0.05)


def test_standard_deviation_has_a_floor():
    normalizer = Normalizer(1)
    normalizer.update(torch.full((5, 1), 7.0))
    torch.testing.assert_close(normalizer.normalize(torch.tensor([7.2])), torch.tensor([2.0]), atol=1e-4, rtol=0)


def test_denormalize_inverts_normalize():
    normalizer = Normalizer(3)
    normalizer.update(torch.randn(50, 3) * 4 + 2)
    values = torch.randn(6, 3)
    torch.testing.assert_close(normalizer.denormalize(normalizer.normalize(values)), values)


def test_large_offsets_keep_their_variance():
    """A feature such as an unwrapped angle, far from zero, still gets the variance it has."""
    normalizer = Normalizer(1)
    normalizer.update(200.0 + torch.tensor([[-1.0], [1.0]]).repeat(1000, 1))
    assert normalizer.std.item() == pytest.approx(1.0, rel=1e-2)


class TestObservationNormalizer:
    SPEC = ObservationSpec(1, 2, {"boxes": (2, 1)})

    def observation(self) -> dict[str, torch.Tensor]:
        return {
            "self": torch.tensor([[0.0], [100.0]]),
            "lidar": torch.tensor([[0.0, 2.0], [4.0, 6.0]]),
            "boxes": torch.tensor([[[1.0], [3.0]], [[1.0], [3.0]]]),
            "boxes_visible": torch.tensor([[True, False], [False, False]]),
            "boxes_present": torch.tensor([[True, True], [True, False]]),
        }

    def test_entities_and_rays_share_statistics_and_masks_stay(self):
        normalizer = ObservationNormalizer(self.SPEC)
        observation = self.observation()
        normalizer.update(observation)
        result = normalizer(observation)
        torch.testing.assert_close(result["self"], torch.tensor([[-1.0], [1.0]]))
        torch.testing.assert_close(result["lidar"], (observation["lidar"] - 3.0) / 5.0**0.5)
        torch.testing.assert_close(result["boxes"][0], torch.tensor([[-1.0], [1.0]]))
        assert result["boxes_visible"] is observation["boxes_visible"]

    def test_forward_clips_and_does_not_learn(self):
        normalizer = ObservationNormalizer(self.SPEC)
        before = {name: tensor.clone() for name, tensor in normalizer.state_dict().items()}
        assert normalizer(self.observation())["self"].max() == 5.0
        for name, tensor in normalizer.state_dict().items():
            assert torch.equal(tensor, before[name])


def test_fitting_gives_statistics_only_to_what_has_none():
    spec = ObservationSpec(1, 0, {"boxes": (1, 1)})
    masks = {name: torch.ones(2, 1, dtype=torch.bool) for name in ("boxes_visible", "boxes_present")}
    first, second = (
        {"self": torch.tensor([[x], [x + 2]]), "boxes": torch.tensor([[[x]], [[x + 2]]])} | masks for x in (1.0, 9.0)
    )
    normalizer = ObservationNormalizer(spec)
    assert not normalizer.fitted
    normalizer._of("self").update(first["self"])
    assert not normalizer.fitted
    normalizer.fit(second)
    assert normalizer.fitted
    assert (normalizer._of("self").mean, normalizer._of("boxes").mean) == (2.0, 10.0)
    normalizer.fit(first)
    assert normalizer._of("boxes").mean == 10.0


def test_parts_of_a_batch_give_the_statistics_of_the_whole():
    """Parts of 1 and 4 rows: the mean of their means would be another one."""
    batch = torch.randn(5, 3, dtype=torch.float64).float()
    sums = []
    for part in (batch[:1], batch[1:]):
        Normalizer(3).update(part, lambda own: sums.append(own) or own)
    whole, shared = Normalizer(3), Normalizer(3)
    whole.update(batch)
    shared.update(batch[:1], lambda _: sums[0] + sums[1])
    torch.testing.assert_close(whole.mean, shared.mean)
    torch.testing.assert_close(whole.std, shared.std)
