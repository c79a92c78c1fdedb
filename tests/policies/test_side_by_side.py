"""Players side by side against torch's GRU, one player at a time."""

import pytest
import torch

from policies.side_by_side import PlayersActorCritic

G, N, T, D, H, ACTIONS = 3, 4, 6, 5, 8, 3


@pytest.fixture
def policy():
    policy = PlayersActorCritic(G, D, ACTIONS, H, torch.Generator().manual_seed(0)).double()
    torch.nn.init.normal_(policy.head_weight)
    return policy


@pytest.fixture
def observation():
    return torch.randn(T, G, N, D, dtype=torch.double, generator=torch.Generator().manual_seed(1))


def loss_of(log_probs, values):
    return log_probs[..., 1].sum() + values.square().sum()


def torch_gru(policy, player):
    gru = torch.nn.GRU(D, H).double()
    with torch.no_grad():
        gru.weight_ih_l0.copy_(policy.input_weight[player].T)
        gru.bias_ih_l0.copy_(policy.input_bias[player, 0])
        gru.weight_hh_l0.copy_(torch.cat([policy.gates_weight[player], policy.new_weight[player]], 1).T)
        gru.bias_hh_l0.zero_()[2 * H :] = policy.new_bias[player, 0]
    return gru


def test_outputs_and_gradients_are_those_of_a_gru(policy, observation):
    choice, values = policy.unroll(observation)
    loss_of(choice.log_probs.squeeze(-2), values).backward()
    for player in range(G):
        gru = torch_gru(policy, player)
        outputs = gru(observation[:, player])[0] @ policy.head_weight[player].detach()
        torch.testing.assert_close(choice.log_probs[:, player, :, 0], outputs[..., :-1].log_softmax(-1))
        torch.testing.assert_close(values[:, player], outputs[..., -1])
        loss_of(outputs[..., :-1].log_softmax(-1), outputs[..., -1]).backward()
        recurrent = torch.cat([policy.gates_weight.grad[player], policy.new_weight.grad[player]], 1).T
        torch.testing.assert_close(policy.input_weight.grad[player].T, gru.weight_ih_l0.grad)
        torch.testing.assert_close(policy.input_bias.grad[player, 0], gru.bias_ih_l0.grad)
        torch.testing.assert_close(recurrent, gru.weight_hh_l0.grad)
        torch.testing.assert_close(policy.new_bias.grad[player, 0], gru.bias_hh_l0.grad[2 * H :])


def test_steps_equal_unrolling(policy, observation):
    choice, values = policy.unroll(observation)
    state = policy.first_state(N)
    for step in range(T):
        one, value, state = policy.step(observation[step], state)
        torch.testing.assert_close(one.log_probs, choice.log_probs[step])
        torch.testing.assert_close(value, values[step])


def test_first_policy_is_uniform_and_first_value_zero(observation):
    policy = PlayersActorCritic(G, D, ACTIONS, H, torch.Generator().manual_seed(0)).double()
    choice, values = policy.unroll(observation)
    torch.testing.assert_close(choice.log_probs.exp(), torch.full_like(choice.log_probs, 1 / ACTIONS))
    assert not values.any()
