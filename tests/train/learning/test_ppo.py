"""PPO learns toy problems, repeats itself bit by bit, and computes the loss it says."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from policies.actor_critic import ActorCritic
from policies.observation import ObservationSpec
from policies.tower import NetworkConfig
from train.config.ppo_config import PPOConfig
from train.learning.critic_pass import CriticPass, CutOff
from train.learning.ppo import PPO, load_optimizer_tensors, optimizer_tensors
from train.learning.rollouts import RolloutBuffer

SPEC = ObservationSpec(1, 0, {"boxes": (2, 1)})
NETWORK = NetworkConfig(embedding_size=16, attention_heads=2, hidden_size=16, lstm_size=16)
SEQUENCES = 32


def new_ppo(**changes: float) -> PPO:
    torch.manual_seed(0)
    settings = {"rollout_steps": 20, "chunk_length": 5, "epochs": 4, "minibatches": 2, "learning_rate": 3e-3}
    return PPO(ActorCritic(SPEC, (2, 3), NETWORK), PPOConfig(**{**settings, **changes}))


def observe(signal: Tensor, visible: Tensor) -> dict[str, Tensor]:
    """Show the signal (N,) as the feature of the first box; the second box shows the opposite and is hidden."""
    return {
        "self": torch.zeros(len(signal), 1),
        "boxes": torch.stack([signal, -signal], dim=1).unsqueeze(-1),
        "boxes_visible": torch.stack([visible, torch.zeros_like(visible)], dim=1),
        "boxes_present": torch.ones(len(signal), 2, dtype=torch.bool),
    }


def rollout(ppo: PPO, generator: torch.Generator, delay: int = 0) -> tuple[RolloutBuffer, float]:
    """Play episodes of 4 steps: the reward is 1 where the first action names the sign of the signal.

    The signal stays for an episode and is visible in its first step; rewards begin ``delay`` steps later.
    """
    policy, buffer = ppo.policy, ppo.new_buffer(SEQUENCES)
    state, signal, total = policy.initial_state(SEQUENCES), torch.zeros(SEQUENCES), 0.0
    critic, never = CriticPass(policy, buffer), torch.zeros(SEQUENCES, dtype=torch.bool)
    for step in range(ppo.config.rollout_steps):
        phase = step % 4
        if phase == 0:
            signal = torch.randint(0, 2, (SEQUENCES,), generator=generator) * 2.0 - 1.0
        begins = torch.full((SEQUENCES,), phase == 0)
        observation, before = observe(signal, begins | (delay == 0)), state
        actions, log_probs, state = policy.act(observation, state, begins, generator=generator)
        rewards = ((actions[:, 0] * 2.0 - 1.0) == signal).float() * (phase >= delay)
        total += rewards.mean().item() / ppo.config.rollout_steps * 4 / (4 - delay)
        dones = torch.full((SEQUENCES,), phase == 3)
        buffer.add(observation, actions, log_probs, before, begins, rewards, dones)
        state = critic.follow(state, CutOff(never, never, None))
    buffer.finish(torch.zeros(SEQUENCES))
    return buffer, total


def learn(ppo: PPO, updates: int, delay: int = 0) -> tuple[list[float], dict[str, float]]:
    generator, rewards, metrics = torch.Generator().manual_seed(0), [], {}
    for _ in range(updates):
        buffer, reward = rollout(ppo, generator, delay)
        metrics = ppo.update(buffer, generator)
        rewards.append(reward)
    return rewards, metrics


class TestLearning:
    def test_learns_to_act_on_what_it_sees(self):
        rewards, metrics = learn(new_ppo(), 15)
        assert rewards[0] == pytest.approx(0.5, abs=0.1)
        assert rewards[-1] > 0.95
        assert metrics["explained_variance"] > 0.5
        assert metrics["entropy"] < 1.79 - 0.2  # nats; ln 2 + ln 3 is that of uniform actions

    def test_learns_to_remember(self):
        """The signal is hidden when it matters: only a memory that is trained through time can tell it."""
        rewards, _ = learn(new_ppo(learning_rate=1e-2), 25, delay=2)
        assert rewards[-1] > 0.9

    def test_reversed_rewards_are_unlearned(self):
        """Guards against tests that pass for any gradient: without the sign of the advantage this cannot hold."""
        ppo, generator = new_ppo(), torch.Generator().manual_seed(0)
        for _ in range(10):
            buffer, reward = rollout(ppo, generator)
            buffer.rewards.neg_()
            ppo.update(buffer, generator)
        assert reward < 0.1


class TestReproducibility:
    def test_same_seeds_same_bits(self):
        runs = []
        for _ in range(2):
            ppo = new_ppo()
            runs.append((learn(ppo, 3), copy.deepcopy(ppo.policy.state_dict())))
        (first, first_state), (second, second_state) = runs
        assert first == second
        assert all(torch.equal(tensor, second_state[name]) for name, tensor in first_state.items())

    def test_restored_optimizer_continues_with_the_same_bits(self):
        """Only named tensors pass from one optimiser to the other, as through a checkpoint."""
        ppo = new_ppo()
        learn(ppo, 2)
        twin = new_ppo()
        twin.policy.load_state_dict(ppo.policy.state_dict())
        load_optimizer_tensors(twin.optimizer, optimizer_tensors(ppo.optimizer))
        assert all(isinstance(tensor, Tensor) for tensor in optimizer_tensors(ppo.optimizer).values())
        assert learn(ppo, 2) == learn(twin, 2)
        for one, other in zip(ppo.policy.parameters(), twin.policy.parameters(), strict=True):
            assert torch.equal(one, other)


class TestLoss:
    def test_first_ratios_are_one(self):
        """The policy that is improved is the one that acted, normalisers included, also after the first update."""
        ppo, generator = new_ppo(epochs=1, minibatches=1), torch.Generator().manual_seed(0)
        for _ in range(3):
            buffer, _ = rollout(ppo, generator)
            metrics = ppo.update(buffer, generator)
            assert metrics["approx_kl"] == pytest.approx(0.0, abs=1e-6)
            assert metrics["clip_fraction"] == 0.0
            assert metrics["policy_loss"] == pytest.approx(0.0, abs=1e-5)  # minus the mean of z-scored advantages

    def test_clipped_loss_hand_computed(self):
        """Ratios 1.5 and 0.5 against clip 0.2, with advantages of either sign."""
        ppo = new_ppo()
        buffer, _ = rollout(ppo, torch.Generator().manual_seed(0))
        chunk = buffer.chunks(torch.tensor([0]))
        log_probs, _ = ppo.policy.evaluate_actions(chunk.observation, chunk.actions, chunk.state, chunk.resets)
        log_probs = log_probs.detach()
        ratios = torch.tensor([1.5, 1.5, 0.5, 0.5, 1.0])
        advantages = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])
        gains = torch.tensor([1.2, -1.5, 0.5, -0.8, 1.0])
        weights = torch.tensor([1.0, 1.0, 1.0, 1.0, 0.0])
        chunk.log_probs.copy_(log_probs - ratios.log()[:, None])
        chunk.advantages.copy_(advantages[:, None])
        chunk.weights.copy_(weights[:, None])
        metrics = ppo._learn_actions(chunk, weights.sum())
        assert metrics["policy_loss"].item() == pytest.approx(-(gains * weights).sum().item() / 4, abs=1e-5)
        assert metrics["clip_fraction"].item() == pytest.approx(1.0)

    def test_entropy_bonus_flattens_a_sharp_policy(self):
        """Without rewards only the bonus is left."""
        ppo, generator = new_ppo(entropy_coefficient=1.0), torch.Generator().manual_seed(0)
        torch.nn.init.normal_(ppo.policy.action_head.linear.weight)
        entropies = []
        for _ in range(3):
            buffer, _ = rollout(ppo, generator)
            buffer.rewards.zero_()
            buffer.values.zero_()
            entropies.append(ppo.update(buffer, generator)["entropy"])
        assert entropies[0] + 0.1 < entropies[1] < entropies[2]

    def test_steps_without_weight_do_not_change_the_policy(self):
        """Whatever happened in them: their rewards and actions reach neither the actor nor the z-score."""
        policies = []
        for noise in (0.0, 100.0):
            ppo, generator = new_ppo(gae_lambda=0.0, gamma=0.0, max_grad_norm=1e9), torch.Generator().manual_seed(0)
            buffer, _ = rollout(ppo, generator)
            excluded = torch.rand(buffer.weights.shape, generator=generator) < 0.5
            buffer.weights[excluded] = 0.0
            buffer.rewards[excluded] += noise
            buffer.log_probs[excluded] += noise / 100
            ppo.update(buffer, generator)
            policies.append([*ppo.policy.actor.parameters(), *ppo.policy.action_head.parameters()])
        for one, other in zip(*policies, strict=True):
            assert torch.equal(one, other)

    def test_statistics_are_updated_once_per_rollout(self):
        ppo = new_ppo()
        learn(ppo, 3)
        expected = 1.0 - ppo.policy.value_normalizer.decay**3
        for name, tensor in ppo.policy.state_dict().items():
            if name.endswith("debias"):
                assert tensor.item() == pytest.approx(expected)

    def test_a_rollout_without_weight_is_harmless(self):
        ppo, generator = new_ppo(), torch.Generator().manual_seed(0)
        buffer, _ = rollout(ppo, generator)
        buffer.weights.zero_()
        metrics = ppo.update(buffer, generator)
        assert all(parameter.isfinite().all() for parameter in ppo.policy.parameters())
        assert metrics["policy_loss"] == 0.0


class TestOwnSteps:
    """Steps that somebody else played, as past versions do, are marked as not the learner's own."""

    @staticmethod
    def poisoned(noise: float) -> tuple[RolloutBuffer, PPO]:
        """A rollout in which a third of the episodes carry data that say whose they are: ``noise`` in every number.

        Episodes have 4 steps and chunks 5, so own and foreign episodes meet inside chunks.
        """
        ppo, generator = new_ppo(), torch.Generator().manual_seed(0)
        buffer, _ = rollout(ppo, generator)
        own = (torch.rand(5, SEQUENCES, generator=generator) < 0.66).repeat_interleave(4, dim=0)
        buffer.set_by_step(buffer.own, own)
        foreign = ~buffer.own
        for tensor in (buffer.rewards, buffer.values, buffer.log_probs, *list(buffer.observation.values())[:2]):
            tensor[foreign] += noise
        buffer.actions[foreign] = int(noise > 0)
        buffer.last_value[~own[-1]] += noise
        for memory in buffer.state:
            memory[foreign[0]] += noise
        return buffer, ppo

    @pytest.mark.parametrize("sequences", [None, torch.arange(SEQUENCES) % 2 == 0])
    def test_others_steps_reach_nothing(self, sequences):
        results = []
        for noise in (0.0, 7.0):
            buffer, ppo = self.poisoned(noise)
            metrics = [ppo.update(buffer, torch.Generator().manual_seed(1), sequences) for _ in range(2)]
            results.append((metrics, ppo.policy.state_dict(), optimizer_tensors(ppo.optimizer)))
        (metrics, weights, moments), (other_metrics, other_weights, other_moments) = results
        assert metrics == other_metrics
        assert all(torch.equal(tensor, other_weights[name]) for name, tensor in weights.items())
        assert all(torch.equal(tensor, other_moments[name]) for name, tensor in moments.items())

    def test_the_poison_works(self):
        """Were the steps not marked, the update would differ: the test above can fail."""
        results = []
        for noise in (0.0, 7.0):
            buffer, ppo = self.poisoned(noise)
            buffer.own.fill_(True)
            results.append(ppo.update(buffer, torch.Generator().manual_seed(1))["value_loss"])
        assert results[0] != pytest.approx(results[1], rel=0.1)

    def test_chunks_of_others_alone_are_skipped(self):
        """A policy that played a quarter of the sequences sees each of their chunks once an epoch, and no other."""
        ppo, generator = new_ppo(), torch.Generator().manual_seed(0)
        buffer, _ = rollout(ppo, generator)
        dealt = []
        chunks = buffer.chunks
        buffer.chunks = lambda indices, sequences: dealt.append(indices) or chunks(indices, sequences)
        first = torch.arange(SEQUENCES) < 8
        ppo.update(buffer, generator, first)
        actions, values = (sorted(torch.cat(half).tolist()) for half in (dealt[::2], dealt[1::2]))
        assert actions == values == sorted([c * SEQUENCES + n for c in range(4) for n in range(8)] * 4)

    def test_the_actor_skips_chunks_without_weight(self):
        """Those in which nobody acted: the critic sees each of 4 chunks of 32 sequences once an epoch, the actor the
        others."""
        ppo, generator = new_ppo(), torch.Generator().manual_seed(0)
        buffer, _ = rollout(ppo, generator)
        buffer.weights[:, 0, :8] = 0.0
        buffer.weights[:4, 1, :8] = 0.0
        buffer.own[4:, 1, :8] = False
        steps = {"action_distribution": 0, "evaluate_values": 0}
        for name in steps:
            whole = getattr(ppo.policy, name)

            def count(*args: Any, name: str = name, whole: Callable = whole) -> Any:
                steps[name] += args[-1].numel()
                return whole(*args)

            setattr(ppo.policy, name, count)
        ppo.update(buffer, generator)
        assert steps == {"action_distribution": 4 * (4 * 32 - 16) * 5, "evaluate_values": 4 * 4 * 32 * 5}

    def test_a_rollout_without_own_steps_is_harmless(self):
        ppo, generator = new_ppo(weight_decay=0.0), torch.Generator().manual_seed(0)
        buffer, _ = rollout(ppo, generator)
        before = copy.deepcopy(ppo.policy.state_dict())
        buffer.own.fill_(False)
        ppo.update(buffer, generator)
        assert all(torch.equal(tensor, before[name]) for name, tensor in ppo.policy.state_dict().items())
