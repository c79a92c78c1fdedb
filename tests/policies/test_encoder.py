"""Entity embeddings and the lidar convolution against slow, plain computations."""

from __future__ import annotations

import torch

from policies.encoder import CircularConv, EntityEncoder
from policies.observation import ObservationSpec

from .helpers import SPEC, random_observation


def test_convolution_wraps_around():
    """One filter that adds each ray's left and right neighbour; the ends are neighbours."""
    conv = CircularConv(1, 3)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[[1.0, 0.0, 10.0]]]))
    result = conv(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    torch.testing.assert_close(result, torch.tensor([[24.0, 31.0, 42.0, 13.0]]))


def test_convolution_turns_with_the_rays():
    conv, lidar = CircularConv(9, 3), torch.randn(5, 30)
    turned = conv(lidar.roll(7, dims=1)).unflatten(1, (9, 30))
    torch.testing.assert_close(turned, conv(lidar).unflatten(1, (9, 30)).roll(7, dims=2))


def test_embeddings_equal_dense_layers_on_concatenated_features():
    torch.manual_seed(0)
    encoder, observation = EntityEncoder(SPEC, 16, 9, 3), random_observation(4)
    torch.nn.init.normal_(encoder.own_dense.bias)
    embeddings, mask = encoder(observation, "visible")

    own = torch.cat([observation["self"], encoder.lidar_conv(observation["lidar"])], dim=-1)
    weights = encoder.own_dense.weight.split(16)
    biases = encoder.own_dense.bias.split(16)
    expected = []
    for number, kind in enumerate(SPEC.entities):
        weight = torch.cat([weights[number], encoder.entity_dense[f"of_{kind}"].weight], dim=1)
        for entity in observation[kind].unbind(1):
            expected.append((torch.cat([own, entity], dim=-1) @ weight.T + biases[number]).relu())
    expected.append((own @ weights[-1].T + biases[-1]).relu())
    torch.testing.assert_close(embeddings, torch.stack(expected, dim=1), atol=1e-5, rtol=1e-5)

    visible = [observation[f"{kind}_visible"] for kind in SPEC.entities]
    assert torch.equal(mask, torch.cat([*visible, torch.ones(4, 1, dtype=torch.bool)], dim=1))


def test_initial_weights_are_xavier_of_the_whole_layer():
    """The part for the entity is scaled by the width of x_self and entity together, as in the original."""
    encoder = EntityEncoder(ObservationSpec(300, 0, {"boxes": (1, 100)}), 128, 9, 3)
    bound = (6 / (400 + 128)) ** 0.5
    for weight in (encoder.own_dense.weight[:128], encoder.entity_dense["of_boxes"].weight):
        assert 0.98 * bound < weight.abs().max() <= bound


def test_scenes_without_lidar_and_without_entities():
    spec = ObservationSpec(5, 0, {})
    embeddings, mask = EntityEncoder(spec, 16, 9, 3)({"self": torch.randn(3, 5)}, "visible")
    assert embeddings.shape == (3, 1, 16)
    assert mask.all()
