"""Chunks hold the right steps of the right sequences, and the memory from which acting continued."""

from __future__ import annotations

import pytest
import torch

from policies.actor_critic import ActorCritic, LSTMState
from policies.observation import ObservationSpec
from policies.tower import NetworkConfig
from train.learning.critic_pass import CriticPass, CutOff
from train.learning.rollouts import RolloutBuffer

SPEC = ObservationSpec(2, 0, {"boxes": (2, 3)})
STEPS, SEQUENCES, LENGTH = 20, 3, 5


def new_buffer(state_size: int = 4) -> RolloutBuffer:
    return RolloutBuffer(STEPS, SEQUENCES, SPEC, 2, state_size, LENGTH)


def identity(step: int) -> torch.Tensor:
    """Return the number 100 t + n that marks step t of sequence n, (N,)."""
    return 100.0 * step + torch.arange(SEQUENCES)


def fill_with_identities(buffer: RolloutBuffer, steps: int = STEPS) -> None:
    """Store transitions all of whose parts carry the identity of their step and sequence."""
    for step in range(steps):
        marks = identity(step)
        buffer.add(
            observation={
                "self": marks[:, None].expand(-1, 2),
                "boxes": marks[:, None, None].expand(-1, 2, 3),
                "boxes_visible": (marks % 2 == 0)[:, None].expand(-1, 2),
                "boxes_present": (marks % 3 == 0)[:, None].expand(-1, 2),
            },
            actions=marks.long()[:, None].expand(-1, 2),
            log_probs=-marks,
            state=LSTMState(*(marks[:, None].expand(-1, 4) + 10_000 * k for k in range(4))),
            resets=marks % 5 == 0,
            rewards=marks * 2,
            dones=marks % 7 == 0,
            weights=marks / 1000,
        )
        if buffer.size % LENGTH == 0:
            rows = torch.stack([identity(row) for row in range(step + 1 - LENGTH, step + 1)])
            memory = rows[0, :, None].expand(-1, 4)
            state = LSTMState(*(memory + 10_000 * k for k in range(4)))
            buffer.add_values(rows + 0.5, state, rows * 3)


def test_every_chunk_holds_consecutive_steps_of_one_sequence():
    buffer = new_buffer()
    fill_with_identities(buffer)
    assert buffer.num_chunks == STEPS // LENGTH * SEQUENCES
    order = torch.randperm(buffer.num_chunks)
    chunks = buffer.chunks(order)
    for place, chunk in enumerate(order.tolist()):
        block, sequence = divmod(chunk, SEQUENCES)
        marks = torch.tensor([100.0 * step + sequence for step in range(block * LENGTH, (block + 1) * LENGTH)])
        assert torch.equal(chunks.observation["self"][:, place], marks[:, None].expand(-1, 2))
        assert torch.equal(chunks.observation["boxes"][:, place, 1, 2], marks)
        assert torch.equal(chunks.observation["boxes_visible"][:, place, 0], marks % 2 == 0)
        assert torch.equal(chunks.observation["boxes_present"][:, place, 1], marks % 3 == 0)
        assert torch.equal(chunks.actions[:, place, 1], marks.long())
        assert torch.equal(chunks.log_probs[:, place], -marks)
        assert torch.equal(chunks.resets[:, place], marks % 5 == 0)
        assert torch.equal(chunks.weights[:, place], marks / 1000)
        for k, tensor in enumerate(chunks.state):
            assert torch.equal(tensor[place], (marks[0] + 10_000 * k).expand(4))


def test_local_chunks_of_shared_rollouts():
    """Of 7 sequences these are 2, 3 and 4; every chunk of the whole is in one of the three parts."""
    parts = [
        RolloutBuffer(STEPS, count, SPEC, 2, 4, LENGTH, part=(first, 7)) for first, count in ((0, 2), (2, 3), (5, 2))
    ]
    assert all(part.all_chunks == 28 for part in parts)
    order = torch.randperm(28)
    for part, (first, count) in zip(parts, ((0, 2), (2, 3), (5, 2)), strict=True):
        here = [index for index in order.tolist() if first <= index % 7 < first + count]
        assert part.local(order).tolist() == [index // 7 * count + index % 7 - first for index in here]
    assert sum(len(part.local(order)) for part in parts) == 28


def test_order_of_time_and_back():
    buffer = new_buffer()
    fill_with_identities(buffer)
    rewards = buffer.by_step(buffer.rewards)
    assert torch.equal(rewards, torch.stack([identity(step) * 2 for step in range(STEPS)]))
    buffer.set_by_step(buffer.advantages, rewards)
    assert torch.equal(buffer.advantages, buffer.rewards)


def test_a_full_buffer_begins_anew():
    buffer = new_buffer()
    fill_with_identities(buffer)
    assert buffer.full
    fill_with_identities(buffer, steps=1)
    assert buffer.size == 1


def test_missing_steps_and_uneven_chunks_are_refused():
    buffer = new_buffer()
    fill_with_identities(buffer, steps=STEPS - 1)
    with pytest.raises(ValueError, match="19 of 20"):
        buffer.finish(torch.zeros(SEQUENCES))
    with pytest.raises(ValueError, match="chunks of 7"):
        RolloutBuffer(STEPS, SEQUENCES, SPEC, 2, 4, chunk_length=7)


def test_replayed_chunks_repeat_the_rollout():
    """From the stored memories, resets inside chunks included, the network recomputes what it said in acting."""
    torch.manual_seed(0)
    policy = ActorCritic(SPEC, (5, 3), NetworkConfig(embedding_size=8, hidden_size=8, lstm_size=8))
    torch.nn.init.normal_(policy.action_head.linear.weight)
    buffer, state = new_buffer(8), policy.initial_state(SEQUENCES)
    dones, generator = torch.ones(SEQUENCES, dtype=torch.bool), torch.Generator().manual_seed(0)
    critic, never = CriticPass(policy, buffer), torch.zeros(SEQUENCES, dtype=torch.bool)
    for _ in range(STEPS):
        boxes = torch.rand(2, SEQUENCES, 2) < 0.5
        observation = {
            "self": torch.randn(SEQUENCES, 2),
            "boxes": torch.randn(SEQUENCES, 2, 3),
            "boxes_visible": boxes[0],
            "boxes_present": boxes[1],
        }
        resets, before = dones, state
        actions, log_probs, state = policy.act(observation, state, resets, generator=generator)
        dones = torch.rand(SEQUENCES) < 0.2
        buffer.add(observation, actions, log_probs, before, resets, torch.zeros(SEQUENCES), dones)
        state = critic.follow(state, CutOff(never, never, None))
    assert buffer.resets[1:].any()

    chunks = buffer.chunks(torch.arange(buffer.num_chunks))
    log_probs, _ = policy.evaluate_actions(chunks.observation, chunks.actions, chunks.state, chunks.resets)
    values = policy.evaluate_values(chunks.observation, chunks.state, chunks.resets)
    torch.testing.assert_close(log_probs, chunks.log_probs, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(values, buffer.values.flatten(1, 2), atol=1e-5, rtol=1e-5)
