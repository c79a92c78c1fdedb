"""What the policy and its critic see, remember and refuse."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from policies.actor_critic import ActorCritic, LSTMState
from policies.observation import ObservationSpec
from policies.tower import NetworkConfig

from .helpers import BINS, SMALL, SPEC, random_observation, small_policy

NO_RESETS = torch.zeros(8, dtype=torch.bool)


def random_state(sequences: int, size: int = SMALL.lstm_size) -> LSTMState:
    return LSTMState(*(torch.randn(sequences, size) for _ in range(4)))


def count(*modules: nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters() if p.requires_grad)


@pytest.mark.parametrize(
    ("layer_norm", "attention_layer_norm", "norms"),
    [(False, False, 0), (True, False, 4 * 256), (True, True, 4 * 256 + 2 * 128)],
)
def test_parameter_counts_of_the_full_scenario(layer_norm: bool, attention_layer_norm: bool, norms: int):
    """Exactly the released network's numbers, plus scale and shift of the layer norms that the paper adds."""
    spec = ObservationSpec(10, 30, {"agents": (3, 10), "boxes": (9, 15), "ramps": (2, 15)})
    config = NetworkConfig(layer_norm=layer_norm, attention_layer_norm=attention_layer_norm)
    policy = ActorCritic(spec, BINS, config)
    assert count(policy.actor, policy.action_head) == 816_201 + norms
    assert count(policy.critic, policy.value_head) == 806_949 + norms


