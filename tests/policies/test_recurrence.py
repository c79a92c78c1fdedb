"""The LSTM with episode starts inside a sequence."""

from __future__ import annotations

import pytest
import torch

from policies.recurrence import LSTM


def step_by_step(lstm: LSTM, inputs, state, resets):
    """Unroll with the method for acting."""
    outputs = []
    for step in range(len(inputs)):
        output, state = lstm.step(inputs[step], state, resets[step])
        outputs.append(output)
    return torch.stack(outputs)


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 1.0])
def test_unroll_equals_steps(probability: float):
    torch.manual_seed(0)
    lstm, inputs = LSTM(6, 8), torch.randn(10, 9, 6)
    state, resets = (torch.randn(9, 8), torch.randn(9, 8)), torch.rand(10, 9) < probability
    goal = torch.randn(10, 9, 8)
    parameters = [parameter for parameter in lstm.parameters() if parameter.requires_grad]
    whole, stepped = lstm.unroll(inputs, state, resets), step_by_step(lstm, inputs, state, resets)
    torch.testing.assert_close(whole, stepped, atol=1e-5, rtol=1e-5)
    gradients = [torch.autograd.grad((outputs * goal).sum(), parameters) for outputs in (whole, stepped)]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_reset_equals_a_sequence_of_its_own():
    lstm, inputs = LSTM(6, 8), torch.randn(10, 1, 6)
    resets = torch.zeros(10, 1, dtype=torch.bool)
    resets[4] = True
    outputs = lstm.unroll(inputs, (torch.randn(1, 8), torch.randn(1, 8)), resets)
    alone = lstm.unroll(inputs[4:], (torch.zeros(1, 8), torch.zeros(1, 8)), torch.zeros(6, 1, dtype=torch.bool))
    torch.testing.assert_close(outputs[4:], alone)


def test_step_is_the_textbook_lstm():
    """Gates i, f, g, o with one bias; the forget gate's bias starts at 1."""
    lstm, inputs = LSTM(3, 4), torch.randn(2, 3)
    hidden, cell = torch.randn(2, 4), torch.randn(2, 4)
    layer = lstm.lstm
    assert torch.equal(layer.bias_ih_l0.detach(), torch.tensor([0.0] * 4 + [1.0] * 4 + [0.0] * 8))
    gates = inputs @ layer.weight_ih_l0.T + hidden @ layer.weight_hh_l0.T + layer.bias_ih_l0
    i, f, g, o = gates.chunk(4, dim=-1)
    expected_cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    output, (_, new_cell) = lstm.step(inputs, (hidden, cell), torch.zeros(2, dtype=torch.bool))
    torch.testing.assert_close(new_cell, expected_cell)
    torch.testing.assert_close(output, o.sigmoid() * expected_cell.tanh())
