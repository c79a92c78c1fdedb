"""Multi-categorical actions against torch's own distributions."""

from __future__ import annotations

import torch
from torch.distributions import Categorical

from policies.heads import ActionHead, MultiCategorical

BINS = (11, 11, 11, 2, 2)


def random_head() -> ActionHead:
    head = ActionHead(8, BINS)
    torch.nn.init.normal_(head.linear.weight, std=0.5)
    return head


def test_log_prob_and_entropy_equal_separate_categoricals():
    torch.manual_seed(0)
    head, features = random_head(), torch.randn(3, 5, 8)
    separate = [Categorical(logits=logits) for logits in head.linear(features).split(BINS, dim=-1)]
    actions = torch.stack([one.sample() for one in separate], dim=-1)
    distribution = head(features)
    log_prob = sum(one.log_prob(actions[..., k]) for k, one in enumerate(separate))
    torch.testing.assert_close(distribution.log_prob(actions), log_prob)
    torch.testing.assert_close(distribution.entropy(), sum(one.entropy() for one in separate))
    assert torch.equal(distribution.mode(), torch.stack([one.probs.argmax(-1) for one in separate], dim=-1))


def test_samples_have_the_right_frequencies_and_never_leave_their_bins():
    torch.manual_seed(0)
    head, features = random_head(), torch.randn(1, 8)
    samples = head(features.expand(40_000, 8)).sample(torch.Generator().manual_seed(1))
    for action, logits in enumerate(head.linear(features).split(BINS, dim=-1)):
        frequency = samples[:, action].bincount(minlength=BINS[action]) / len(samples)
        assert len(frequency) == BINS[action]
        torch.testing.assert_close(frequency, logits.softmax(-1)[0], atol=0.012, rtol=0)


def test_sampling_repeats_with_the_generator():
    distribution = random_head()(torch.randn(64, 8))
    first, again, other = (distribution.sample(torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_padding_leaves_gradients_finite():
    head = random_head()
    distribution = head(torch.randn(4, 8))
    (distribution.entropy().sum() + distribution.log_prob(torch.zeros(4, 5, dtype=torch.long)).sum()).backward()
    assert head.linear.weight.grad.isfinite().all()


def test_policies_begin_nearly_uniform():
    entropy = ActionHead(256, BINS)(torch.randn(10, 256)).entropy()
    assert (entropy > 3 * torch.tensor(11.0).log() + 2 * torch.tensor(2.0).log() - 0.05).all()


def test_rows_act_alike_in_any_part():
    distribution = MultiCategorical(torch.randn(6, 2, 3))
    whole = distribution.sample(torch.Generator().manual_seed(3))
    rows = torch.tensor([4, 1])
    part = MultiCategorical(distribution.log_probs[rows])
    assert torch.equal(part.sample(torch.Generator().manual_seed(3), (rows, 6)), whole[rows])
    for first, count in ((0, 2), (2, 4)):
        part = MultiCategorical(distribution.log_probs[first : first + count])
        assert torch.equal(part.sample(torch.Generator().manual_seed(3), (first, 6)), whole[first : first + count])
