"""Advantages against numbers worked out by hand."""

from __future__ import annotations

import torch

from train.learning.gae import generalized_advantages


def column(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers).unsqueeze(1)


def test_hand_computed():
    """gamma 0.5, lambda 0.5: errors are 1 + 1 - 1 = 1, 2 + 2 - 2 = 2, 3 + 4 - 4 = 3, each carried back by a quarter."""
    rewards, values = column(1.0, 2.0, 3.0), column(1.0, 2.0, 4.0)
    dones, last_value = column(0, 0, 0).bool(), torch.tensor([8.0])
    advantages, targets = generalized_advantages(rewards, values, dones, column(0.0, 0.0, 0.0), last_value, 0.5, 0.5)
    torch.testing.assert_close(advantages, column(1 + 2.75 / 4, 2 + 3 / 4, 3.0))
    torch.testing.assert_close(targets, advantages + values)


def test_nothing_crosses_the_end_of_an_episode():
    """The middle step ends the episode: its error is 2 + 0 - 2 = 0, and nothing comes back from the third."""
    rewards, values = column(1.0, 2.0, 3.0), column(1.0, 2.0, 4.0)
    dones, last_value = column(0, 1, 0).bool(), torch.tensor([8.0])
    advantages, _ = generalized_advantages(rewards, values, dones, column(0.0, 0.0, 0.0), last_value, 0.5, 0.5)
    torch.testing.assert_close(advantages, column(1.0, 0.0, 3.0))


def test_what_was_cut_off_counts_once():
    """The middle step cuts the episode off at a value of 6: its error is 2 + 3 - 2 = 3, and the first's 1 +
    1 - 1 = 1."""
    rewards, values = column(1.0, 2.0, 3.0), column(1.0, 2.0, 4.0)
    dones, cut_off, last_value = column(0, 1, 0).bool(), column(0.0, 6.0, 0.0), torch.tensor([8.0])
    advantages, targets = generalized_advantages(rewards, values, dones, cut_off, last_value, 0.5, 0.5)
    torch.testing.assert_close(advantages, column(1 + 3 / 4, 3.0, 3.0))
    torch.testing.assert_close(targets, column(2.75, 5.0, 7.0))


def test_without_cuts_the_textbook_formula_to_the_bit():
    """1 - done as a factor of the next value, as everywhere; values of the buffer's numbers in float32."""
    torch.manual_seed(0)
    rewards, values, dones = torch.randn(50, 40), 10 * torch.randn(50, 40), torch.rand(50, 40) < 0.1
    last_value = torch.randn(40)
    advantages, targets = generalized_advantages(rewards, values, dones, torch.zeros(50, 40), last_value, 0.998, 0.95)
    keep, following = (~dones).float(), torch.zeros(40)
    errors = rewards + 0.998 * keep * torch.cat([values[1:], last_value[None]]) - values
    for step in reversed(range(50)):
        following = torch.addcmul(errors[step], 0.998 * 0.95 * keep[step], following)
        assert torch.equal(advantages[step], following)
    assert torch.equal(targets, advantages + values)


def test_end_with_the_last_step_ignores_the_last_value():
    arguments = column(3.0), column(4.0), column(1).bool(), column(0.0)
    for last_value in (0.0, 1000.0):
        advantages, _ = generalized_advantages(*arguments, torch.tensor([last_value]), 0.9, 0.9)
        torch.testing.assert_close(advantages, column(-1.0))


def test_lambda_one_gives_discounted_returns():
    rewards = torch.randn(20, 3)
    nothing = torch.zeros(20, 3)
    _, targets = generalized_advantages(rewards, torch.randn(20, 3), nothing.bool(), nothing, torch.zeros(3), 0.9, 1.0)
    discounts = 0.9 ** torch.arange(20.0)
    torch.testing.assert_close(targets[0], (discounts[:, None] * rewards).sum(0))


def test_sequences_do_not_mix():
    torch.manual_seed(0)
    rewards, values, dones = torch.randn(12, 4), torch.randn(12, 4), torch.rand(12, 4) < 0.2
    cut_off, last_value = torch.randn(12, 4), torch.randn(4)
    together, _ = generalized_advantages(rewards, values, dones, cut_off, last_value, 0.99, 0.95)
    for n in range(4):
        one = slice(n, n + 1)
        mine = [each[:, one] for each in (rewards, values, dones, cut_off)]
        alone, _ = generalized_advantages(*mine, last_value[one], 0.99, 0.95)
        torch.testing.assert_close(together[:, one], alone)