@pytest.mark.parametrize("attention_layer_norm", [False, True])
class TestMasks:
    """The policy sees what is visible, the critic what is present."""

    def replies(self, attention_layer_norm: bool, mask: str):
        """Return log-probabilities and values before and after the features behind a False mask change."""
        policy = small_policy(config=dataclasses.replace(SMALL, attention_layer_norm=attention_layer_norm))
        observation, state = random_observation(8), random_state(8)
        changed = dict(observation)
        for kind in SPEC.entities:
            hidden = ~observation[f"{kind}_{mask}"].unsqueeze(-1)
            changed[kind] = torch.where(hidden, torch.randn_like(observation[kind]) * 3, observation[kind])
        actions = torch.zeros(1, 8, 5, dtype=torch.long)
        for version in (observation, changed):
            sequence = {key: tensor.unsqueeze(0) for key, tensor in version.items()}
            with torch.no_grad():
                log_prob, _ = policy.evaluate_actions(sequence, actions, state, NO_RESETS[None])
                value = policy.evaluate_values(sequence, state, NO_RESETS[None])
            yield log_prob, value

    def test_hidden_entities_change_the_value_but_not_the_policy(self, attention_layer_norm: bool):
        (log_prob, value), (new_log_prob, new_value) = self.replies(attention_layer_norm, "visible")
        torch.testing.assert_close(log_prob, new_log_prob, atol=1e-5, rtol=1e-5)
        assert (value - new_value).abs().max() > 1e-3

    def test_absent_entities_change_nothing(self, attention_layer_norm: bool):
        (log_prob, value), (new_log_prob, new_value) = self.replies(attention_layer_norm, "present")
        torch.testing.assert_close(log_prob, new_log_prob, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(value, new_value, atol=1e-5, rtol=1e-5)


def test_visible_entities_change_the_policy():
    policy, observation, state = small_policy(), random_observation(8), random_state(8)
    observation["boxes_visible"] = torch.ones(8, 3, dtype=torch.bool)
    changed = {**observation, "boxes": observation["boxes"] + 1.0}
    _, one, _ = policy.act(observation, state, NO_RESETS, deterministic=True)
    _, other, _ = policy.act(changed, state, NO_RESETS, deterministic=True)
    assert ((one - other).abs() > 1e-3).all()


def test_order_of_entities_does_not_matter():
    policy, observation, state = small_policy(), random_observation(8), random_state(8)
    order = torch.tensor([2, 0, 1])
    permuted = dict(observation)
    for key in ("boxes", "boxes_visible", "boxes_present"):
        permuted[key] = observation[key][:, order]
    one, other = (policy.act(obs, state, NO_RESETS, deterministic=True)[1] for obs in (observation, permuted))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    one, other = (policy.value(obs, state, NO_RESETS) for obs in (observation, permuted))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_evaluate_repeats_what_act_did():
    """Log-probabilities of a replayed sequence are those of acting, resets inside it included; so are values."""
    policy, state = small_policy(), random_state(8)
    policy.update_value_normalizer(torch.randn(100) * 7 + 3)
    observation, resets = random_observation(10, 8), torch.rand(10, 8) < 0.2
    first, steps = state, []
    for step in range(10):
        now = {key: tensor[step] for key, tensor in observation.items()}
        *results, state = policy.act(now, state, resets[step], generator=torch.Generator().manual_seed(step))
        steps.append(results)
    actions, log_probs = (torch.stack(column) for column in zip(*steps, strict=True))
    values, _ = policy.values(observation, first, resets)
    log_prob, _ = policy.evaluate_actions(observation, actions, first, resets)
    value = policy.evaluate_values(observation, first, resets)
    torch.testing.assert_close(log_prob, log_probs, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(policy.value_normalizer.denormalize(value), values, atol=1e-4, rtol=1e-5)


def test_values_of_many_steps_are_those_of_each():
    """The critic's memory after every step is that from which the next value comes; acting leaves it alone."""
    policy, state, resets = small_policy(), random_state(8), torch.rand(10, 8) < 0.2
    observation = random_observation(10, 8)
    values, (hidden, cell) = policy.values(observation, state, resets)
    for step in range(10):
        now = {key: tensor[step] for key, tensor in observation.items()}
        torch.testing.assert_close(policy.value(now, state, resets[step]), values[step], atol=1e-5, rtol=1e-5)
        *_, after = policy.act(now, state, resets[step])
        assert after.critic_h is state.critic_h and after.critic_c is state.critic_c
        state = state._replace(critic_h=hidden[step], critic_c=cell[step])


def test_new_value_statistics_change_no_value():
    policy, observation, state = small_policy(), random_observation(8), random_state(8)
    before = policy.value(observation, state, NO_RESETS)
    policy.update_value_normalizer(torch.randn(1000) * 40 - 15)
    torch.testing.assert_close(policy.value_normalizer.std, torch.tensor([40.0]), rtol=0.1, atol=0)
    torch.testing.assert_close(policy.value(observation, state, NO_RESETS), before, atol=1e-4, rtol=1e-4)


def test_initial_state_is_what_a_reset_gives():
    policy, observation = small_policy(), random_observation(8)
    fresh = policy.act(observation, policy.initial_state(8), NO_RESETS, deterministic=True)
    reset = policy.act(observation, random_state(8), ~NO_RESETS, deterministic=True)
    for one, other in zip((*fresh[:2], *fresh[2][:2]), (*reset[:2], *reset[2][:2]), strict=True):
        assert torch.equal(one, other)


class TestErrors:
    """A wrong observation is refused with the name of the tensor, what was expected and what came."""

    def refused(self, match: str, /, **changes: torch.Tensor | None):
        observation = {**random_observation(8), **changes}
        observation = {key: tensor for key, tensor in observation.items() if tensor is not None}
        with pytest.raises(ValueError, match=match):
            small_policy().act(observation, random_state(8), NO_RESETS)

    def test_missing_tensor(self):
        self.refused(r"'boxes_visible'.*\(8, 3\).*got only", boxes_visible=None)

    def test_wrong_shape(self):
        self.refused(r"'boxes': expected shape \(8, 3, 13\), got \(8, 3, 12\)", boxes=torch.randn(8, 3, 12))

    def test_wrong_batch(self):
        self.refused(r"'self': expected shape \(8, 11\), got \(7, 11\)", self=torch.randn(7, 11))

    def test_mask_that_is_not_boolean(self):
        self.refused("'ramps_present': expected bool", ramps_present=torch.ones(8, 2))


def test_specification_survives_json():
    import json

    assert ObservationSpec.from_dict(json.loads(json.dumps(SPEC.to_dict()))) == SPEC
